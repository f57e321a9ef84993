#include "hypervisor/xenstore/xenstored.h"

#include <catch2/catch.hpp>

#include "tests/hypervisor/xenstore/ring_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using namespace std::string_literals;

TEST_CASE("a request takes wake-up and service and its bytes") {
    store_machine bench;
    store_client client(bench.store, "client");
    bench.run([&] {
        REQUIRE(client.read("/tool"));  // request 16 + 6, reply 16 + 0
        CHECK(sc_time_stamp() == us(7) + us(50) + us(0.38));
        CHECK(client.read("/absent").error == errno_t::enoent);  // 16 + 8, 16 + 7: the server was idle again
        CHECK(sc_time_stamp() == us(7) + us(50) + us(0.38) + us(7) + us(50) + us(0.47));
    });
    sc_core::sc_start();
    REQUIRE(bench.recorder.lines.size() == 4);
    CHECK(bench.recorder.lines[0] == "client IN READ (/tool )");
    CHECK(bench.recorder.times[0] == us(7));
    CHECK(bench.recorder.lines[3] == "client OUT ERROR (ENOENT )");
}

TEST_CASE("two clients are served in turn one at a time") {
    store_machine bench;
    store_client a(bench.store, "a"), b(bench.store, "b");
    std::vector<std::pair<char, sc_time>> done;
    const auto ask_twice = [&](store_client& client, char name) {
        for (int i = 0; i < 2; ++i) {
            client.read("/tool");
            done.emplace_back(name, sc_time_stamp());
        }
    };
    bench.run([&] {
        sc_core::sc_spawn([&] { ask_twice(b, 'b'); });
        ask_twice(a, 'a');
    });
    sc_core::sc_start();
    REQUIRE(done.size() == 4);
    for (int i = 0; i < 4; ++i) {
        CHECK(done[i].first == "abab"[i]);
        CHECK(done[i].second == us(7) + (i + 1) * us(50.38));  // a busy server needs no wake-up
    }
}

TEST_CASE("watch events of a commit reach another client before the committer has its reply") {
    store_machine bench;
    store_client watcher(bench.store, "watcher"), writer(bench.store, "writer");
    bench.run([&] {
        watcher.watch("/dev", "w");
        REQUIRE(watcher.wait_event()->path == "/dev");
        CHECK_FALSE(watcher.wait_event(sc_time_stamp() + ms(1)));
        writer.in_transaction([&](std::uint32_t tx) {
            writer.write("/dev/a", "1", tx);
            return writer.write("/dev/b", "2", tx) == errno_t::ok;
        });
        CHECK(watcher.poll_event()->path == "/dev/a");
        CHECK(watcher.poll_event()->path == "/dev/b");
        CHECK_FALSE(watcher.poll_event());
        CHECK(writer.in_transaction([](std::uint32_t) { return false; }) == errno_t::ecanceled);
    });
    sc_core::sc_start();
    const auto& lines = bench.recorder.lines;
    const auto commit = std::find(lines.begin(), lines.end(), "writer IN TRANSACTION_END (T )");
    REQUIRE(lines.end() - commit > 3);
    CHECK(commit[1] == "watcher OUT WATCH_EVENT (/dev/a w )");
    CHECK(commit[2] == "watcher OUT WATCH_EVENT (/dev/b w )");
    CHECK(commit[3] == "writer OUT TRANSACTION_END (OK )");
}

TEST_CASE("a guest reaches the store over its ring at exact times") {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    sc_time sent;
    xs_message reply;
    guest program(dom, [&](guest& me) {
        hand_ring ring{me};
        CHECK(ring.index(xs_ring::server_features) == 0xE);
        me.cpu().block(ms(10));  // the doorbell of binding has been looked at by then
        ring.send(xs_op::read, "name\0"s, 42);
        sent = sc_time_stamp();
        reply = ring.receive();
    });
    bench.run([&] {
        bench.introduce(client, dom);
        CHECK(bench.introduced == errno_t::ok);
        client.write("/local/domain/1/name", "first");
        bench.host.unpause(dom);
    });
    sc_core::sc_start();
    CHECK(reply.type == xs_op::read);
    CHECK(reply.req_id == 42);
    CHECK(reply.payload == "first");
    const auto& recorder = bench.recorder;
    const auto in = std::find(recorder.lines.begin(), recorder.lines.end(), "dom1 IN READ (name )");
    REQUIRE(recorder.lines.end() - in >= 2);
    CHECK(in[1] == "dom1 OUT READ (first)");
    const auto at = in - recorder.lines.begin();
    CHECK(recorder.times[at] == sent + us(3) + us(7));                        // upcall, then wake-up
    CHECK(recorder.times[at + 1] - recorder.times[at] == us(50) + us(0.42));  // 21 + 21 bytes
}

TEST_CASE("messages arrive in pieces and wrap around the ring") {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    int good = 0;
    guest program(dom, [&](guest& me) {
        hand_ring ring{me};
        const std::string value(700, 'v');  // a second message of this size wraps
        for (std::uint32_t i = 0; i < 4; ++i) {
            const auto wire = encode(xs_message{xs_op::write, i, 0, "data\0"s + value + std::to_string(i)});
            for (std::size_t at = 0; at < wire.size(); at += 100) {
                ring.put(std::span(wire).subspan(at, std::min<std::size_t>(100, wire.size() - at)));
                ring.ring_doorbell();
                me.cpu().block(sc_time_stamp() + ms(1));
            }
            const auto reply = ring.receive();
            good += reply.type == xs_op::write && reply.req_id == i && reply.payload == "OK\0"s;
            ring.send(xs_op::read, "data\0"s, 100 + i);
            good += ring.receive().payload == value + std::to_string(i);
        }
        // Longer than the ring in both directions.
        const std::string big(1900, 'b');
        xs_message long_write{xs_op::write, 9, 0, "data\0"s};
        long_write.payload += big;
        const auto wire = encode(long_write);
        ring.put(std::span(wire).first(1000));
        ring.ring_doorbell();
        me.cpu().block(sc_time_stamp() + ms(1));
        ring.put(std::span(wire).subspan(1000));
        ring.ring_doorbell();
        good += ring.receive().type == xs_op::write;
        ring.send(xs_op::read, "data\0"s);
        good += ring.receive().payload == big;
    });
    bench.run([&] {
        bench.introduce(client, dom);
        bench.host.unpause(dom);
    });
    sc_core::sc_start();
    CHECK(good == 10);
}

TEST_CASE("pipelined requests are answered in order") {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    std::vector<std::uint32_t> order;
    guest program(dom, [&](guest& me) {
        hand_ring ring{me};
        for (std::uint32_t i = 0; i < 40; ++i)
            ring.put(encode(xs_message{xs_op::read, i, 0, "name\0"s}));
        ring.ring_doorbell();
        for (int i = 0; i < 40; ++i)
            order.push_back(ring.receive().req_id);
    });
    bench.run([&] {
        bench.introduce(client, dom);
        bench.host.unpause(dom);
    });
    sc_core::sc_start();
    REQUIRE(order.size() == 40);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(order.back() == 39);
}

namespace {

/// What the guest finds in its error field after `misdeed`, and whether it still gets an answer.
std::pair<std::uint32_t, bool> after(const std::function<void(hand_ring&)>& misdeed) {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    std::pair<std::uint32_t, bool> result;
    guest program(dom, [&](guest& me) {
        hand_ring ring{me};
        misdeed(ring);
        ring.ring_doorbell();
        me.cpu().block(sc_time_stamp() + ms(10));
        result.first = ring.index(xs_ring::error);
        ring.send(xs_op::directory, "/\0"s, 77);
        result.second = ring.receive().req_id == 77;
    });
    bench.run([&] {
        bench.introduce(client, dom);
        bench.host.unpause(dom);
        CHECK(client.read("/tool"));
    });
    sc_core::sc_start();
    return result;
}

}  // namespace

TEST_CASE("a ring without misdeed is served without error") {
    const auto [error, answered] = after([](hand_ring&) {});
    CHECK(error == 0);
    CHECK(answered);
}

TEST_CASE("a producer index beyond the ring ends the service of that ring only") {
    const auto [error, answered] = after([](hand_ring& ring) { ring.set_index(xs_ring::req_prod, 1025); });
    CHECK(error == 2);
    CHECK_FALSE(answered);
}

TEST_CASE("a response consumer index beyond the producer ends the service") {
    const auto [error, answered] = after([](hand_ring& ring) {
        ring.set_index(xs_ring::rsp_cons, 5000);
        ring.put(encode(xs_message{xs_op::read, 1, 0, "x\0"s}));
    });
    CHECK(error == 2);
    CHECK_FALSE(answered);
}

TEST_CASE("a request of more than 4096 bytes is a protocol error") {
    const auto [error, answered] = after([](hand_ring& ring) { ring.put(encode(xs_header{2, 1, 0, 4097})); });
    CHECK(error == 3);
    CHECK_FALSE(answered);
}

TEST_CASE("a domain that shuts down and dies is told twice and loses its nodes") {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    std::vector<std::string> seen;
    bench.run([&] {
        client.watch("@introduceDomain", "in");
        client.watch("@releaseDomain", "out");
        CHECK(client.wait_event()->path == "@introduceDomain");
        CHECK(client.wait_event()->path == "@releaseDomain");
        bench.introduce(client, dom);
        CHECK(client.wait_event()->token == "in");
        client.write("/local/domain/1/mine", "1");
        bench.host.unpause(dom);
        bench.host.shutdown(dom, shutdown_reason::poweroff);
        CHECK(client.wait_event()->token == "out");
        CHECK(client.read("/local/domain/1/mine"));
        bench.host.destroy(dom);
        CHECK(bench.host.is_zombie(domid_t{1}));  // xenstored holds the ring until it looks
        CHECK(client.wait_event()->token == "out");
        CHECK_FALSE(bench.host.is_zombie(domid_t{1}));
        CHECK(client.read("/local/domain/1/mine").error == errno_t::enoent);
        CHECK(bench.introduce(client, dom) == domid_t{2});
        CHECK(bench.introduced == errno_t::ok);
        seen.push_back("done");
    });
    sc_core::sc_start();
    CHECK(seen.size() == 1);
}

TEST_CASE("a domain without its reserved grant cannot be introduced") {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    bench.run([&] {
        bench.host.create(dom, "");
        dom.life()->grants.set_entry(grant_ref{1}, 0, dom0, gfn_t{2});
        CHECK(client.request(xs_op::introduce, "1\0002\0001\0"s).error == errno_t::einval);
        CHECK(client.request(xs_op::introduce, "9\0002\0001\0"s).error == errno_t::einval);
        CHECK(client.request(xs_op::is_domain_introduced, "1\0"s).text == "F\0"s);
    });
    sc_core::sc_start();
    CHECK(bench.recorder.lines.size() == 6);
}

namespace {

/// Lets doorbells come and go unheard.
void sleep_through(guest& me, const sc_time& until) {
    me.take_upcalls();
    while (sc_time_stamp() < until)
        me.cpu().block(until);
}

}  // namespace

TEST_CASE("events that a guest leaves unread for twenty seconds are dropped") {
    const auto received_after = [](double seconds) {
        store_machine bench;
        auto& dom = bench.host.add_domain("guest", small());
        store_client client(bench.store, "xl");
        int events = 0, replies = 0;
        guest program(dom, [&](guest& me) {
            hand_ring ring{me};
            ring.send(xs_op::watch, "data\0w\0"s);
            sleep_through(me, sc_time(seconds, sc_core::SC_SEC));
            for (auto message = ring.receive();
                 message.type == xs_op::watch_event || message.type == xs_op::watch; message = ring.receive())
                ++(message.type == xs_op::watch_event ? events : replies);
            ring.send(xs_op::read, "name\0"s, 5);
            replies += ring.receive().req_id == 5;
        });
        bench.run([&] {
            bench.introduce(client, dom);
            bench.host.unpause(dom);
            sc_core::wait(ms(100));
            for (int i = 0; i < 60; ++i)  // 16 + 20 or more bytes each: more than the ring holds
                client.write("/local/domain/1/data/number-" + std::to_string(100 + i), "1");
        });
        sc_core::sc_start();
        CHECK(replies == 2);
        return events;
    };
    const int late = received_after(25);
    CHECK(late > 10);
    CHECK(late < 40);
}

TEST_CASE("events that a guest reads in time are all delivered") {
    store_machine bench;
    auto& dom = bench.host.add_domain("guest", small());
    store_client client(bench.store, "xl");
    std::vector<std::string> paths;
    guest program(dom, [&](guest& me) {
        hand_ring ring{me};
        ring.send(xs_op::watch, "data\0w\0"s);
        sleep_through(me, sc_time(15, sc_core::SC_SEC));
        for (int i = 0; i < 62; ++i) {
            const auto message = ring.receive();
            if (message.type == xs_op::watch_event)
                paths.push_back(message.payload.substr(0, message.payload.find('\0')));
        }
    });
    bench.run([&] {
        bench.introduce(client, dom);
        bench.host.unpause(dom);
        sc_core::wait(ms(100));
        for (int i = 0; i < 60; ++i)
            client.write("/local/domain/1/data/number-" + std::to_string(100 + i), "1");
    });
    sc_core::sc_start();
    REQUIRE(paths.size() == 61);
    CHECK(paths[0] == "data");
    CHECK(std::is_sorted(paths.begin(), paths.end()));
    CHECK(paths.back() == "data/number-159");
}
