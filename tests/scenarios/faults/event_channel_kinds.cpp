#include "hypervisor/event/event_fabric.h"
#include "tests/scenarios/faults/tapped_world.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// A channel from "front" to "back"; back notes when it is told, from `listening` on.
struct channel_world : tapped_world {
    explicit channel_world(tapped_domain::program front_body, tapped_domain::program back_body = {})
        : tapped_world({"*.hypercall"}, std::move(front_body), std::move(back_body)) {
        auto& events = host.events();
        REQUIRE(events.alloc_unbound(*front.guest.dom().life(), xen::domid_self, back.guest.id(), near) == 0);
        REQUIRE(events.bind_interdomain(*back.guest.dom().life(), front.guest.id(), near, far) == 0);
        // Binding makes the binder look once; this bench starts from a quiet channel.
        back.guest.dom().life()->events.test_and_clear_pending(far);
    }
    /// Program of the back end: upcalls on, notes arrivals.
    void listen(tapped_domain& self) {
        self.guest.handlers[xen::to_underlying(far)] = [this] { arrivals.push_back(sc_time_stamp()); };
        self.guest.take_upcalls();
    }
    bool bound() { return back.guest.dom().life()->events.in_use(far) != nullptr; }
    xen::evtchn_port near{}, far{};
    std::vector<sc_time> arrivals;
};

const sc_time send_cost = us(1 + 3), wakeup = us(1000 + 100);

/// Front sends at these times and notes when each call came back and with what.
struct sender_world : channel_world {
    explicit sender_world(std::vector<sc_time> times)
        : channel_world(
              [this, times](tapped_domain& self) {
                  for (const auto& at : times) {
                      sc_core::wait(at - sc_time_stamp());
                      const auto before = sc_time_stamp();
                      results.push_back(self.call.evtchn_send(near));
                      spent.push_back(sc_time_stamp() - before);
                  }
              },
              [this](tapped_domain& self) { listen(self); }) {}
    std::vector<int> results;
    std::vector<sc_time> spent;
};

}  // namespace

TEST_CASE("a lost event costs what a send costs and tells nobody") {
    sender_world world({ms(50), ms(60)});
    world.arm("hypercall.event_lost", "front.hypercall");
    world.run(ms(100));
    CHECK(world.results == std::vector{0, 0});
    CHECK(world.spent == std::vector{send_cost, send_cost});
    CHECK(world.arrivals == std::vector{ms(60) + send_cost + wakeup});
}

TEST_CASE("a fault on sends to one peer leaves the others alone") {
    sender_world world({ms(50)});
    auto& other = world.arm("hypercall.event_lost", "front.hypercall", {}, world.nth(1, {{"peer", "front"}}));
    auto& right = world.arm("hypercall.event_delayed", "front.hypercall", {{"delay", "0 ns"}},
                            world.nth(1, {{"peer", "back"}, {"port", "2"}}));
    REQUIRE(world.near == xen::evtchn_port{2});  // port 1 is XenStore's
    world.run(ms(100));
    CHECK(other.acted() == 0);
    CHECK(right.acted() == 1);
    CHECK(world.arrivals == std::vector{ms(50) + send_cost + wakeup});
}

TEST_CASE("a delayed event arrives later by the delay") {
    sender_world world({ms(50), ms(52)});
    world.arm("hypercall.event_delayed", "front.hypercall", {{"delay", "20 ms"}});
    world.run(ms(100));
    CHECK(world.results == std::vector{0, 0});
    CHECK(world.arrivals == std::vector{ms(52) + send_cost + wakeup, ms(70) + send_cost + wakeup});
}

TEST_CASE("a delayed event of a domain that is gone never arrives") {
    sender_world world({ms(50)});
    world.arm("hypercall.event_delayed", "front.hypercall", {{"delay", "20 ms"}});
    world.run(ms(60));
    world.host.destroy(world.front.guest.dom());
    sc_core::sc_start(ms(40));
    CHECK(world.arrivals.empty());
}

TEST_CASE("a duplicated event arrives once per copy") {
    sender_world world({ms(50)});
    world.arm("hypercall.event_duplicated", "front.hypercall", {{"copies", "3"}, {"interval", "5 ms"}});
    world.run(ms(100));
    const auto first = ms(50) + send_cost + wakeup;
    CHECK(world.arrivals == std::vector{first, first + ms(5), first + ms(10)});
}

TEST_CASE("spurious events arrive without anybody sending") {
    sender_world world({});
    world.arm("hypercall.event_spurious", "front.hypercall",
              {{"peer", "back"}, {"times", "3"}, {"interval", "5 ms"}}, world.at(ms(30)));
    world.run(ms(100));
    const auto first = ms(30) + wakeup;
    CHECK(world.arrivals == std::vector{first, first + ms(5), first + ms(10)});
}

TEST_CASE("spurious events go to the named peer only") {
    sender_world world({});
    auto& armed =
        world.arm("hypercall.event_spurious", "front.hypercall", {{"peer", "fro*"}}, world.at(ms(30)));
    world.run(ms(100));
    CHECK(armed.begun());
    CHECK(world.arrivals.empty());
}

TEST_CASE("an event storm ends with its fault") {
    sender_world world({});
    auto when = world.at(ms(30));
    when.duration = ms(12);
    world.arm("hypercall.event_spurious", "front.hypercall", {{"times", "0"}, {"interval", "5 ms"}}, when);
    world.run(ms(100));
    CHECK(world.arrivals.size() == 3);
}

TEST_CASE("an unmask that loses what is pending leaves the channel deaf") {
    channel_world* of = nullptr;
    std::vector<int> results;
    channel_world world(
        [&](tapped_domain& self) {
            for (const auto& at : {ms(30), ms(60)}) {
                sc_core::wait(at - sc_time_stamp());
                self.call.evtchn_send(of->near);
            }
        },
        [&](tapped_domain& self) {
            of->listen(self);
            const auto mask = self.guest.dom().info().shared_info + 0xA00;
            self.store<std::uint64_t>(mask, std::uint64_t{1} << xen::to_underlying(of->far));
            sc_core::wait(ms(40) - sc_time_stamp());
            results.push_back(self.call.evtchn_unmask(of->far));
        });
    of = &world;
    world.arm("hypercall.unmask_loses_pending", "back.hypercall");
    world.run(ms(100));
    CHECK(results == std::vector{0});
    CHECK(world.arrivals.empty());
    auto& bits = world.back.guest.dom().life()->events;
    CHECK_FALSE(bits.masked(world.far));
    CHECK(bits.pending(world.far));
}

TEST_CASE("an unmask without that fault delivers what is pending") {
    channel_world* of = nullptr;
    channel_world world(
        [&](tapped_domain& self) {
            sc_core::wait(ms(30));
            self.call.evtchn_send(of->near);
        },
        [&](tapped_domain& self) {
            of->listen(self);
            const auto mask = self.guest.dom().info().shared_info + 0xA00;
            self.store<std::uint64_t>(mask, std::uint64_t{1} << xen::to_underlying(of->far));
            sc_core::wait(ms(40) - sc_time_stamp());
            self.call.evtchn_unmask(of->far);
        });
    of = &world;
    world.arm("hypercall.unmask_loses_pending", "back.hypercall", {}, world.nth(2));
    world.run(ms(100));
    CHECK(world.arrivals.size() == 1);
}

TEST_CASE("a channel closed by its far end swallows what is sent") {
    sender_world world({ms(40), ms(60)});
    world.arm("hypercall.channel_closed", "back.hypercall", {{"peer", "front"}}, world.at(ms(50)));
    world.run(ms(100));
    CHECK(world.results == std::vector{0, 0});
    CHECK(world.arrivals == std::vector{ms(40) + send_cost + wakeup});
    CHECK_FALSE(world.bound());
}

TEST_CASE("a close that is lost leaves the channel open") {
    channel_world* of = nullptr;
    std::vector<int> results;
    channel_world world({}, [&](tapped_domain& self) {
        results.push_back(self.call.evtchn_close(of->far));
        CHECK(of->bound());
        results.push_back(self.call.evtchn_close(of->far));
        CHECK_FALSE(of->bound());
    });
    of = &world;
    world.arm("hypercall.close_lost", "back.hypercall");
    world.run(ms(100));
    CHECK(results == std::vector{0, 0});
}

TEST_CASE("ports are refused with the error that was chosen") {
    channel_world* of = nullptr;
    std::vector<int> results;
    channel_world world({}, [&](tapped_domain& self) {
        xen::evtchn_port port{};
        const auto before = sc_time_stamp();
        results.push_back(self.call.evtchn_alloc_unbound(xen::domid_self, of->front.guest.id(), port));
        CHECK(sc_time_stamp() - before == us(1 + 2));
        CHECK(port == xen::evtchn_port{});
        results.push_back(self.call.evtchn_bind_virq(xen::virq::timer, port));
        results.push_back(self.call.evtchn_bind_virq(xen::virq::timer, port));
        CHECK(port != xen::evtchn_port{});
    });
    of = &world;
    world.arm("hypercall.channel_refused", "back.hypercall", {}, world.nth(1));
    trigger second = world.nth(1, {{"operation", "evtchn_bind_virq"}});
    world.arm("hypercall.channel_refused", "back.hypercall", {{"error", "eperm"}}, second);
    world.run(ms(100));
    CHECK(results == std::vector{-28, -1, 0});
}

TEST_CASE("questions about a channel are refused with the error that was chosen") {
    channel_world* of = nullptr;
    std::vector<int> results;
    channel_world world({}, [&](tapped_domain& self) {
        std::string label;
        xen::evtchn_status status;
        results.push_back(self.call.xsm_peer_label(of->far, 100, label));
        CHECK(label.empty());
        results.push_back(self.call.evtchn_get_status(xen::domid_self, of->far, status));
        results.push_back(self.call.xsm_peer_label(of->far, 100, label));
        CHECK(label == "system_u:system_r:domU_t");
    });
    of = &world;
    trigger twice;
    twice.count = 2;
    world.arm("hypercall.question_refused", "back.hypercall", {{"error", "esrch"}}, twice);
    world.run(ms(100));
    CHECK(results == std::vector{-3, -3, 0});
}

TEST_CASE("what is pending is forgotten when its bit is cleared") {
    channel_world* of = nullptr;
    channel_world world([&](tapped_domain& self) {
        sc_core::wait(ms(30));
        self.call.evtchn_send(of->near);
    });
    of = &world;
    world.arm("hypercall.pending_cleared", "back.hypercall", {{"peer", "front"}}, world.at(ms(50)));
    world.run(ms(40));
    CHECK(world.back.guest.dom().life()->events.pending(world.far));
    sc_core::sc_start(ms(20));
    CHECK_FALSE(world.back.guest.dom().life()->events.pending(world.far));
}
