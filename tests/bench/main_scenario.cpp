// Wall time of the main scenario as `vtwin run` does it, with and without a waveform, each run in a process
// of its own. For medians: --benchmark_repetitions=7 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>

#include <filesystem>
#include <sstream>
#include <systemc>

#include "scenarios/config/scenario.h"
#include "scenarios/runner/run.h"
#include "scenarios/runner/simulate.h"
#include "tests/bench/child.h"
#include "tests/scenarios/support.h"

namespace {

using namespace vtwin;

struct figures {
    double wall, cpu, simulated_s, waveform_bytes;
};

figures run_once(bool vcd) {
    const double wall = bench::wall_seconds(), cpu = bench::cpu_seconds();
    const scenario::test::temporary_directory place;
    scenario::run_options options{.out = place.path() / "out", .vcd = vcd, .quiet = true};
    std::ostringstream printed;
    const auto result =
        scenario::run(scenario::load_scenario("deep_attestation"), options, scenario::simulate, printed);
    if (result.code != scenario::exit_code::ok)
        throw std::runtime_error("the scenario failed:\n" + printed.str());
    const auto bytes = vcd ? std::filesystem::file_size(result.out / "trace.vcd") : 0;
    return {bench::wall_seconds() - wall, bench::cpu_seconds() - cpu, sc_core::sc_time_stamp().to_seconds(),
            static_cast<double>(bytes)};
}

void deep_attestation(benchmark::State& state, bool vcd) {
    for (auto _ : state) {
        const auto result = bench::in_child([vcd] { return run_once(vcd); });
        if (!result) {
            state.SkipWithError("the run failed");
            return;
        }
        state.SetIterationTime(result->wall);
        state.counters["cpu_ms"] = result->cpu * 1e3;
        state.counters["simulated_s"] = result->simulated_s;
        state.counters["waveform_KiB"] = result->waveform_bytes / 1024;
    }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    for (const bool vcd : {false, true}) {
        const char* name = vcd ? "deep_attestation/waveform" : "deep_attestation";
        benchmark::RegisterBenchmark(name, deep_attestation, vcd)
            ->UseManualTime()
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
