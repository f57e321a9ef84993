// Threads, timers, handlers and pages of a guest kernel on a real machine; times are exact.
#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

xen::cost_profile free_costs() {
    xen::cost_profile costs;
    costs.timeslice = ms(30);
    costs.ratelimit = ms(1);
    return costs;
}

struct kernel_world {
    explicit kernel_world(const xen::cost_profile& costs = free_costs())
        : w(costs), guest(w.add("guest", kernel_flavour::mini_os)) {}
    void run(std::function<void()> program, double length = 1000) {
        guest.os.set_main(std::move(program));
        w.run([&](xen::store_client& client) {
            w.create(client, guest);
            w.unpause(guest);
            sc_core::wait(ms(length));
        });
    }
    world w;
    guest_domain& guest;
};

}  // namespace

TEST_CASE("sleeping threads wake at their time in order of deadline") {
    kernel_world k;
    k.w.software = {};
    lines order;
    k.run([&] {
        kernel& os = k.guest.os;
        const sc_time start = os.now();
        const auto note = [&](const char* who) {
            order.push_back(fmt::format("{} {}", who, (os.now() - start).value() / ms(1).value()));
        };
        os.spawn("late", [&] {
            os.sleep(ms(20));
            note("late");
        });
        os.spawn("early", [&] {
            os.sleep(ms(10));
            note("early");
        });
        os.sleep(ms(15));
        note("main");
        os.sleep(ms(15));
        note("main");
    });
    CHECK(order == lines{"early 10", "main 15", "late 20", "main 30"});
    CHECK(k.w.stopped == lines{"guest 0"});  // main returned
    CHECK_FALSE(k.guest.os.running());
}

TEST_CASE("charged time is paid before a sleep begins and thread switches cost") {
    kernel_world k;
    k.w.software = {};
    k.w.software.thread_switch = us(3);
    sc_time slept, switched;
    k.run([&] {
        kernel& os = k.guest.os;
        const sc_time start = os.now();
        os.charge(us(500));
        os.sleep(ms(1));
        slept = os.now() - start;
        os.pay();  // the switch back to this thread
        bool ran = false;
        os.spawn("other", [&] { ran = true; });
        const sc_time before = os.now();
        os.yield();
        os.pay();
        switched = os.now() - before;
        CHECK(ran);
    });
    CHECK(slept == us(1500));
    CHECK(switched == us(6));  // there and back
}

TEST_CASE("a limited wait ends at its limit unless the condition comes true") {
    kernel_world k;
    k.w.software = {};
    k.run([&] {
        kernel& os = k.guest.os;
        wait_queue queue(os);
        bool flag = false;
        const sc_time start = os.now();
        CHECK_FALSE(queue.wait_for([&] { return flag; }, ms(7)));
        CHECK(os.now() - start == ms(7));
        os.spawn("setter", [&] {
            os.sleep(ms(2));
            queue.wake();  // without the condition: nothing happens
            os.sleep(ms(1));
            flag = true;
            queue.wake();
        });
        CHECK(queue.wait_for([&] { return flag; }, ms(7)));
        CHECK(os.now() - start == ms(10));
        os.sleep(ms(10));  // the timer is gone
        CHECK(os.now() - start == ms(20));
    });
    CHECK(k.w.stopped == lines{"guest 0"});
}

TEST_CASE("handlers run lowest port first and events of one port coalesce") {
    kernel_world k;
    k.w.software = {};
    std::vector<int> runs;
    k.run([&] {
        kernel& os = k.guest.os;
        auto& call = *os.ports.hypercall.operator->();
        xen::evtchn_port near[3], far[3];
        for (int i = 0; i < 3; ++i) {
            call.evtchn_alloc_unbound(xen::domid_self, xen::domid_self, far[i]);
            call.evtchn_bind_interdomain(xen::domid_self, far[i], near[i]);
            os.bind_handler(far[i], [&runs, i] { runs.push_back(i); });
        }
        for (int i : {2, 0, 1, 2, 2}) {
            os.notify(near[i]);
        }
        CHECK(runs.empty());  // masked
        os.mask_upcalls(true);
        for (int i : {2, 1, 0}) {
            os.unmask(far[i]);
        }
        CHECK(runs.empty());
        os.mask_upcalls(false);
        os.pay();
        CHECK(runs == std::vector<int>{0, 1, 2});
        os.unbind(far[1]);
        os.notify(near[1]);
        os.pay();
        CHECK(runs.size() == 3);
    });
    CHECK(k.w.stopped == lines{"guest 0"});
}

TEST_CASE("a page fault is a panic that unwinds every thread and the domain can boot again") {
    kernel_world k;
    int unwound = 0, boots = 0;
    struct counter {
        int& count;
        ~counter() { ++count; }
    };
    k.guest.os.set_main([&] {
        ++boots;
        kernel& os = k.guest.os;
        os.spawn("parked", [&] {
            counter c{unwound};
            os.sleep(ms(100000));
        });
        counter c{unwound};
        os.sleep(ms(1));
        if (boots == 1) {
            os.read_u32(xen::guest_addr{0x7FFF'F000'0000});
        }
        os.sleep(ms(1));
    });
    k.w.run([&](xen::store_client& client) {
        k.w.create(client, k.guest);
        k.w.unpause(k.guest);
        sc_core::wait(ms(100));
        CHECK(unwound == 2);
        CHECK(k.guest.has_logged("page fault"));
        k.w.host.destroy(k.guest.domain);
        k.w.create(client, k.guest);
        k.w.unpause(k.guest);
        sc_core::wait(ms(100));
    });
    CHECK(boots == 2);
    CHECK(unwound == 4);
    CHECK(k.w.stopped == lines{"guest 3", "guest 255", "guest 0"});
}

TEST_CASE("queues that die with the main thread do not hurt the threads that wait in them") {
    kernel_world k;
    int rounds = 0;
    k.guest.os.set_main([&] {
        kernel& os = k.guest.os;
        auto queue = std::make_unique<wait_queue>(os);
        os.spawn("waiter", [&os, &queue] { queue->wait(); });
        os.sleep(ms(1));
        ++rounds;
    });
    k.w.run([&](xen::store_client& client) {
        for (int i = 0; i < 2; ++i) {
            k.w.create(client, k.guest);
            k.w.unpause(k.guest);
            sc_core::wait(ms(10));
            CHECK_FALSE(k.guest.os.running());
            k.w.host.destroy(k.guest.domain);
        }
    });
    CHECK(rounds == 2);
}

TEST_CASE("a domain destroyed from outside unwinds its threads wherever they wait") {
    kernel_world k;
    bool ended_normally = false;
    k.guest.os.set_main([&] {
        k.guest.os.sleep(ms(100000));
        ended_normally = true;
    });
    k.w.run([&](xen::store_client& client) {
        k.w.create(client, k.guest);
        k.w.unpause(k.guest);
        sc_core::wait(ms(10));
        CHECK(k.guest.os.running());
        k.w.host.destroy(k.guest.domain);
        sc_core::wait(ms(1));
        CHECK_FALSE(k.guest.os.running());
    });
    CHECK_FALSE(ended_normally);
}

TEST_CASE("mini-os hands out grant references from the top and reuses the last one freed") {
    kernel_world k;
    k.run([&] {
        kernel& os = k.guest.os;
        const xen::gfn_t page = os.alloc_page();
        const auto first = os.grants().grant_access(xen::dom0, page);
        const auto second = os.grants().grant_access(xen::dom0, page);
        CHECK(first == xen::grant_ref{2047});
        CHECK(second == xen::grant_ref{2046});
        CHECK(os.grants().end_access(*first));
        CHECK(os.grants().grant_access(xen::dom0, page) == xen::grant_ref{2047});
        for (int i = 0; i < 2040 - 2; ++i) {
            REQUIRE(os.grants().grant_access(xen::dom0, page));
        }
        CHECK_FALSE(os.grants().grant_access(xen::dom0, page));
    });
    CHECK(k.w.stopped == lines{"guest 0"});
}

TEST_CASE("watch events that are pending together come newest first in mini-os") {
    kernel_world k(machine_costs());
    lines paths;
    k.run([&] {
        kernel& os = k.guest.os;
        watch_queue lifo(os, watch_queue::order::newest_first);
        auto& store = os.xenbus();
        CHECK(store.watch("data", "data", lifo));
        CHECK(lifo.next().path == "data");
        for (const char* name : {"data/a", "data/b", "data/c"}) {
            CHECK(store.write(name, "1"));
        }
        for (int i = 0; i < 3; ++i) {
            paths.push_back(lifo.next().path);
        }
        CHECK_FALSE(lifo.next_within(ms(5)));
        CHECK(store.read("data/b").value == "1");
        CHECK(store.read("data/x").error == xen::errno_t::enoent);
        CHECK(store.read_integer("data/a") == 1);
        CHECK(store.write("data/big", std::string(3000, 'x')).error == xen::errno_t::enospc);
        CHECK(store.write("data/long", std::string(1500, 'y')));  // wraps the ring
        CHECK(store.read("data/long").value == std::string(1500, 'y'));
    });
    CHECK(paths == lines{"data/c", "data/b", "data/a"});
    CHECK(k.w.stopped == lines{"guest 0"});
}

TEST_CASE("a transaction is run again after a conflict and given up after the attempts allowed") {
    kernel_world k(machine_costs());
    int bodies = 0, bounded = 0;
    k.guest.os.set_main([&] {
        auto& store = k.guest.os.xenbus();
        CHECK(store.write("counter", "0"));
        CHECK(store.transaction([&](xs_transaction tx) {
            (void)store.read("counter", tx);
            if (++bodies < 3) {
                store.write("counter", std::to_string(bodies));  // outside: a conflict
            }
            return static_cast<bool>(store.write("result", "ok", tx));
        }));
        CHECK_FALSE(store.transaction(
            [&](xs_transaction tx) {
                ++bounded;
                (void)store.read("counter", tx);
                store.write("counter", "x");
                return static_cast<bool>(store.write("result", "never", tx));
            },
            2));
        CHECK(store.read("result").value == "ok");
    });
    k.w.run([&](xen::store_client& client) {
        k.w.create(client, k.guest);
        k.w.unpause(k.guest);
        sc_core::wait(ms(1000));
    });
    CHECK(bodies == 3);
    CHECK(bounded == 2);
    CHECK(k.w.stopped == lines{"guest 0"});
}
