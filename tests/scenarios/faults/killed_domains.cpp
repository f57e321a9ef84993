// Whoever is killed, and whenever: the rest of the machine goes on, and so does the simulator.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/scenarios/faults/machine_bench.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

constexpr int survived = 0, broken = 3;

/// In a copy of the simulation: kills, lets time pass. How the copy ended, as waitpid says it.
int end_of_a_copy(machine_bench& bench, const std::function<void()>& kill, const sc_core::sc_time& rest) {
    const auto child = ::fork();
    if (child != 0) {
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    ::alarm(60);  // an endless loop without simulated time
    try {
        sc_core::sc_spawn(kill);
        sc_core::sc_start(rest);
        ::_exit(survived);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        for (const auto& line : bench.timeline)
            std::fprintf(stderr, "    %s\n", line.c_str());
        ::_exit(broken);
    }
}

}  // namespace

TEST_CASE("any domain but dom0 may be killed at any time") {
    machine_bench bench({}, {});
    const char* asked = std::getenv("VTWIN_KILLS");  // more than a test can afford
    const int steps = asked != nullptr ? std::atoi(asked) : 16;
    const auto step = milli(14000.0 / steps);
    const char* names[] = {"vtpmmgr", "v1", "g1", "admin"};
    for (int i = 1; i <= steps && sc_core::sc_get_status() != sc_core::SC_STOPPED; ++i) {
        sc_core::sc_start(step);
        if (sc_core::sc_get_status() == sc_core::SC_STOPPED)
            break;
        const std::string name = names[i % 4];
        auto& slot = *bench.machine.domain_slot(name);
        if (slot.power() == xen::domain::state::off)
            continue;
        INFO(name << " at " << sc_core::sc_time_stamp());
        const std::function<void()> ways[] = {
            [&] { bench.machine.hypervisor().shutdown(slot, xen::shutdown_reason::crash); },
            [&] { (void)bench.machine.destroy(name); }, [&] { bench.machine.restart(name, milli(500)); },
            [&] { (void)bench.machine.shutdown(name, milli(5000)); }};
        CHECK(end_of_a_copy(bench, ways[i / 4 % 4], milli(30000)) == survived);
    }
}
