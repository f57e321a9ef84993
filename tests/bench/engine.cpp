// What it costs to have many TPMs in one process: raw libtpms against engines, and engines in turn.
#include <benchmark/benchmark.h>

#include <malloc.h>
#include <cstdlib>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>

#include "tests/tpm/support.h"

namespace {

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;

using fleet = std::vector<std::unique_ptr<bench_tpm>>;

fleet started(libtpms_host& host, family version, std::size_t count) {
    fleet tpms;
    for (std::size_t i = 0; i < count; ++i) {
        tpms.push_back(std::make_unique<bench_tpm>(host, version, i + 1));
        (*tpms.back())(version == family::tpm12 ? startup_12 : startup_20);
    }
    return tpms;
}

/// Heap in use: engines' copies of the library's data and what libtpms allocated for them.
std::size_t heap_bytes() {
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

TPM_RESULT no_such_blob(unsigned char**, std::uint32_t*, std::uint32_t, const char*) {
    return TPM_RETRY;
}
TPM_RESULT forget_blob(const unsigned char*, std::uint32_t, std::uint32_t, const char*) {
    return TPM_SUCCESS;
}
TPM_RESULT nothing() {
    return TPM_SUCCESS;
}
TPM_RESULT locality_0(TPM_MODIFIER_INDICATOR* locality, std::uint32_t) {
    *locality = 0;
    return TPM_SUCCESS;
}
TPM_RESULT present(TPM_BOOL* asserted, std::uint32_t) {
    *asserted = 1;
    return TPM_SUCCESS;
}

/// libtpms called directly: the floor. Runs under a host only so that it leaves the library as it was.
void raw_pcr_read(benchmark::State& state) {
    libtpms_host host;
    libtpms_callbacks callbacks{
        sizeof callbacks,
        nothing,
        no_such_blob,
        forget_blob,
        [](std::uint32_t, const char*, TPM_BOOL) -> TPM_RESULT { return TPM_SUCCESS; },
        nothing,
        locality_0,
        present};
    TPMLIB_ChooseTPMVersion(TPMLIB_TPM_VERSION_1_2);
    TPMLIB_RegisterCallbacks(&callbacks);
    TPMLIB_MainInit();
    unsigned char* response = nullptr;
    std::uint32_t size = 0, capacity = 0;
    auto process = [&](bytes& command) {
        TPMLIB_Process(&response, &size, &capacity, reinterpret_cast<unsigned char*>(command.data()),
                       static_cast<std::uint32_t>(command.size()));
    };
    bytes startup = from_hex(startup_12), read = from_hex(pcr_read_12_pcr10);
    process(startup);
    for (auto _ : state)
        process(read);
    TPMLIB_Terminate();
    std::free(response);
}
BENCHMARK(raw_pcr_read);

/// PCR reads on `range(1)` engines in turn.
void engine_pcr_read(benchmark::State& state) {
    libtpms_host host;
    const family version = state.range(0) == 12 ? family::tpm12 : family::tpm20;
    const auto tpms = started(host, version, static_cast<std::size_t>(state.range(1)));
    const bytes read = from_hex(version == family::tpm12 ? pcr_read_12_pcr10 : pcr_read_20_pcr10);
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(tpms[next]->engine.execute(read, 0));
        if (++next == tpms.size())
            next = 0;
    }
    state.counters["pages"] = static_cast<double>(host.written_pages());
}
BENCHMARK(engine_pcr_read)->ArgNames({"family", "engines"})->ArgsProduct({{12, 20}, {1, 2, 100}});

/// One engine of each family in turn: the hardware chip and a vTPM.
void mixed_pcr_read(benchmark::State& state) {
    libtpms_host host;
    const auto old = started(host, family::tpm12, 1), young = started(host, family::tpm20, 1);
    const bytes read_12 = from_hex(pcr_read_12_pcr10), read_20 = from_hex(pcr_read_20_pcr10);
    bool turn = false;
    for (auto _ : state) {
        turn = !turn;
        benchmark::DoNotOptimize(turn ? old[0]->engine.execute(read_12, 0)
                                      : young[0]->engine.execute(read_20, 0));
    }
}
BENCHMARK(mixed_pcr_read);

/// Starting `range(1)` engines (power on and Startup; a TPM 1.2 has no EK) and the memory they hold.
void start_engines(benchmark::State& state) {
    libtpms_host host;
    const family version = state.range(0) == 12 ? family::tpm12 : family::tpm20;
    const auto count = static_cast<std::size_t>(state.range(1));
    for (auto _ : state) {
        const std::size_t before = heap_bytes();
        const auto tpms = started(host, version, count);
        state.counters["KiB_each"] =
            static_cast<double>(heap_bytes() - before) / 1024 / static_cast<double>(count);
        state.counters["data_KiB_each"] = static_cast<double>(tpms.front()->engine.data_bytes()) / 1024;
    }
    state.counters["each"] =
        benchmark::Counter(static_cast<double>(count),
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(start_engines)
    ->ArgNames({"family", "engines"})
    ->ArgsProduct({{12, 20}, {1, 10, 100, 1000}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

// libsystemc owns main().
int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
