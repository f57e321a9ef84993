// Memory and host time of many started vTPMs: whole machines with vTPM stub domains that the manager serves,
// each with its endorsement key; and the engines alone.
#include <benchmark/benchmark.h>

#include <fmt/format.h>
#include <malloc.h>

#include <fstream>
#include <memory>
#include <systemc>
#include <vector>

#include "models/platform/platform.h"
#include "scenarios/config/scenario.h"
#include "tests/bench/child.h"
#include "tests/tpm/support.h"
#include "tpm/engine/firmware12.h"

namespace {

using namespace vtwin;

/// Resident memory of this process.
double resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::size_t pages = 0, resident = 0;
    in >> pages >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

struct figures {
    double wall, cpu, growth, simulated_s;
};

template <typename Start>
figures measure(Start&& start) {
    ::malloc_trim(0);  // what was freed before must not hide growth
    const double wall = bench::wall_seconds(), cpu = bench::cpu_seconds(), memory = resident_bytes();
    const auto kept = start();
    return {bench::wall_seconds() - wall, bench::cpu_seconds() - cpu, resident_bytes() - memory,
            sc_core::sc_time_stamp().to_seconds()};
}

/// The administrator's vTPM, one with a guest and `count` - 1 others. Faithful mini-os and a xenstored with
/// its default quotas cannot have so many clients.
models::run_config configuration(std::size_t count) {
    auto config = scenario::load_scenario("deep_attestation").config;
    auto& machine = config.machine;
    for (const auto limit : {models::behaviour::tpmback_fixed_grant_limits,
                             models::behaviour::tpmback_interface_list_realloc_in_bytes})
        machine.behaviours.set(limit, true);
    machine.store_quotas.nodes = machine.store_quotas.watches = 1000000;  // xenstored -E, -W
    machine.guests.resize(1);
    machine.guests[0].attestations = 0;
    machine.guests[0].ima_files.clear();
    std::erase_if(machine.vtpms, [&](const models::vtpm_config& vtpm) {
        return !vtpm.administrator && vtpm.name != machine.guests[0].vtpm;
    });
    for (std::size_t i = 1; i < count; ++i) {
        auto vtpm = machine.vtpms.back();
        vtpm.name = fmt::format("other{}", i);
        vtpm.uuid = *models::parse_uuid(fmt::format("{:08x}-3333-4333-8333-333333333333", i));
        machine.vtpms.push_back(std::move(vtpm));
    }
    return config;
}

/// A machine that ran until every vTPM serves clients, its state stored under the manager's key.
class started_machine {
  public:
    explicit started_machine(const models::run_config& config) {
        const std::size_t count = config.machine.vtpms.size();  // with the administrator's
        m_machine = std::make_unique<models::platform>(
            "machine", config, [this, count](const models::timeline_entry& entry) {
                if (entry.severity == models::stubdom_services_if::level::error)
                    throw std::runtime_error(entry.domain + ": " + entry.text);
                if (entry.text == "serving clients" && ++m_serving == count)
                    sc_core::sc_pause();
            });
        m_machine->operation = [this, &config] {
            for (const auto& vtpm : config.machine.vtpms)
                if (vtpm.name.starts_with("other") && !m_machine->create(vtpm.name))
                    throw std::runtime_error("xl create failed: " + vtpm.name);
        };
        m_machine->guests().front()->user_program = [](models::guest_domain& guest) {
            for (;;)
                guest.os.sleep(sc_core::sc_time(1, sc_core::SC_SEC));
        };
        sc_core::sc_start();
        if (m_serving != count)
            throw std::runtime_error(fmt::format("only {} of {} vTPMs serve", m_serving, count));
    }

  private:
    std::size_t m_serving = 0;
    std::unique_ptr<models::platform> m_machine;
};

void report(benchmark::State& state, const std::optional<figures>& result) {
    if (!result) {
        state.SkipWithError("the measured process failed");
        return;
    }
    const auto count = static_cast<double>(state.range(0));
    state.SetIterationTime(result->wall);
    state.counters["ms_each"] = result->wall * 1e3 / count;
    state.counters["cpu_ms_each"] = result->cpu * 1e3 / count;
    state.counters["MiB"] = result->growth / 1048576;
    state.counters["KiB_each"] = result->growth / 1024 / count;
    state.counters["simulated_s"] = result->simulated_s;
}

void machine_with_vtpms(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    for (auto _ : state)
        report(state, bench::in_child([=] {
                   const auto config = configuration(count);
                   return measure([&] { return std::make_unique<started_machine>(config); });
               }));
}

/// Enabled, activated, started, with an endorsement key.
std::vector<std::unique_ptr<tpm::test::bench_tpm>> start_engines(tpm::libtpms_host& host, std::size_t count) {
    std::vector<std::unique_ptr<tpm::test::bench_tpm>> engines;
    for (std::size_t i = 0; i < count; ++i) {
        auto& tpm =
            *engines.emplace_back(std::make_unique<tpm::test::bench_tpm>(host, tpm::family::tpm12, i + 1));
        const bool ready = tpm::make_ready_for_use(tpm.engine) == 0;
        tpm.engine.power_cycle();
        tpm(tpm::test::startup_12);
        const auto reply = tpm(tpm::test::create_ek_12);
        if (!ready || reply.size() < 20 || reply.substr(12, 8) != "00000000")
            throw std::runtime_error("no endorsement key: " + reply);
    }
    return engines;
}

void engines_alone(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    for (auto _ : state)
        report(state, bench::in_child([=] {
                   tpm::libtpms_host host;
                   return measure([&] { return start_engines(host, count); });
               }));
}

void add(const char* name, void (*function)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, function)
        ->RangeMultiplier(10)
        ->Range(1, 1000)
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    add("machine_with_vtpms", machine_with_vtpms);
    add("engines_alone", engines_alone);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
