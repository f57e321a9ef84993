// Stub domain to stub domain: the handshake of tpmfront with tpmback, its shutdown, and the life of several
// clients.
#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

struct stub_client {
    stub_client(world& w, const std::string& name)
        : guest(w.add(name, kernel_flavour::mini_os)), front(guest.os, w.behaviours, short_waits()) {
        guest.os.set_main([this] {
            up = front.init();
            if (up && program) {
                program();
            }
            ended = true;
            guest.os.sleep(ms(1000000));
        });
    }
    static driver_params short_waits() {
        driver_params params;
        params.hardened_wait = ms(200);
        return params;
    }
    guest_domain& guest;
    minios_tpmfront front;
    std::function<void()> program;
    bool up = false, ended = false;
};

void run(world& w, vtpm_domain& manager, std::vector<stub_client*> clients, double length = 1000) {
    w.run([&](xen::store_client& store) {
        w.create(store, manager.guest);
        w.unpause(manager.guest);
        for (stub_client* client : clients) {
            w.create(store, client->guest);
            w.attach(store, client->guest, manager.guest);
            w.unpause(client->guest);
        }
        sc_core::wait(ms(length));
    });
}

}  // namespace

TEST_CASE("tpmfront goes straight to connected and serves after the backend") {
    world w;
    vtpm_domain manager(w, "manager");
    stub_client vtpm(w, "vtpm");
    transport_result result;
    vtpm.program = [&] {
        vtpm.front.set_locality(2);
        result = vtpm.front.transmit(from_hex("00c10000000a00000053"));
    };
    run(w, manager, {&vtpm});
    REQUIRE(vtpm.up);
    CHECK(result);
    CHECK(to_text(result.response) == "00c40000000a00000000");
    CHECK(manager.localities == std::vector<int>{2});
    const std::string back = w.back(vtpm.guest, manager.guest);
    const lines all = w.requests(vtpm.guest);
    CHECK(lines(all.begin(), all.begin() + 9) ==
          lines{"READ device/vtpm/0/backend-id", "READ device/vtpm/0/backend",
                "WRITE device/vtpm/0/feature-protocol-v2 1", "TRANSACTION_START",
                "WRITE device/vtpm/0/ring-ref 2047", "WRITE device/vtpm/0/event-channel 2",
                "TRANSACTION_END T", "WRITE device/vtpm/0/state 4",
                "WATCH " + back + "/state " + back + "/state"});
    CHECK(all.back() == "READ " + back + "/feature-protocol-v2");
}

TEST_CASE("tpmfront shutdown leaves the states that a next kernel expects") {
    world w;
    vtpm_domain manager(w, "manager");
    stub_client vtpm(w, "vtpm");
    std::size_t before = 0;
    vtpm.program = [&] {
        before = w.requests(vtpm.guest).size();
        vtpm.front.shutdown();
        CHECK(vtpm.guest.os.grants().in_use() == 0);
        CHECK(vtpm.front.transmit(bytes(10)).error == transport_error::not_connected);
    };
    run(w, manager, {&vtpm});
    REQUIRE(vtpm.ended);
    lines writes;
    const lines all = w.requests(vtpm.guest);
    std::copy_if(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(), std::back_inserter(writes),
                 [](const auto& l) { return l.starts_with("WRITE") || l.starts_with("RM"); });
    CHECK(writes == lines{"WRITE device/vtpm/0/state 5", "RM device/vtpm/0/event-channel",
                          "RM device/vtpm/0/ring-ref", "WRITE device/vtpm/0/state 6",
                          "WRITE device/vtpm/0/state 1"});
}

TEST_CASE("packets that do not fit the page are refused before they are sent") {
    world w;
    vtpm_domain manager(w, "manager");
    stub_client vtpm(w, "vtpm");
    vtpm.program = [&] {
        CHECK(vtpm.front.transmit(bytes(4089)).error == transport_error::too_long);
        CHECK(vtpm.front.transmit(bytes(4088)));
    };
    run(w, manager, {&vtpm});
    REQUIRE(vtpm.ended);
    CHECK(manager.seen.size() == 1);
}

TEST_CASE("a faithful tpmfront waits for an answer for ever") {
    world w;
    vtpm_domain manager(w, "manager");
    manager.execution = ms(1000000);
    stub_client vtpm(w, "vtpm");
    vtpm.program = [&] { (void)vtpm.front.transmit(bytes(10)); };
    run(w, manager, {&vtpm}, 5000);
    CHECK(vtpm.up);
    CHECK_FALSE(vtpm.ended);
}

TEST_CASE("a hardened tpmfront gives up and cancels") {
    world w;
    w.behaviours.set(behaviour::tpmfront_waits_without_timeout, true);
    vtpm_domain manager(w, "manager");
    manager.execution = ms(300);
    stub_client vtpm(w, "vtpm");
    vtpm.program = [&] {
        CHECK(vtpm.front.transmit(from_hex("00c10000000a00000053")).error == transport_error::timed_out);
        manager.execution = ms(1);
        CHECK(vtpm.front.transmit(from_hex("00c10000000a00000054")));
    };
    run(w, manager, {&vtpm}, 3000);
    CHECK(vtpm.ended);
    CHECK(manager.seen == lines{"00c10000000a00000053", "00c10000000a00000054"});
}

namespace {

/// Order of service when a busy manager finds requests of three clients waiting, the lowest one asking again
/// at once.
lines order_of_service(bool round_robin) {
    world w;
    w.behaviours.set(behaviour::tpmback_lowest_domid_served_first, round_robin);
    vtpm_domain manager(w, "manager");
    manager.execution = ms(5);
    std::vector<std::unique_ptr<stub_client>> clients;
    std::vector<stub_client*> all;
    for (int i = 0; i < 3; ++i) {
        auto& client = *clients.emplace_back(std::make_unique<stub_client>(w, fmt::format("client{}", i)));
        client.program = [&client, i] {
            client.guest.os.sleep(ms(100) - sc_time_stamp() + ms(i));
            for (int n = 0; n < 3; ++n) {
                bytes command = from_hex("00c10000000a00000000");
                command[9] = static_cast<std::byte>(i);
                (void)client.front.transmit(command);
            }
        };
        all.push_back(&client);
    }
    run(w, manager, all);
    lines order;
    for (const auto& command : manager.seen) {
        order.push_back(command.substr(19));
    }
    return order;
}

}  // namespace

TEST_CASE("the faithful backend serves the lowest domain first as long as it asks") {
    // The one client's next request is there before the manager has answered the other.
    CHECK(order_of_service(false) == lines{"0", "1", "0", "1", "0", "1", "2", "2", "2"});
}

TEST_CASE("the hardened backend serves its clients in turn") {
    CHECK(order_of_service(true) == lines{"0", "1", "2", "0", "1", "2", "0", "1", "2"});
}

TEST_CASE("a fourth frontend writes past the faithful interface list") {
    world w;
    vtpm_domain manager(w, "manager");
    std::vector<std::unique_ptr<stub_client>> clients;
    std::vector<stub_client*> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(
            clients.emplace_back(std::make_unique<stub_client>(w, fmt::format("client{}", i))).get());
    }
    run(w, manager, all);
    CHECK(manager.back.interfaces() == 4);
    CHECK(manager.back.heap_overruns() == 1);
}

TEST_CASE("the label of a client is that of the domain at the other end") {
    world w;
    vtpm_domain manager(w, "manager");
    stub_client vtpm(w, "vtpm");
    std::string label;
    int known = -1, unknown = 0, too_small = 0;
    manager.answer = [&](byte_view command) {
        known = manager.back.peer_label(vtpm.guest.id(), 0, 128, label);
        std::string other;
        unknown = manager.back.peer_label(vtpm.guest.id(), 1, 128, other);
        too_small = manager.back.peer_label(vtpm.guest.id(), 0, 4, other);
        return vtpm_answer(command);
    };
    vtpm.program = [&] { (void)vtpm.front.transmit(from_hex("00c10000000a00000053")); };
    run(w, manager, {&vtpm});
    CHECK(known == 0);
    CHECK(label == "system_u:system_r:domU_t");
    CHECK(unknown == -3);
    CHECK(too_small == -34);
}
