// tpm_tis against a register file that counts: the number of bus cycles of a command is that of the driver's
// sequence.
#include "models/drivers/minios_tpm_tis.h"
#include "tests/models/drivers/scripted_chip.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

struct tis_world {
    explicit tis_world(const driver_params& params = {})
        : chip("chip"),
          dom(w.host.add_domain("manager", world::params())),
          os("os", w.software),
          tis(os, w.behaviours, tpm::family::tpm12, params) {
        os.ports.hypercall(dom.hypercall);
        os.ports.memory(dom.memory);
        os.ports.mmio(chip);
        os.ports.vcpu(dom.vcpu);
        dom.on_boot([this](const xen::start_info& info) { os.boot(info); });
    }
    void run(std::function<void()> program, double length = 60000) {
        os.set_main([this, program] {
            program();
            done = true;
        });
        w.run([&](xen::store_client&) {
            w.host.start(dom, "");
            sc_core::wait(ms(length));
        });
    }
    /// Cycles and time of one command.
    transport_result send(const std::string& hex) {
        os.pay();
        const sc_time begin = sc_time_stamp();
        chip.cycles = 0;
        transport_result result = tis.transmit(from_hex(hex));
        os.pay();
        took = sc_time_stamp() - begin;
        return result;
    }
    world w;
    scripted_chip chip;
    xen::domain& dom;
    kernel os;
    minios_tpm_tis tis;
    bool done = false;
    sc_time took;
};

const std::string get_timeouts = "00c10000001600000065000000050000000400000115";

int ceil_div(int a, int b) {
    return (a + b - 1) / b;
}
/// N + M + 4 Kw + 3 Kr + P + 11, from Idle.
int cycles_of(int n, int m, int b, int p) {
    return n + m + 4 * ceil_div(n - 1, b) + 3 * (ceil_div(10, b) + ceil_div(m - 10, b)) + p + 11;
}

}  // namespace

TEST_CASE("tpm_tis start asks for timeouts and durations and continues the self test") {
    tis_world t;
    t.run([&] { CHECK(t.tis.init(0)); });
    REQUIRE(t.done);
    CHECK(t.chip.seen ==
          lines{get_timeouts, "00c10000001600000065000000050000000400000120", "00c10000000a00000053"});
    CHECK(t.tis.did_vid() == 0xD1);
    CHECK(t.tis.rid() == 0x10);
    CHECK(t.tis.timeouts()[1] == ms(2000));
}

TEST_CASE("tpm_tis commands cost the bus cycles of the driver's sequence") {
    tis_world t;
    t.run([&] {
        REQUIRE(t.tis.init(0));
        for (const std::size_t burst : {1u, 8u, 32u, 64u}) {
            t.chip.burst = burst;
            CHECK(t.send(get_timeouts));
            CHECK(t.chip.cycles == cycles_of(22, 30, static_cast<int>(burst), 1));
        }
        t.chip.burst = 8;
        CHECK(t.send("00c10000000e0000004600000020"));
        CHECK(t.chip.cycles == cycles_of(14, 46, 8, 1));
    });
    REQUIRE(t.done);
    CHECK(cycles_of(34, 30, 8, 0) == 110);
    CHECK(cycles_of(279, 384, 64, 0) == 715);
}

TEST_CASE("tpm_tis keeps its locality when nobody asks for it") {
    tis_world t;
    t.run([&] {
        REQUIRE(t.tis.init());
        CHECK(t.send(get_timeouts));
    });
    REQUIRE(t.done);
    CHECK(t.chip.requests == 1);
    CHECK(t.chip.releases == 0);
}

TEST_CASE("tpm_tis that gives its locality up asks for it with each command") {
    driver_params params;
    params.tis_keeps_locality = false;
    tis_world t(params);
    t.run([&] {
        REQUIRE(t.tis.init());  // three commands
        CHECK(t.send(get_timeouts));
    });
    REQUIRE(t.done);
    CHECK(t.chip.requests == 4);
    CHECK(t.chip.releases == 4);
}

TEST_CASE("execution is rounded up to polls of five milliseconds") {
    tis_world t;
    t.run([&] {
        REQUIRE(t.tis.init(0));
        t.chip.execution = ms(12);
        CHECK(t.send(get_timeouts));
        CHECK(t.chip.cycles == cycles_of(22, 30, 8, 4));
        CHECK(t.took >= ms(15));
        CHECK(t.took < ms(15.1));
    });
    REQUIRE(t.done);
}

TEST_CASE("a command beyond its duration times out after whole polls") {
    tis_world t;
    t.run([&] {
        REQUIRE(t.tis.init(0));
        t.chip.execution = ms(10000);
        CHECK(t.send(get_timeouts).error == transport_error::timed_out);
        CHECK(t.took >= ms(3000));
        CHECK(t.took < ms(3010));
    });
    REQUIRE(t.done);
}

TEST_CASE("faithful tpm_tis loops for ever on a burst count of zero") {
    tis_world t;
    t.run([&] {
        REQUIRE(t.tis.init(0));
        t.chip.burst_zero = true;
        (void)t.send(get_timeouts);
    });
    CHECK_FALSE(t.done);
}

TEST_CASE("hardened tpm_tis ends with an error on a burst count of zero") {
    tis_world t;
    t.w.behaviours.set(behaviour::tpm_tis_burst_zero_endless_loop, true);
    t.run([&] {
        REQUIRE(t.tis.init(0));
        t.chip.burst_zero = true;
        CHECK(t.send(get_timeouts).error == transport_error::io);
        CHECK(t.took >= ms(750));
    });
    CHECK(t.done);
}

TEST_CASE("tpm_tis sends as many bytes as the packet says and the hardened one refuses a mismatch") {
    tis_world t;
    t.run([&] {
        REQUIRE(t.tis.init(0));
        CHECK(t.send("00c10000000a00000053ffff"));
        CHECK(t.chip.seen.back() == "00c10000000a00000053");
        t.w.behaviours.set(behaviour::tpm_tis_length_from_packet_header, true);
        CHECK(t.send("00c10000000a00000053ffff").error == transport_error::io);
        CHECK(t.chip.cycles == 0);
        CHECK(t.send("00c1000008010000005300").error == transport_error::io);
    });
    REQUIRE(t.done);
}

TEST_CASE("I/O memory without permission crashes the domain") {
    tis_world t;
    t.chip.permitted = false;
    t.run([&] { t.tis.init(0); });
    CHECK_FALSE(t.done);
    CHECK(t.w.stopped == lines{"manager 3"});
}
