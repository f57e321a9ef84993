// Faults that are commands of xl: the whole machine runs.
#include <catch2/catch.hpp>

#include "tests/scenarios/faults/machine_bench.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

trigger store_crossing_of_g1(std::uint64_t nth) {
    trigger when;
    when.on = "g1.xenstore";
    when.nth = nth;
    return when;
}

}  // namespace

TEST_CASE("domains are restarted and destroyed and asked to shut down while the machine runs") {
    machine_bench bench({fault_of("domain.restarted", "g1", store_crossing_of_g1(3), {{"off_for", "250 ms"}}),
                         fault_of("domain.destroyed", "admin", store_crossing_of_g1(6)),
                         fault_of("domain.shut_down", "v1", store_crossing_of_g1(6), {{"timeout", "2 s"}})});
    std::map<std::string, std::vector<sc_core::sc_time>> stopped;
    bench.machine.hypervisor().on_stopped([&](xen::domain& which, xen::shutdown_reason why) {
        if (why == xen::shutdown_reason::destroyed)
            stopped[which.basename()].push_back(sc_core::sc_time_stamp());
    });
    bench.machine.run();
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(bench.armed(i).begun());
    CHECK(std::ranges::count(bench.timeline, "dom0: xl create g1") == 2);
    CHECK(stopped["domain_g1"].size() == 1);
    CHECK(stopped["domain_admin"].size() == 1);
    CHECK(bench.machine.domain_slot("admin")->power() == xen::domain::state::off);
    CHECK(bench.said("dom0: xl shutdown v1"));
}
