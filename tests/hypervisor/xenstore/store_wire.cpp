// Somebody between xenstored and a guest's ring.
#include "hypervisor/xenstore/store_wire.h"

#include <catch2/catch.hpp>

#include "tests/hypervisor/xenstore/ring_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {

struct meddler : store_wire_if {
    void request(domid_t domid, store_request_passage& passage) override {
        seen.push_back("in " + std::to_string(to_underlying(domid)) + " " +
                       std::string(to_string(passage.message.type)));
        on_request(passage);
    }
    void reply(domid_t, store_output_passage& passage) override {
        seen.push_back("out " + std::string(to_string(passage.message.type)));
        on_reply(passage);
    }
    void event(domid_t, store_output_passage& passage) override {
        seen.push_back("event");
        passage.copies = event_copies;
    }
    std::function<void(store_request_passage&)> on_request = [](auto&) {};
    std::function<void(store_output_passage&)> on_reply = [](auto&) {};
    std::uint32_t event_copies = 1;
    std::vector<std::string> seen;
};

/// A guest that runs `program` with its ring served, and somebody on the wire.
void with_guest(meddler& wire, const std::function<void(guest&, hand_ring&)>& program) {
    store_machine bench;
    bench.store.set_wire(&wire);
    bool ran = false;
    guest g(bench.host.add_domain("g", small()), [&](guest& me) {
        hand_ring ring{me};
        program(me, ring);
        ran = true;
    });
    bench.run([&] {
        store_client client(bench.store, "toolstack");
        bench.introduce(client, g.dom());
        bench.host.unpause(g.dom());
        sc_core::wait(ms(5000));
    });
    sc_core::sc_start(ms(10000));
    CHECK(ran);
}

}  // namespace

TEST_CASE("store wire: requests and replies of a ring pass it and may be changed") {
    meddler wire;
    wire.on_request = [](auto& passage) {
        if (passage.message.type == xs_op::write)
            passage.message.payload += "!";
    };
    wire.on_reply = [](auto& passage) {
        if (passage.message.type == xs_op::read)
            passage.message.payload += "?";
    };
    with_guest(wire, [](guest&, hand_ring& ring) {
        ring.send(xs_op::write, std::string("key\0value", 9));
        CHECK(ring.receive().type == xs_op::write);
        ring.send(xs_op::read, std::string("key\0", 4));
        CHECK(ring.receive().payload == "value!?");
    });
    CHECK(wire.seen == std::vector<std::string>{"in 1 WRITE", "out WRITE", "in 1 READ", "out READ"});
}

TEST_CASE("store wire: a refused request does nothing and a delay is the server's") {
    meddler wire;
    wire.on_request = [](auto& passage) {
        if (passage.message.type == xs_op::write)
            passage.refused = errno_t::enospc;
        else
            passage.delay = ms(100);
    };
    with_guest(wire, [](guest&, hand_ring& ring) {
        ring.send(xs_op::write, std::string("key\0value", 9), 7);
        const auto refused = ring.receive();
        CHECK(refused.type == xs_op::error);
        CHECK(refused.req_id == 7);
        CHECK(refused.payload == std::string("ENOSPC\0", 7));
        const auto before = sc_time_stamp();
        ring.send(xs_op::read, std::string("key\0", 4));
        CHECK(ring.receive().payload == std::string("ENOENT\0", 7));
        CHECK(sc_time_stamp() - before > ms(100));
        CHECK(sc_time_stamp() - before < ms(103));
    });
}

TEST_CASE("store wire: watch events are lost or come several times") {
    meddler wire;
    with_guest(wire, [&](guest&, hand_ring& ring) {
        wire.event_copies = 3;
        ring.send(xs_op::watch, std::string("key\0token\0", 10));
        CHECK(ring.receive().type == xs_op::watch);
        for (int i = 0; i < 3; ++i)
            CHECK(ring.receive().payload == std::string("key\0token\0", 10));
        wire.event_copies = 0;
        ring.send(xs_op::write, std::string("key\0value", 9));
        CHECK(ring.receive().type == xs_op::write);
        ring.send(xs_op::read, std::string("key\0", 4));
        CHECK(ring.receive().type == xs_op::read);
    });
}
