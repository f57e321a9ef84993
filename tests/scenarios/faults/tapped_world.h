// A machine with a TPM frontend's and a back end's domain, taps on the wires that a test asks for, and
// faults.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "hypervisor/grant/grant_broker.h"
#include "scenarios/faults/hypervisor_kinds.h"
#include "scenarios/faults/memory_tap.h"
#include "scenarios/faults/wire_taps.h"
#include "tests/hypervisor/bench.h"

namespace vtwin::scenario::test {

using sc_core::sc_time;
using sc_core::sc_time_stamp;
using xen::test::ms;
using xen::test::us;

/// A domain whose software is a function that uses the tapped ports.
struct tapped_domain {
    using program = std::function<void(tapped_domain&)>;
    tapped_domain(xen::machine& host, wire_taps& taps, const std::string& name, program body)
        : guest(host.add_domain("domain_" + name, xen::test::small()),
                [this, body = std::move(body)](xen::test::guest&) {
                    if (body)
                        body(*this);
                }),
          call(taps.hypercall(name, guest.call())),
          memory(taps.memory(name, guest.memory())) {}

    template <typename T>
    T load(xen::guest_addr at) {
        std::array<std::byte, sizeof(T)> word{};
        CHECK(memory.read(at, word));
        return xen::load_le<T>(word.data());
    }
    template <typename T>
    bool store(xen::guest_addr at, T value) {
        std::array<std::byte, sizeof(T)> word{};
        xen::store_le<T>(word.data(), value);
        return memory.write(at, word);
    }
    xen::gntst map(xen::domid_t granter, xen::gnttab_map_grant_ref& op) {
        op.dom = granter;
        op.ref = xen::test::ref(8);
        CHECK(call.grant_map({&op, 1}) == 0);
        return op.status;
    }

    xen::test::guest guest;
    xen::hypercall_if& call;
    xen::memory_if& memory;
};

/// "front" grants its page 5 to "back" as reference 8; `back` gets domid 2.
struct tapped_world {
    explicit tapped_world(std::vector<std::string> wires, tapped_domain::program front_body = {},
                          tapped_domain::program back_body = {})
        : hub(std::move(wires)),
          taps(hub),
          host("xen", {.pcpus = 2, .costs = xen::test::distinct_costs()}),
          front(host, taps, "front", std::move(front_body)),
          back(host, taps, "back", std::move(back_body)) {
        taps.view().attach(host, {{"front", "back"}}, 7);
        host.create(front.guest.dom(), "");
        host.create(back.guest.dom(), "");
        front.guest.grant(xen::test::ref(8), back.guest.id(), xen::test::page(5));
    }

    /// Checks the fault as one from a file, makes its effect and arms it.
    armed_fault& arm(const std::string& kind, const std::string& target,
                     std::map<std::string, std::string> parameters = {}, trigger when = {}) {
        fault what{kind, kind, target, std::move(when), std::move(parameters)};
        std::vector<fault_problem> problems;
        what = check_fault(std::move(what),
                           {{"front.hypercall", wire_class::hypercall},
                            {"back.hypercall", wire_class::hypercall},
                            {"front.memory", wire_class::memory},
                            {"back.memory", wire_class::memory},
                            {"front.ring", wire_class::ring}},
                           problems);
        for (const auto& each : problems)
            FAIL(each.key << ": " << each.text);
        auto effect = make_hypervisor_effect(what, taps.view());
        REQUIRE(effect != nullptr);
        return hub.arm(std::move(what), std::move(effect), 7);
    }
    static trigger at(const sc_time& when) {
        trigger made;
        made.at = when;
        return made;
    }
    static trigger nth(std::uint64_t which, std::vector<condition> where = {}) {
        trigger made;
        made.nth = which;
        made.where = std::move(where);
        return made;
    }

    void run(const sc_time& how_long) {
        host.unpause(front.guest.dom());
        host.unpause(back.guest.dom());
        sc_core::sc_start(how_long);
    }

    /// Lets the back end map the ring, without software.
    xen::guest_addr map_ring() {
        xen::gnttab_map_grant_ref op{.ref = xen::test::ref(8), .dom = front.guest.id()};
        host.grant_operations().map(*back.guest.dom().life(), op);
        REQUIRE(op.status == xen::gntst::okay);
        mapped = op;
        return op.host_addr;
    }
    void unmap_ring() {
        xen::gnttab_unmap_grant_ref op{.host_addr = mapped.host_addr, .handle = mapped.handle};
        host.grant_operations().unmap(*back.guest.dom().life(), {&op, 1});
        REQUIRE(op.status == xen::gntst::okay);
    }

    wire_hub hub;
    wire_taps taps;
    xen::machine host;
    tapped_domain front, back;
    xen::gnttab_map_grant_ref mapped;
    static constexpr xen::guest_addr page = xen::address_of(xen::gfn_t{5});
};

}  // namespace vtwin::scenario::test
