// Port tables, states and peers; operations are made at once through the fabric, which has no costs.
#include <catch2/catch.hpp>

#include "hypervisor/event/event_fabric.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using kind = evtchn_status::kind;

namespace {
constexpr int einval = -22, esrch = -3, eperm = -1, enospc = -28, eexist = -17, enosys = -38, erange = -34;
struct domains {
    explicit domains(machine_params params = {})
        : host("xen", std::move(params)),
          zero(host.add_domain("dom0", small_dom0()), nullptr),
          a(host.add_domain("a", small()), nullptr),
          b(host.add_domain("b", small()), nullptr) {
        for (auto* g : {&zero, &a, &b})
            host.start(g->dom(), "");
    }
    event_fabric& events() { return host.events(); }
    domain_instance& of(guest& g) { return *g.dom().life(); }
    evtchn_port alloc(guest& by, domid_t remote) {
        evtchn_port out{};
        REQUIRE(events().alloc_unbound(of(by), domid_self, remote, out) == 0);
        return out;
    }
    int bind(guest& by, domid_t remote, evtchn_port remote_port, evtchn_port& out) {
        return events().bind_interdomain(of(by), remote, remote_port, out);
    }
    evtchn_status status(guest& g, evtchn_port which) {
        evtchn_status out;
        REQUIRE(events().status(of(g), domid_self, which, out) == 0);
        return out;
    }
    bool pending(guest& g, evtchn_port which) { return of(g).events.pending(which); }
    machine host;
    guest zero, a, b;  // domids 0, 1, 2; port 1 of each is the XenStore's
};
}  // namespace

TEST_CASE("event channels: lowest free number first and at once again") {
    domains t;
    CHECK(t.a.dom().info().store_port == port(1));
    CHECK(t.status(t.a, port(1)).status == kind::unbound);
    CHECK(t.status(t.a, port(1)).dom == dom0);
    CHECK(t.alloc(t.a, t.b.id()) == port(2));
    CHECK(t.alloc(t.a, t.b.id()) == port(3));
    CHECK(t.alloc(t.a, t.b.id()) == port(4));
    CHECK(t.events().close(t.of(t.a), port(3)) == 0);
    CHECK(t.events().close(t.of(t.a), port(2)) == 0);
    CHECK(t.alloc(t.a, t.b.id()) == port(2));
    CHECK(t.alloc(t.a, t.b.id()) == port(3));
    CHECK(t.alloc(t.a, t.b.id()) == port(5));
}

TEST_CASE("event channels: alloc_unbound refusals") {
    auto few = small();
    few.max_event_channels = 3;
    machine host("xen", {});
    guest zero(host.add_domain("dom0", small_dom0()), nullptr), a(host.add_domain("a", few), nullptr);
    host.start(zero.dom(), "");
    host.start(a.dom(), "");
    auto& events = host.events();
    evtchn_port out{};
    CHECK(events.alloc_unbound(*a.dom().life(), domid_t{9}, dom0, out) == esrch);
    CHECK(events.alloc_unbound(*a.dom().life(), dom0, dom0, out) == eperm);
    CHECK(events.alloc_unbound(*zero.dom().life(), a.id(), dom0, out) == 0);  // privileged
    CHECK(out == port(2));
    CHECK(events.alloc_unbound(*a.dom().life(), domid_self, domid_t{500}, out) ==
          0);  // existence is not checked
    CHECK(out == port(3));
    CHECK(events.alloc_unbound(*a.dom().life(), domid_self, dom0, out) == enospc);
    CHECK(events.bind_virq(*a.dom().life(), virq::timer, out) == enospc);
}

TEST_CASE("event channels: binding connects both ends and leaves the binder pending") {
    domains t;
    const auto offered = t.alloc(t.a, t.b.id());
    CHECK(t.events().send(t.of(t.a), offered) == 0);  // unbound: vanishes
    evtchn_port bound{};
    SECTION("refusals take no port") {
        CHECK(t.bind(t.b, domid_t{9}, offered, bound) == esrch);
        CHECK(t.bind(t.b, t.a.id(), port(0), bound) == einval);
        CHECK(t.bind(t.b, t.a.id(), port(40), bound) == einval);
        CHECK(t.bind(t.b, t.a.id(), port(64), bound) == einval);
        CHECK(t.bind(t.zero, t.a.id(), offered, bound) == einval);  // reserved for b
        CHECK(t.bind(t.b, t.a.id(), port(1), bound) == einval);     // reserved for dom0
    }
    REQUIRE(t.bind(t.b, t.a.id(), offered, bound) == 0);
    CHECK(bound == port(2));
    CHECK(t.pending(t.b, bound));
    CHECK_FALSE(t.pending(t.a, offered));
    CHECK(t.status(t.a, offered).status == kind::interdomain);
    CHECK(t.status(t.a, offered).dom == t.b.id());
    CHECK(t.status(t.a, offered).port == bound);
    CHECK(t.status(t.b, bound).port == offered);
    evtchn_port second{};
    CHECK(t.bind(t.b, t.a.id(), offered, second) == einval);  // no longer unbound
}

TEST_CASE("event channels: a close leaves the peer unbound and untold") {
    domains t;
    const auto offered = t.alloc(t.a, t.b.id());
    evtchn_port bound{};
    REQUIRE(t.bind(t.b, t.a.id(), offered, bound) == 0);
    REQUIRE(t.events().send(t.of(t.b), bound) == 0);
    CHECK(t.pending(t.a, offered));

    CHECK(t.events().close(t.of(t.a), offered) == 0);
    CHECK_FALSE(t.pending(t.a, offered));
    CHECK(t.status(t.a, offered).status == kind::closed);
    CHECK(t.status(t.b, bound).status == kind::unbound);
    CHECK(t.status(t.b, bound).dom == t.a.id());
    CHECK(t.events().send(t.of(t.b), bound) == 0);          // vanishes
    CHECK(t.events().close(t.of(t.a), offered) == einval);  // twice
    CHECK(t.events().send(t.of(t.a), offered) == einval);

    // The number means something else now; the old peer is not connected to it.
    CHECK(t.alloc(t.a, t.b.id()) == offered);
    CHECK(t.events().send(t.of(t.b), bound) == 0);
    CHECK_FALSE(t.pending(t.a, offered));
    // The closer may bind to what its peer has left.
    evtchn_port again{};
    CHECK(t.bind(t.a, t.b.id(), bound, again) == 0);
    CHECK(t.status(t.b, bound).port == again);
    t.events().send(t.of(t.b), bound);
    CHECK(t.pending(t.a, again));
}

TEST_CASE("event channels: death closes all ports") {
    domains t;
    const auto offered = t.alloc(t.a, t.b.id());
    evtchn_port bound{};
    REQUIRE(t.bind(t.b, t.a.id(), offered, bound) == 0);
    t.host.destroy(t.a.dom());
    CHECK(t.status(t.b, bound).status == kind::unbound);
    CHECK(t.status(t.b, bound).dom == domid_t{1});
    CHECK(t.events().send(t.of(t.b), bound) == 0);
    CHECK(t.bind(t.b, domid_t{1}, port(1), bound) == esrch);
}

TEST_CASE("event channels: send and close refuse what is not theirs") {
    domains t;
    evtchn_port timer{};
    REQUIRE(t.events().bind_virq(t.of(t.a), virq::timer, timer) == 0);
    CHECK(t.events().bind_virq(t.of(t.a), virq::timer, timer) == eexist);
    CHECK(t.events().bind_virq(t.of(t.a), virq{24}, timer) == einval);
    CHECK(t.events().send(t.of(t.a), timer) == einval);
    for (const std::uint32_t bad : {0u, 50u, 64u, 0xFFFFFFFFu}) {
        CHECK(t.events().send(t.of(t.a), port(bad)) == einval);
        CHECK(t.events().close(t.of(t.a), port(bad)) == einval);
    }
    CHECK(t.status(t.a, timer).status == kind::virq);
    CHECK(t.events().close(t.of(t.a), timer) == 0);
    CHECK(t.events().unmask(t.of(t.a), port(50)) == 0);  // in an allocated bucket
    CHECK(t.events().unmask(t.of(t.a), port(64)) == einval);
    evtchn_status out;
    CHECK(t.events().status(t.of(t.a), domid_self, port(0), out) == 0);
    CHECK(out.status == kind::closed);
    CHECK(t.events().status(t.of(t.a), domid_self, port(64), out) == einval);
    CHECK(t.events().status(t.of(t.a), t.b.id(), port(1), out) == eperm);
    CHECK(t.events().status(t.of(t.a), domid_t{9}, port(1), out) == esrch);
    CHECK(t.events().status(t.of(t.zero), t.b.id(), port(1), out) == 0);
}

TEST_CASE("event channels: label of the domain at the other end") {
    domains t;
    const auto offered = t.alloc(t.a, dom0);
    std::string label = "unchanged";
    CHECK(t.events().peer_label(t.of(t.a), offered, 100, label) == einval);
    evtchn_port bound{};
    REQUIRE(t.bind(t.zero, t.a.id(), offered, bound) == 0);
    const std::string expected = "system_u:system_r:dom0_t";
    CHECK(t.events().peer_label(t.of(t.a), offered, expected.size(), label) ==
          erange);  // no room for the end
    CHECK(label == "unchanged");
    CHECK(t.events().peer_label(t.of(t.a), offered, expected.size() + 1, label) == 0);
    CHECK(label == expected);
    CHECK(t.events().peer_label(t.of(t.zero), bound, 100, label) == 0);
    CHECK(label == "system_u:system_r:domU_t");
    CHECK(t.events().peer_label(t.of(t.a), port(99), 100, label) == einval);
}

TEST_CASE("event channels: no labels without XSM") {
    machine_params params;
    params.xsm = false;
    domains t(params);
    std::string label;
    CHECK(t.events().peer_label(t.of(t.a), port(1), 100, label) == enosys);
}
