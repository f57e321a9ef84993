// Wall time of the main scenario as `vtwin run` does it, with each of its traces and without, each run in a
// process of its own. For medians: --benchmark_repetitions=7 --benchmark_enable_random_interleaving=true
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

struct traced {
    const char* name;
    bool vcd, pcapng, perfetto;
};

struct figures {
    double wall, cpu, simulated_s, trace_bytes;
};

figures run_once(const traced& what) {
    const double wall = bench::wall_seconds(), cpu = bench::cpu_seconds();
    const scenario::test::temporary_directory place;
    scenario::run_options options{.out = place.path() / "out",
                                  .vcd = what.vcd,
                                  .pcapng = what.pcapng,
                                  .perfetto = what.perfetto,
                                  .quiet = true};
    std::ostringstream printed;
    const auto result =
        scenario::run(scenario::load_scenario("deep_attestation"), options, scenario::simulate, printed);
    if (result.code != scenario::exit_code::ok)
        throw std::runtime_error("the scenario failed:\n" + printed.str());
    std::uintmax_t bytes = 0;
    for (const char* trace : {"trace.vcd", "trace.pcapng", "trace.json"})
        if (std::filesystem::exists(result.out / trace))
            bytes += std::filesystem::file_size(result.out / trace);
    return {bench::wall_seconds() - wall, bench::cpu_seconds() - cpu, sc_core::sc_time_stamp().to_seconds(),
            static_cast<double>(bytes)};
}

void deep_attestation(benchmark::State& state, const traced& what) {
    for (auto _ : state) {
        const auto result = bench::in_child([what] { return run_once(what); });
        if (!result) {
            state.SkipWithError("the run failed");
            return;
        }
        state.SetIterationTime(result->wall);
        state.counters["cpu_ms"] = result->cpu * 1e3;
        state.counters["simulated_s"] = result->simulated_s;
        state.counters["trace_KiB"] = result->trace_bytes / 1024;
    }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    for (const traced& what : {traced{"deep_attestation", false, false, false},
                               traced{"deep_attestation/waveform", true, false, false},
                               traced{"deep_attestation/packets", false, true, false},
                               traced{"deep_attestation/tracks", false, false, true},
                               traced{"deep_attestation/all", true, true, true}})
        benchmark::RegisterBenchmark(what.name, deep_attestation, what)
            ->UseManualTime()
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
