// Host time of one crossing: of a wire without a tap, of a tapped one, and of a tapped one on which a fault
// waits that never acts.
#include <benchmark/benchmark.h>

#include <memory>

#include "hypervisor/grant/grant_broker.h"
#include "scenarios/faults/wire_taps.h"
#include "tests/hypervisor/bench.h"

namespace {

using namespace vtwin;
using namespace vtwin::scenario;
using xen::test::guest;

/// A frontend whose page 5 a back end has mapped. SystemC allows one machine: each wire has a domain, or a
/// page, of its own.
struct world {
    world() {
        for (auto* each : {&plain, &tapped, &armed, &front}) {
            host.create(each->dom(), "");
            store_word(*each);
        }
        host.create(back.dom(), "");
        front.grant(xen::test::ref(8), back.id(), xen::test::page(5));
        xen::gnttab_map_grant_ref op{.ref = xen::test::ref(8), .dom = front.id()};
        host.grant_operations().map(*back.dom().life(), op);
    }
    void store_word(guest& in) { (void)in.memory().write(at, std::array<std::byte, 4>{}); }
    guest add(const std::string& name) { return {host.add_domain("domain_" + name, xen::test::small()), {}}; }
    xen::memory_if& port(const std::string& name, guest& of) { return taps.memory(name, of.memory()); }
    xen::hypercall_if& calls(const std::string& name, guest& of) { return taps.hypercall(name, of.call()); }

    /// Waits for a crossing that never comes.
    void arm(const std::string& on, std::vector<condition> where) {
        fault what;
        what.name = what.target = what.when.on = on;
        what.when.where = std::move(where);
        what.when.nth = UINT64_MAX;
        hub.arm(std::move(what), nullptr, 1);
    }

    static constexpr auto at = xen::address_of(xen::gfn_t{5});
    wire_hub hub{{"tapped.*", "armed.*", "front.ring"}};
    wire_taps taps{hub};
    xen::machine host{"xen", {.pcpus = 1, .costs = xen::test::distinct_costs()}};
    guest plain = add("plain"), tapped = add("tapped"), armed = add("armed"), front = add("front"),
          back = add("back");
};

void load(benchmark::State& state, xen::memory_if& port) {
    std::array<std::byte, 4> word{};
    for (auto _ : state)
        benchmark::DoNotOptimize(port.read(world::at, word));
}

/// A crossing without the call behind it.
void crossing_alone(benchmark::State& state, wire& on) {
    for (auto _ : state) {
        crossing what("evtchn_send");
        what.put(field::port, 3);
        benchmark::DoNotOptimize(on.cross(what));
    }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    world all;
    auto& plain = all.port("plain", all.plain);
    auto& tapped = all.port("tapped", all.tapped);
    auto& armed = all.port("armed", all.armed);
    auto& ring = all.port("front", all.front);
    (void)all.calls("tapped", all.tapped);
    (void)all.calls("armed", all.armed);
    all.taps.view().attach(all.host, {{"front", "back"}}, 1);
    // The mapping was made before anybody listened: once more.
    xen::gnttab_map_grant_ref op{.ref = xen::test::ref(8), .dom = all.front.id()};
    all.host.grant_operations().map(*all.back.dom().life(), op);
    all.arm("armed.memory", {{"operation", "store"}});
    all.arm("armed.hypercall", {{"port", "7"}});

    benchmark::Initialize(&argc, argv);
    benchmark::RegisterBenchmark("memory/direct", load, std::ref(plain));
    benchmark::RegisterBenchmark("memory/tapped", load, std::ref(tapped));
    benchmark::RegisterBenchmark("memory/armed", load, std::ref(armed));
    benchmark::RegisterBenchmark("ring/tapped", load, std::ref(ring));
    benchmark::RegisterBenchmark("ring/armed", [&](benchmark::State& state) {
        if (all.hub.faults().size() == 2)
            all.arm("front.ring", {{"member", "state"}, {"operation", "store"}, {"side", "front"}});
        load(state, ring);
    });
    benchmark::RegisterBenchmark("crossing/tapped", crossing_alone,
                                 std::ref(*all.hub.find("tapped.hypercall")));
    benchmark::RegisterBenchmark("crossing/armed", crossing_alone,
                                 std::ref(*all.hub.find("armed.hypercall")));
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
