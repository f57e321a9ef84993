// Host time of the paths that every simulated TPM command takes: events between domains, and memory accesses.
#include <benchmark/benchmark.h>

#include <memory>

#include "tests/hypervisor/bench.h"

namespace {

using namespace vtwin::xen;
using namespace vtwin::xen::test;

/// Two domains that wake each other through an event channel, each from a block; SystemC allows one such
/// world.
struct ping_pong {
    ping_pong() {
        a = std::make_unique<guest>(host.add_domain("a", small()), [this](guest& g) {
            g.take_upcalls();
            g.call().evtchn_alloc_unbound(domid_self, domid_t{2}, offered);
            answer(g, offered);
        });
        b = std::make_unique<guest>(host.add_domain("b", small()), [this](guest& g) {
            g.take_upcalls();
            g.cpu().block(ms(5));
            evtchn_port bound{};
            g.call().evtchn_bind_interdomain(a->id(), offered, bound);
            answer(g, bound);
        });
        host.start(a->dom(), "");
        host.start(b->dom(), "");
        sc_core::sc_start(ms(50));
    }
    void answer(guest& g, evtchn_port port) {
        bool rung = false;
        g.handlers[to_underlying(port)] = [&] { rung = true; };
        for (;;) {
            while (!rung)
                g.cpu().block(std::nullopt);
            rung = false;
            ++answers;
            g.call().evtchn_send(port);
        }
    }
    machine host{"xen", {.pcpus = 2, .costs = distinct_costs()}};
    std::unique_ptr<guest> a, b;
    evtchn_port offered{};
    std::uint64_t answers = 0;
};

void event_round_trip(benchmark::State& state, ping_pong& world) {
    const auto round = 2 * us(4 + 1000 + 100);  // send, wake-up, upcall; and back
    const auto before = world.answers;
    constexpr int batch = 1000;
    while (state.KeepRunningBatch(batch))
        sc_core::sc_start(round * batch);
    if (world.answers - before < 2 * state.iterations() - 2)
        state.SkipWithError("rounds are missing");
}

void memory_read_8_bytes(benchmark::State& state, ping_pong& world) {
    std::array<std::byte, 8> word{};
    std::uint64_t offset = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(world.a->memory().read(address_of(page(5)) + offset, word));
        offset = (offset + 8) % page_size;
    }
}

void memory_write_8_bytes(benchmark::State& state, ping_pong& world) {
    const std::array<std::byte, 8> word{};
    std::uint64_t offset = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(world.a->memory().write(address_of(page(5)) + offset, word));
        offset = (offset + 8) % page_size;
    }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    ping_pong world;
    benchmark::Initialize(&argc, argv);
    benchmark::RegisterBenchmark("event_round_trip", event_round_trip, std::ref(world));
    benchmark::RegisterBenchmark("memory_read_8_bytes", memory_read_8_bytes, std::ref(world));
    benchmark::RegisterBenchmark("memory_write_8_bytes", memory_write_8_bytes, std::ref(world));
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
