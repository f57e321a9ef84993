// Host time of one PCR read by a guest: through Linux' tpmfront, ring page, events, tpmback and vTPM to
// libtpms and back; and of the same command on the engine alone. The column "Time" is wall time per command,
// the median of several batches; the counters are per command too.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "models/platform/platform.h"
#include "scenarios/config/scenario.h"
#include "scenarios/runner/observed_machine.h"
#include "tests/bench/child.h"
#include "tests/tpm/support.h"

namespace {

using namespace vtwin;

constexpr int warm_up = 500, batches = 15;

struct figures {
    double wall, cpu;                         ///< seconds per command
    double simulated_us, deltas, wall_least;  ///< per command
};

/// Calls `run(count)` for `count` commands.
template <typename Run>
figures measure(int batch, Run&& run) {
    run(warm_up);
    std::vector<double> walls;
    const double cpu = bench::cpu_seconds();
    const auto simulated = sc_core::sc_time_stamp();
    const auto deltas = sc_core::sc_delta_count();
    for (int i = 0; i < batches; ++i) {
        const double start = bench::wall_seconds();
        run(batch);
        walls.push_back((bench::wall_seconds() - start) / batch);
    }
    std::ranges::sort(walls);
    const double commands = static_cast<double>(batch) * batches;
    return {walls[walls.size() / 2], (bench::cpu_seconds() - cpu) / commands,
            (sc_core::sc_time_stamp() - simulated) / sc_core::sc_time(1, sc_core::SC_US) / commands,
            static_cast<double>(sc_core::sc_delta_count() - deltas) / commands, walls.front()};
}

enum class tracing { none, table, waveform };

/// A machine with one guest that reads PCR 10 as often as it is told.
class reading_machine {
  public:
    reading_machine(bool saving, tracing traced) : m_config(configuration()) {
        m_machine.emplace("machine", m_config, [](const models::timeline_entry&) {});
        if (traced != tracing::none)
            m_observed.emplace(*m_machine, m_config,
                               trace::recorder_options{.waveform = traced == tracing::waveform});
        for (const auto& vtpm : m_machine->vtpms())
            vtpm->set_save_after_command(saving || vtpm->config().administrator);
        m_machine->guests().front()->user_program = [this](models::guest_domain& guest) { serve(guest); };
    }
    void read(int count) {
        m_wanted = count;
        sc_core::sc_start();
        if (m_wanted != 0)
            throw std::runtime_error("the machine stopped before the guest had read");
    }

  private:
    /// The library's main scenario with a single guest that only boots.
    static models::run_config configuration() {
        auto config = scenario::load_scenario("deep_attestation").config;
        auto& machine = config.machine;
        machine.guests.resize(1);
        machine.guests[0].attestations = 0;
        machine.guests[0].ima_files.clear();
        std::erase_if(machine.vtpms, [&](const models::vtpm_config& vtpm) {
            return !vtpm.administrator && vtpm.name != machine.guests[0].vtpm;
        });
        return config;
    }

    void serve(models::guest_domain& guest) {
        const auto command = tpm::test::from_hex(tpm::test::pcr_read_12_pcr10);
        for (;;) {
            while (m_wanted == 0) {
                sc_core::sc_pause();
                guest.os.sleep(sc_core::sc_time(1, sc_core::SC_US));
            }
            const auto reply = guest.tpm().transmit(command);
            if (!reply || reply.response.size() != 30)
                throw std::runtime_error("the PCR cannot be read");
            --m_wanted;
        }
    }

    models::run_config m_config;
    std::optional<models::platform> m_machine;
    std::optional<scenario::observed_machine> m_observed;
    int m_wanted = 0;
};

template <typename Work>
void report(benchmark::State& state, Work&& work) {
    for (auto _ : state) {
        const auto result = bench::in_child(work);
        if (!result) {
            state.SkipWithError("the measured process failed");
            return;
        }
        state.SetIterationTime(result->wall);
        state.counters["cpu_us"] = result->cpu * 1e6;
        state.counters["least_us"] = result->wall_least * 1e6;
        state.counters["simulated_us"] = result->simulated_us;
        state.counters["deltas"] = result->deltas;
    }
}

void engine_alone(benchmark::State& state) {
    report(state, [] {
        tpm::libtpms_host host;
        tpm::test::bench_tpm tpm(host, tpm::family::tpm12, 1);
        tpm(tpm::test::startup_12);
        const auto command = tpm::test::from_hex(tpm::test::pcr_read_12_pcr10);
        return measure(20000, [&](int count) {
            for (int i = 0; i < count; ++i)
                benchmark::DoNotOptimize(tpm.engine.execute(command, 0));
        });
    });
}

void guest_reads(benchmark::State& state, bool saving, tracing traced) {
    report(state, [=] {
        reading_machine machine(saving, traced);
        return measure(saving ? 1000 : 5000, [&](int count) { machine.read(count); });
    });
}

void add(const char* name, void (*function)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, function)
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    add("engine_alone", engine_alone);
    add("no_save", [](auto& state) { guest_reads(state, false, tracing::none); });
    add("no_save/latency_table", [](auto& state) { guest_reads(state, false, tracing::table); });
    add("no_save/waveform", [](auto& state) { guest_reads(state, false, tracing::waveform); });
    add("faithful", [](auto& state) { guest_reads(state, true, tracing::none); });
    add("faithful/latency_table", [](auto& state) { guest_reads(state, true, tracing::table); });
    add("faithful/waveform", [](auto& state) { guest_reads(state, true, tracing::waveform); });
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
