// CPU time of the main scenario when nothing, and when all of its RSA is remembered from a run before it.
#include <benchmark/benchmark.h>

#include <sstream>
#include <systemc>

#include "scenarios/config/scenario.h"
#include "scenarios/runner/run.h"
#include "scenarios/runner/simulate.h"
#include "tests/bench/child.h"
#include "tests/scenarios/support.h"
#include "tpm/engine/rsa_memo.h"

namespace {

using namespace vtwin;

struct figures {
    double cpu, hits, misses;
};

/// The simulation alone: reading files and writing results come once per campaign.
figures run_once() {
    const auto wanted = scenario::load_scenario("deep_attestation");
    const auto before = tpm::rsa_memo::statistics();
    const scenario::test::temporary_directory place;
    scenario::run_options options{
        .out = place.path() / "out", .vcd = false, .pcapng = false, .perfetto = false, .quiet = true};
    std::ostringstream printed;
    const double cpu = bench::cpu_seconds();
    const auto result = scenario::run(wanted, options, scenario::simulate, printed);
    if (result.code != scenario::exit_code::ok)
        throw std::runtime_error("the scenario failed:\n" + printed.str());
    const auto after = tpm::rsa_memo::statistics();
    return {bench::cpu_seconds() - cpu, double(after.hits - before.hits),
            double(after.misses - before.misses)};
}

void one_run(benchmark::State& state) {
    for (auto _ : state) {
        const auto result = bench::in_child(run_once);
        if (!result) {
            state.SkipWithError("the run failed");
            return;
        }
        state.SetIterationTime(result->cpu);
        state.counters["hits"] = result->hits;
        state.counters["misses"] = result->misses;
    }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    tpm::rsa_memo::share(std::size_t{64} << 20);
    for (const char* name : {"first_run", "all_remembered"})
        benchmark::RegisterBenchmark(name, one_run)
            ->UseManualTime()
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
