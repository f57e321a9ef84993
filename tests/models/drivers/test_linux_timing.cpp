// What users of /dev/tpm0 see in time and errno. Time-outs are exact: looks come every 5 ms, limits are
// rounded up to ticks of 4 ms. Situations and results as recorded on a real Linux 6.1 (e11, e14, e15, e18,
// e45, e55).
#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

constexpr int etime = -62, efault = -14, einval = -22, e2big = -7, enodata = -61;
const std::string get_caps = "00c10000001600000065000000050000000400000103";

xen::cost_profile no_costs() {
    xen::cost_profile costs;
    costs.timeslice = ms(30);
    return costs;
}

struct pair_of_domains {
    explicit pair_of_domains(const xen::cost_profile& costs = machine_costs())
        : w(costs), vtpm(w), guest(w) {}
    void run(std::function<void()> user, const sc_time& length = ms(400000)) {
        guest.user = std::move(user);
        w.run(
            [&](xen::store_client& client) {
                w.create(client, vtpm.guest);
                if (backend_runs) {
                    w.unpause(vtpm.guest);
                }
                w.create(client, guest.guest);
                w.attach(client, guest.guest, vtpm.guest);
                w.unpause(guest.guest);
                sc_core::wait(length);
            },
            length + ms(1000));
        REQUIRE(guest.done);
    }
    int send(const std::string& hex) {
        guest.guest.os.pay();
        const sc_time begin = sc_time_stamp();
        const int result = guest.front.transmit(from_hex(hex), response);
        guest.guest.os.pay();
        took = sc_time_stamp() - begin;
        return result;
    }
    int polls() const { return static_cast<int>(took.to_seconds() * 1000 / 5 + 0.5); }

    world w;
    vtpm_domain vtpm;
    linux_guest guest;
    bool backend_runs = true;
    bytes response;
    sc_time took;
};

}  // namespace

TEST_CASE("a command takes one poll of five milliseconds however fast the backend is") {
    pair_of_domains p;
    p.run([&] {
        p.guest.guest.os.sleep(ms(50));
        CHECK(p.send(get_caps) == 10);
        CHECK(p.polls() == 1);
        CHECK(p.took >= ms(5));
        CHECK(p.took < ms(5.1));
        p.vtpm.execution = ms(12);
        CHECK(p.send(get_caps) == 10);
        CHECK(p.polls() == 3);
    });
}

TEST_CASE("an event driven front end does not wait for polls") {
    pair_of_domains p;
    p.w.behaviours.set(behaviour::linux_tpmfront_poll_quantum_5ms, true);
    p.run([&] {
        p.guest.guest.os.sleep(ms(50));
        CHECK(p.send(get_caps) == 10);
        CHECK(p.took < ms(0.2));
    });
}

TEST_CASE("a command slower than its class ends with ETIME and the next one waits for the late answer") {
    pair_of_domains p(no_costs());  // so that only polls take time
    p.w.software = {};
    p.run([&] {
        p.guest.guest.os.sleep(ms(50));
        p.vtpm.execution = ms(4000);
        CHECK(p.send(get_caps) == etime);
        CHECK(p.took == ms(3000));
        // The busy backend ignores the CANCEL: 752 ms are not enough for its answer.
        p.vtpm.execution = sc_core::SC_ZERO_TIME;
        const std::size_t served = p.vtpm.seen.size();
        CHECK(p.send(get_caps) == etime);
        CHECK(p.took == ms(755));
        CHECK(p.vtpm.seen.size() == served);  // nothing was submitted
        CHECK(p.send(get_caps) == 10);
        CHECK(p.vtpm.seen.size() == served + 1);
    });
}

TEST_CASE("a guest whose backend never connects gets its device after 120 s with all time-outs zero") {
    pair_of_domains p;
    p.backend_runs = false;
    p.run([&] {
        const sc_time up = sc_time_stamp();
        // First command 120 s; the durations are not asked for; the registration's GetRandom meets its
        // CANCEL.
        CHECK(up >= ms(120005));
        CHECK(up < ms(120010));
        CHECK(p.guest.front.chip().timeouts_text() == "0 0 0 0");
        p.guest.guest.os.sleep(ms(50));
        CHECK(p.send(get_caps) == etime);
        CHECK(p.took >= ms(5));
        CHECK(p.took < ms(5.1));
        // A backend that comes now finds a CANCEL without a request and answers IDLE.
        p.w.unpause(p.vtpm.guest);
        p.guest.guest.os.sleep(ms(100));
        CHECK(p.vtpm.seen.empty());
        CHECK(p.send(get_caps) == 10);
        CHECK(p.vtpm.seen.size() == 1);
        CHECK(p.guest.front.chip().timeouts_text() == "0 0 0 0");
    });
}

TEST_CASE("responses whose length and header disagree are EFAULT and the next command works") {
    pair_of_domains p;
    p.run([&] {
        p.guest.guest.os.sleep(ms(50));
        for (const std::size_t length : {0u, 9u, 17u, 19u, 4087u, 4088u}) {
            p.vtpm.answer = [length](byte_view) {
                bytes raw = from_hex("00c400000012000000000000000449424d00");
                raw.resize(length);
                return raw;
            };
            CHECK(p.send(get_caps) == efault);
        }
        p.vtpm.answer = [](byte_view) { return from_hex("00c400000012000000000000000449424d00"); };
        CHECK(p.send(get_caps) == 18);
        CHECK(to_text(p.response) == "00c400000012000000000000000449424d00");
    });
}

TEST_CASE("a probe whose TPM is not started sends Startup and asks again") {
    pair_of_domains p;
    bool started = false;
    p.vtpm.answer = [&](byte_view command) {
        if (to_text(command) == "00c10000000c000000990001") {
            started = true;
            return from_hex("00c40000000a00000000");
        }
        return started ? vtpm_answer(command) : from_hex("00c40000000a00000026");
    };
    p.run([&] { p.guest.guest.os.sleep(ms(50)); });
    CHECK(p.vtpm.seen == lines{"00c10000001600000065000000050000000400000115", "00c10000000c000000990001",
                               "00c10000001600000065000000050000000400000115",
                               "00c10000001600000065000000050000000400000120", "00c10000000e0000004600000020",
                               "00c10000000e0000004600000040"});
}

TEST_CASE("a TPM 2.0 behind the 1.2 driver fails the query and is registered all the same") {
    pair_of_domains p;
    p.vtpm.answer = [](byte_view) { return from_hex("80010000000a00000084"); };
    p.run([&] {
        p.guest.guest.os.sleep(ms(50));
        CHECK(p.guest.guest.has_logged("A TPM error (132)"));
        CHECK(p.guest.front.chip().durations_text() == "0 0 0");
        CHECK(p.send("80010000000a00000144") == 10);
    });
    REQUIRE(p.vtpm.seen.size() >= 3);
    CHECK(p.vtpm.seen[1] == "00c10000000e0000004600000020");  // no query for durations
}

TEST_CASE("the character device checks what is written") {
    pair_of_domains p;
    p.run([&] {
        p.guest.guest.os.sleep(ms(50));
        CHECK(p.send("00c1000000") == einval);
        CHECK(p.send("00c10000001700000065000000050000000400000103") == einval);
        CHECK(p.send("00c1000000000000006500000005") == enodata);
        CHECK(p.send(get_caps + "ffff") == 10);  // trailing bytes are not sent
        CHECK(p.vtpm.seen.back() == get_caps);
        bytes response;
        CHECK(p.guest.front.transmit(bytes(4097), response) == e2big);
        const transport_result mapped = p.guest.front.transmit(from_hex("00c1000000"));
        CHECK(mapped.error == transport_error::io);
    });
}

TEST_CASE("ordinals have the duration class that Linux tabulates") {
    using cls = linux_tpm_chip::duration_class;
    CHECK(linux_tpm_chip::class_of(20) == cls::short_one);
    CHECK(linux_tpm_chip::class_of(101) == cls::short_one);
    CHECK(linux_tpm_chip::class_of(152) == cls::medium);
    CHECK(linux_tpm_chip::class_of(31) == cls::long_one);
    CHECK(linux_tpm_chip::class_of(120) == cls::long_one);
    CHECK(linux_tpm_chip::class_of(9) == cls::undefined);
    CHECK(linux_tpm_chip::class_of(243) == cls::undefined);
}
