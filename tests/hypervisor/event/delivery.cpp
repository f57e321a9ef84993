// How events reach software: bits, masks, order and number of handler runs.
#include <catch2/catch.hpp>

#include "hypervisor/event/event_fabric.h"
#include "hypervisor/service/service_port.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using layout = shared_info_layout;

namespace {
/// dom0 drives ports of domain "a" at chosen times, at no cost.
struct wired {
    explicit wired(guest::program body, int channels = 3)
        : host("xen", {.pcpus = 2, .costs = distinct_costs()}),
          zero(host.add_domain("dom0", small_dom0()), nullptr),
          a(host.add_domain("a", small()), std::move(body)) {
        host.start(zero.dom(), "");
        host.create(a.dom(), "");
        for (int i = 0; i < channels; ++i) {
            evtchn_port offered{}, bound{};
            REQUIRE(host.events().alloc_unbound(*a.dom().life(), domid_self, dom0, offered) == 0);
            REQUIRE(host.events().bind_interdomain(*zero.dom().life(), a.id(), offered, bound) == 0);
            near.push_back(offered);
            far.push_back(bound);
        }
        host.unpause(a.dom());
    }
    void send(int channel) { CHECK(host.events().send(*zero.dom().life(), far[channel]) == 0); }
    void at(const sc_time& when, std::function<void()> what) {
        sc_core::sc_spawn([when, what] {
            wait(when);
            what();
        });
    }
    std::uint64_t word(std::size_t offset) {
        return a.load<std::uint64_t>(a.dom().info().shared_info + offset);
    }
    machine host;
    guest zero, a;
    std::vector<evtchn_port> near, far;
};
}  // namespace

TEST_CASE("event delivery: raising sets the bits in their order and stops at a bit that was set") {
    wired t(nullptr);
    const auto bits = std::uint64_t{1} << to_underlying(t.near[0]);
    t.send(0);
    CHECK(t.word(layout::evtchn_pending) == bits);
    CHECK(t.word(layout::pending_sel) == 1);
    CHECK((t.word(0) & 0xFF) == 1);  // upcall_pending
    // Coalesced: with the pending bit still set nothing else is touched.
    t.a.store<std::uint64_t>(t.a.dom().info().shared_info + layout::pending_sel, 0);
    t.a.store<std::uint8_t>(t.a.dom().info().shared_info, 0);
    t.send(0);
    CHECK(t.word(layout::pending_sel) == 0);
    CHECK((t.word(0) & 0xFF) == 0);
}

TEST_CASE("event delivery: a masked event stays pending until unmask") {
    wired t(nullptr);
    auto& life = *t.a.dom().life();
    const auto info = t.a.dom().info().shared_info;
    const auto bit = std::uint64_t{1} << to_underlying(t.near[1]);
    t.a.store<std::uint64_t>(info + layout::evtchn_mask, ~std::uint64_t{0});
    t.send(1);
    CHECK(t.word(layout::evtchn_pending) == bit);
    CHECK(t.word(layout::pending_sel) == 0);
    CHECK(t.host.events().unmask(life, t.near[0]) == 0);  // not pending: only the mask goes
    CHECK(t.word(layout::pending_sel) == 0);
    CHECK(t.host.events().unmask(life, t.near[1]) == 0);
    CHECK(t.word(layout::evtchn_mask) == ~(bit | std::uint64_t{1} << to_underlying(t.near[0])));
    CHECK(t.word(layout::pending_sel) == 1);
    CHECK((t.word(0) & 0xFF) == 1);
    // Unmasking what is not masked does nothing.
    t.a.store<std::uint64_t>(info + layout::pending_sel, 0);
    CHECK(t.host.events().unmask(life, t.near[1]) == 0);
    CHECK(t.word(layout::pending_sel) == 0);
}

TEST_CASE("event delivery: handlers run lowest port first and coalesced events once") {
    std::vector<std::pair<int, sc_time>> runs;
    wired t([&](guest& g) {
        g.take_upcalls();
        for (int i = 2; i <= 4; ++i)
            g.handlers[i] = [&runs, i] { runs.emplace_back(i, sc_time_stamp()); };
        g.cpu().charge(ms(5));
        g.cpu().sync();
        CHECK(sc_time_stamp() == ms(5) + us(100));  // one upcall stole its time
    });
    t.at(us(200), [&] {
        t.send(2);
        t.send(1);
        t.send(1);
        t.send(0);
    });
    t.at(us(250), [&] { t.send(0); });  // before the handler has looked: coalesces as well
    sc_core::sc_start(ms(20));
    const std::vector<std::pair<int, sc_time>> expected{{2, us(300)}, {3, us(300)}, {4, us(300)}};
    CHECK(runs == expected);
}

TEST_CASE("event delivery: an event during the handler gives another run") {
    std::vector<sc_time> runs;
    wired t([&](guest& g) {
        g.take_upcalls();
        g.handlers[2] = [&] {
            runs.push_back(sc_time_stamp());
            if (runs.size() == 1)
                g.call().evtchn_send(port(3));  // to dom0; charged, at once
            g.cpu().charge(us(40));
        };
        g.cpu().block(std::nullopt);
        CHECK(sc_time_stamp() == ms(1) + us(1000 + 100));
        g.cpu().sync();  // what the handler charged: 4 + 40
        CHECK(sc_time_stamp() == ms(1) + us(1000 + 100 + 44));
        g.cpu().charge(ms(2));
        g.cpu().sync();
    });
    t.at(ms(1), [&] { t.send(0); });
    t.at(ms(3), [&] { t.send(0); });
    t.at(ms(3) + us(120), [&] { t.send(0); });  // the first run was at 3.1 ms
    sc_core::sc_start(ms(20));
    CHECK(runs == std::vector{ms(1) + us(1100), ms(3) + us(100), ms(3) + us(220)});
    CHECK(t.zero.dom().life()->events.pending(t.far[1]));
}

TEST_CASE("event delivery: a closed upcall mask holds the handler back") {
    std::vector<sc_time> runs;
    wired t([&](guest& g) {
        g.take_upcalls();
        g.handlers[2] = [&] { runs.push_back(sc_time_stamp()); };
        g.cpu().set_upcall_mask(true);
        g.cpu().charge(ms(1));
        g.cpu().sync();
        CHECK(sc_time_stamp() == ms(1));
        CHECK(runs.empty());
        g.cpu().set_upcall_mask(false);  // delivered here, paid later
        CHECK(runs.size() == 1);
        g.cpu().sync();
        CHECK(sc_time_stamp() == ms(1) + us(100));
        // Blocking opens the mask: an event that is there is not slept through.
        g.cpu().set_upcall_mask(true);
        g.cpu().charge(ms(1));
        g.cpu().sync();
        g.cpu().block(std::nullopt);
        CHECK(sc_time_stamp() == ms(2) + us(200));
        CHECK(runs.size() == 2);
    });
    t.at(us(500), [&] { t.send(0); });
    t.at(us(1500), [&] { t.send(0); });
    sc_core::sc_start(ms(20));
    CHECK(runs == std::vector{ms(1), ms(2) + us(200)});
}

TEST_CASE("event delivery: the binder finds itself pending") {
    int runs = 0;
    machine host("xen", {.pcpus = 2, .costs = distinct_costs()});
    evtchn_port offered{};
    guest a(host.add_domain("a", small()), nullptr);
    guest b(host.add_domain("b", small()), [&](guest& g) {
        g.take_upcalls();
        g.handlers[2] = [&] { ++runs; };
        evtchn_port bound{};
        CHECK(g.call().evtchn_bind_interdomain(a.id(), offered, bound) == 0);
        CHECK(runs == 0);
        g.cpu().sync();
        CHECK(runs == 1);
        CHECK(sc_time_stamp() == us(3 + 100));
    });
    host.start(a.dom(), "");
    REQUIRE(host.events().alloc_unbound(*a.dom().life(), domid_self, domid_t{2}, offered) == 0);
    host.start(b.dom(), "");
    sc_core::sc_start(ms(10));
    CHECK(runs == 1);
}

TEST_CASE("event delivery: observers see pending bits rise and fall") {
    struct listener : tlm::tlm_analysis_if<evtchn_pending_change> {
        void write(const evtchn_pending_change& c) override {
            seen.emplace_back(to_underlying(c.dom), to_underlying(c.port), c.pending, sc_time_stamp());
        }
        std::vector<std::tuple<int, int, bool, sc_time>> seen;
    } log;
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    host.pending.bind(log);
    guest zero(host.add_domain("dom0", small_dom0()), nullptr);
    guest a(host.add_domain("a", small()), [](guest& g) { g.take_upcalls(); });
    host.start(zero.dom(), "");
    host.start(a.dom(), "");
    service_port xenstored(host, [] {});
    REQUIRE(xenstored.bind_interdomain(a.id(), a.dom().info().store_port) == 0);
    CHECK(xenstored.send() == 0);
    CHECK(xenstored.send() == 0);  // coalesced
    sc_core::sc_start(ms(10));
    const std::vector<std::tuple<int, int, bool, sc_time>> expected{
        {0, 2, true, us(0)}, {1, 1, true, us(0)}, {0, 2, false, us(100)}, {1, 1, false, us(100)}};
    CHECK(log.seen == expected);
}
