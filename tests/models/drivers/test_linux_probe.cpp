// Probe, unbind and rebind of xen-tpmfront against a stub-domain backend: the order of requests at the store
// and the bytes on the page are those recorded on a real Xen 4.17 with Linux 6.1 (the recordings e02, e05 and
// e10).
#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

const lines probe_commands{
    "00c10000001600000065000000050000000400000115",
    "00c10000001600000065000000050000000400000120",
    "00c10000000e0000004600000020",
    "00c10000000e0000004600000040",
};

/// What xenwatch asks about own nodes runs beside the driver's requests: it is kept apart.
lines driver_requests(const lines& all) {
    lines out;
    std::ranges::copy_if(all, std::back_inserter(out),
                         [](const auto& line) { return !line.starts_with("DIRECTORY device/"); });
    return out;
}
lines bus_requests(const lines& all) {
    lines out;
    std::ranges::copy_if(all, std::back_inserter(out),
                         [](const auto& line) { return line.starts_with("DIRECTORY device/"); });
    return out;
}
lines since(const lines& all, std::size_t from) {
    return {all.begin() + static_cast<std::ptrdiff_t>(from), all.end()};
}

}  // namespace

TEST_CASE("linux probe publishes its ring and serves itself before the backend is connected") {
    world w;
    vtpm_domain vtpm(w);
    linux_guest guest(w);
    w.run([&](xen::store_client& client) {
        w.create(client, vtpm.guest);
        w.unpause(vtpm.guest);
        w.create(client, guest.guest);
        w.attach(client, guest.guest, vtpm.guest);
        REQUIRE(w.await(client, w.back(guest.guest, vtpm.guest) + "/state", "2"));
        w.unpause(guest.guest);
        REQUIRE(w.await(client, w.front(guest.guest) + "/state", "4"));
        sc_core::wait(ms(100));
    });
    const std::string back = w.back(guest.guest, vtpm.guest);
    CHECK(driver_requests(w.requests(guest.guest)) == lines{"DIRECTORY device",
                                                            "READ device/vtpm/0/state",
                                                            "WATCH device FFFF888000000020",
                                                            "READ device/vtpm/0/backend-id",
                                                            "READ device/vtpm/0/backend",
                                                            "DIRECTORY " + back,
                                                            "TRANSACTION_START",
                                                            "WRITE device/vtpm/0/ring-ref 8",
                                                            "WRITE device/vtpm/0/event-channel 2",
                                                            "WRITE device/vtpm/0/feature-protocol-v2 1",
                                                            "TRANSACTION_END T",
                                                            "TRANSACTION_START",
                                                            "READ device/vtpm/0/state",
                                                            "WRITE device/vtpm/0/state 3",
                                                            "TRANSACTION_END T",
                                                            "WATCH " + back + "/state FFFF888000000420",
                                                            "READ " + back + "/state",
                                                            "READ " + back + "/feature-protocol-v2",
                                                            "TRANSACTION_START",
                                                            "READ device/vtpm/0/state",
                                                            "WRITE device/vtpm/0/state 4",
                                                            "TRANSACTION_END T"});
    CHECK(bus_requests(w.requests(guest.guest)) ==
          lines{"DIRECTORY device/vtpm", "DIRECTORY device/vtpm/0/ring-ref",
                "DIRECTORY device/vtpm/0/event-channel", "DIRECTORY device/vtpm/0/feature-protocol-v2",
                "DIRECTORY device/vtpm/0/state", "DIRECTORY device/vtpm/0/state"});
    CHECK(vtpm.seen == probe_commands);
    CHECK(vtpm.opened == 1);
    CHECK(guest.front.chip().timeouts_text() == "752000 2000000 752000 752000");
    CHECK(guest.front.chip().durations_text() == "3000000 3000000 600000000");
    const std::string front = w.front(guest.guest);
    CHECK(w.requests(vtpm.guest) ==
          lines{"WATCH backend/vtpm backend/vtpm", "DIRECTORY backend/vtpm", "READ backend/vtpm/2/0",
                "READ backend/vtpm/2/0/uuid", "READ backend/vtpm/2/0/state", "WRITE backend/vtpm/2/0/state 2",
                "READ backend/vtpm/2/0/frontend", "WRITE backend/vtpm/2/0/feature-protocol-v2 1",
                "WATCH " + front + "/state " + front + "/state", "READ " + front + "/state",
                "READ " + front + "/state", "READ " + front + "/ring-ref", "READ " + front + "/event-channel",
                "READ " + front + "/feature-protocol-v2", "WRITE backend/vtpm/2/0/ready 1",
                "READ backend/vtpm/2/0/state", "WRITE backend/vtpm/2/0/state 4", "READ " + front + "/state"});
}

TEST_CASE("linux unbind closes at once and defers the grant and rebind uses the same keys") {
    world w;
    vtpm_domain vtpm(w);
    linux_guest guest(w);
    std::size_t before_unbind = 0, before_bind = 0, deferred = 0, in_use_at_end = 0;
    guest.user = [&] {
        guest.guest.os.sleep(ms(100));
        before_unbind = w.requests(guest.guest).size();
        CHECK(guest.bus.unbind("device/vtpm/0"));
        CHECK_FALSE(guest.bus.unbind("device/vtpm/0"));
        deferred = guest.guest.os.grants().deferred();
        bytes response;
        CHECK(guest.front.transmit(from_hex("00c10000000e0000004600000040"), response) == -32);
        guest.guest.os.sleep(ms(4000));
        CHECK(guest.guest.os.grants().deferred() == 0);
        before_bind = w.requests(guest.guest).size();
        CHECK(guest.bus.bind("device/vtpm/0"));
        guest.guest.os.sleep(ms(100));
        in_use_at_end = guest.guest.os.grants().in_use();
    };
    w.run([&](xen::store_client& client) {
        w.create(client, vtpm.guest);
        w.unpause(vtpm.guest);
        w.create(client, guest.guest);
        w.attach(client, guest.guest, vtpm.guest);
        w.unpause(guest.guest);
        sc_core::wait(ms(6000));
        CHECK(client.read(w.back(guest.guest, vtpm.guest) + "/state").text == "4");
        CHECK(client.read(w.front(guest.guest) + "/state").text == "4");
    });
    REQUIRE(guest.done);
    const std::string back = w.back(guest.guest, vtpm.guest);
    const lines all = w.requests(guest.guest);
    const lines closing = driver_requests({all.begin() + static_cast<std::ptrdiff_t>(before_unbind),
                                           all.begin() + static_cast<std::ptrdiff_t>(before_bind)});
    CHECK(closing == lines{"UNWATCH " + back + "/state FFFF888000000420", "TRANSACTION_START",
                           "READ device/vtpm/0/state", "WRITE device/vtpm/0/state 6", "TRANSACTION_END T"});
    CHECK(deferred == 1);
    CHECK(in_use_at_end == 1);
    // Both numbers are free again after more than a second, so they come back.
    const lines again = driver_requests(since(all, before_bind));
    REQUIRE(again.size() > 8);
    CHECK(again[0] == "READ device/vtpm/0/backend-id");
    CHECK(again[4] == "WRITE device/vtpm/0/ring-ref 8");
    CHECK(again[5] == "WRITE device/vtpm/0/event-channel 2");
    CHECK(again[8] == "TRANSACTION_START");
    REQUIRE(vtpm.seen.size() == 8);
    CHECK(since(vtpm.seen, 4) == probe_commands);
}

TEST_CASE("quick unbind and bind cycles skip references that are still in use") {
    world w;
    vtpm_domain vtpm(w);
    linux_guest guest(w);
    guest.user = [&] {
        for (int i = 0; i < 4; ++i) {
            guest.guest.os.sleep(ms(200));
            guest.bus.unbind("device/vtpm/0");
            guest.guest.os.sleep(ms(50));
            guest.bus.bind("device/vtpm/0");
        }
        guest.guest.os.sleep(ms(300));
        guest.bus.unbind("device/vtpm/0");
        guest.guest.os.sleep(ms(50));
        guest.bus.bind("device/vtpm/0");
    };
    w.run([&](xen::store_client& client) {
        w.create(client, vtpm.guest);
        w.unpause(vtpm.guest);
        w.create(client, guest.guest);
        w.attach(client, guest.guest, vtpm.guest);
        w.unpause(guest.guest);
        sc_core::wait(ms(3000));
    });
    REQUIRE(guest.done);
    lines refs;
    for (const auto& line : w.requests(guest.guest)) {
        if (line.starts_with("WRITE device/vtpm/0/ring-ref ")) {
            refs.push_back(line.substr(29));
        }
    }
    // The first tick, one second after the first unbind, frees 8 to 11 in this order; the last one freed
    // comes first.
    CHECK(refs == lines{"8", "9", "10", "11", "12", "11"});
}
