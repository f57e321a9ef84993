// Linux' tpm_tis against a register file that says what it is told to, and beside the manager's driver on a
// real chip.
#include "models/drivers/linux_tpm_tis.h"

#include "tests/models/drivers/scripted_chip.h"
#include "tests/models/drivers/shared_chip.h"
#include "tpm/codec/tpm20.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

constexpr int not_granted = broken_pipe, timed_out = -62, cancelled = -125;

const std::string family_probe = "8001000000160000017a000000060000012900000001",
                  timeouts = "00c10000001600000065000000050000000400000115",
                  durations = "00c10000001600000065000000050000000400000120",
                  version = "00c100000012000000650000001a00000000", self_test = "00c10000000a00000053",
                  pcr_0 = "00c10000000e0000001500000000", random_16 = "00c10000000e0000004600000010",
                  startup = "00c10000000c000000990001";
const lines start_of_12{family_probe, timeouts, durations, version, self_test, pcr_0};

/// A started TPM 1.2.8.28.
bytes tpm12_answer(byte_view command) {
    const std::string text = to_text(command);
    if (text == version)
        return from_hex("00c40000001d00000000 0000000f 0030 0102081c 0002 02 00000000 0000");
    if (text == pcr_0)
        return from_hex("00c40000001e00000000" + std::string(40, 'a'));
    return vtpm_answer(command);
}

struct linux_tis_world {
    linux_tis_world()
        : chip("chip"),
          dom(w.host.add_domain("linux", world::params())),
          os("os", w.software, kernel_flavour::linux_pv),
          tis(os, 0, quiet()) {
        chip.answer = tpm12_answer;
        os.ports.hypercall(dom.hypercall);
        os.ports.memory(dom.memory);
        os.ports.mmio(chip);
        os.ports.vcpu(dom.vcpu);
        dom.on_boot([this](const xen::start_info& info) { os.boot(info); });
    }
    void run(std::function<void()> program) {
        os.set_main([this, program] {
            program();
            done = true;
        });
        w.run([&](xen::store_client&) {
            w.host.start(dom, "");
            sc_core::wait(ms(300000));
        });
        REQUIRE(done);
    }
    int measured(const std::function<int()>& what) {
        os.pay();
        const sc_time begin = sc_time_stamp();
        const int result = what();
        os.pay();
        took = sc_time_stamp() - begin;
        return result;
    }
    int start() {
        return measured([&] { return tis.init(); });
    }
    int send(const std::string& hex) {
        return measured([&] { return tis.chip().transmit_from_user(from_hex(hex), response); });
    }
    world w;
    scripted_chip chip;
    xen::domain& dom;
    kernel os;
    linux_tpm_tis tis;
    bytes response;
    sc_time took;
    bool done = false;
};

}  // namespace

TEST_CASE("linux tpm_tis asks for the family and starts a TPM 1.2 with its locality taken once per use") {
    linux_tis_world t;
    t.run([&] {
        REQUIRE(t.start() == 0);
        CHECK(t.chip.seen == start_of_12);
        CHECK_FALSE(t.tis.chip().is_tpm20());
        CHECK(t.tis.did_vid() == 0xD1);
        CHECK(t.tis.rid() == 0x10);
        CHECK(t.tis.chip().timeouts_text() == "752000 2000000 752000 752000");
        // Interrupts, family, start; then one command.
        CHECK(t.chip.requests == 3);
        CHECK(t.send(pcr_0) == 30);
        CHECK(t.chip.requests == 4);
        CHECK(t.chip.releases == 4);
        CHECK_FALSE(t.chip.active);
        CHECK(to_text(t.response) == "00c40000001e00000000" + std::string(40, 'a'));
    });
}

TEST_CASE("linux tpm_tis takes a TPM 2.0 for one") {
    linux_tis_world t;
    const std::string commands = "8001000000160000017a000000020000011f00000001";
    t.chip.answer = [&](byte_view command) {
        const std::string text = to_text(command);
        if (text == family_probe)
            return from_hex("80010000001b00000000 00 00000006 00000001 00000129 00000001");
        if (text == commands)
            return from_hex("80010000001700000000 00 00000002 00000001 0000017e");
        return from_hex("80010000000a00000000");
    };
    t.run([&] {
        REQUIRE(t.start() == 0);
        CHECK(t.tis.chip().is_tpm20());
        CHECK(t.chip.seen[1] == "80010000000b0000014300");
        CHECK(t.tis.chip().listed_commands() == 1);
    });
}

TEST_CASE("linux tpm_tis looks for the answer every millisecond until the duration of the command is over") {
    linux_tis_world t;
    t.run([&] {
        REQUIRE(t.start() == 0);
        t.chip.execution = ms(12);
        CHECK(t.send(timeouts) == 30);
        CHECK(t.took >= ms(12));
        CHECK(t.took < ms(12.5));
        t.chip.execution = ms(3500);
        CHECK(t.send(timeouts) == timed_out);
        CHECK(t.took >= ms(3000));
        CHECK(t.took < ms(3002));
        CHECK(t.chip.aborts == 1);
        t.chip.execution = ms(0);
        CHECK(t.send(timeouts) == 30);
        CHECK(t.chip.aborts == 1);
    });
}

TEST_CASE("linux tpm_tis gives up a chip that never takes or gives its octets") {
    linux_tis_world t;
    t.run([&] {
        REQUIRE(t.start() == 0);
        t.chip.burst_zero = true;
        CHECK(t.send(timeouts) == busy);
        CHECK(t.took >= ms(752));
        CHECK(t.took < ms(753));
        t.chip.burst_zero = false;
        t.chip.keeps_data = true;
        CHECK(t.send(timeouts) == io_error);
        t.chip.keeps_data = false;
        for (const char* length : {"00c40000100100000000", "00c40000000900000000"}) {
            t.chip.answer = [=](byte_view) { return from_hex(length); };
            CHECK(t.send(timeouts) == io_error);
        }
        t.chip.answer = [](byte_view) { return from_hex("00c40000001e00000000"); };
        CHECK(t.send(timeouts) == timed_out);
        CHECK(t.took >= ms(752));
        t.chip.answer = tpm12_answer;
        CHECK(t.send(timeouts) == 30);
    });
}

TEST_CASE("linux tpm_tis sends a command fifty times to a chip that expects more") {
    linux_tis_world t;
    t.run([&] {
        REQUIRE(t.start() == 0);
        t.chip.begun = 0;
        t.chip.expects_too_much = true;
        (void)t.send(timeouts);
        CHECK(t.chip.begun == 50);
        t.chip.expects_too_much = false;
        CHECK(t.send(timeouts) == 30);
        CHECK(t.chip.begun == 51);
    });
}

TEST_CASE("linux tpm_tis finds out that Intel's chip lowers Expect one octet early") {
    linux_tis_world t;
    t.chip.did_vid = 0x00018086;
    t.chip.lowers_early = true;
    t.run([&] {
        REQUIRE(t.start() == 0);
        // It is asked for its family before, of which it takes nothing; what was tried was not executed.
        lines expected = start_of_12;
        expected[0].clear();
        CHECK(t.chip.seen == expected);
        CHECK(t.send(timeouts) == 30);
    });
}

TEST_CASE("linux tpm_tis knows chips that tell wrong times") {
    linux_tis_world t;
    t.run([&] {
        t.chip.did_vid = 0x32041114;  // Atmel 3204
        REQUIRE(t.start() == 0);
        CHECK(t.tis.chip().timeouts_text() == "752000 4000000 752000 752000");
        t.chip.did_vid = 0x0000104A;  // ST
        REQUIRE(t.start() == 0);
        CHECK(t.tis.chip().timeouts_text() == "752000 2000000 752000 752000");
        CHECK(t.tis.chip().duration_of(0x65) == ms(120000));
        t.chip.did_vid = 0x0001104A;
        REQUIRE(t.start() == 0);
        CHECK(t.tis.chip().duration_of(0x65) == ms(3000));
    });
}

TEST_CASE("linux tpm_tis has no device without a chip or without its locality") {
    linux_tis_world t;
    t.run([&] {
        t.chip.granted = false;
        CHECK(t.start() == no_device);
        CHECK(t.took >= ms(750));
        CHECK(t.took < ms(756));
        t.chip.granted = true;
        t.chip.absent = true;
        CHECK(t.start() == no_device);
        CHECK(t.chip.seen.empty());
        t.chip.absent = false;
        REQUIRE(t.start() == 0);
        t.chip.granted = false;
        const auto seen = t.chip.seen.size();
        CHECK(t.send(pcr_0) == not_granted);
        CHECK(t.chip.seen.size() == seen);
        // A TPM that fails its test has a device all the same; one that does not answer has none.
        t.chip.granted = true;
        t.chip.answer = [](byte_view command) {
            return to_text(command) == pcr_0 ? from_hex("00c40000000a0000001c") : tpm12_answer(command);
        };
        CHECK(t.start() == 0);
        t.chip.answer = [](byte_view) { return from_hex("00c40000000a00000009"); };
        CHECK(t.start() == no_device);
    });
}

TEST_CASE("linux tpm_tis waits for the self test of a TPM 1.2") {
    linux_tis_world t;
    int looks = 3;
    t.chip.answer = [&](byte_view command) {
        return to_text(command) == pcr_0 && looks-- > 0 ? from_hex("00c40000000a00000802")
                                                        : tpm12_answer(command);
    };
    t.run([&] {
        CHECK(t.start() == 0);
        CHECK(std::ranges::count(t.chip.seen, pcr_0) == 4);
        CHECK(t.took >= ms(300));
        CHECK(t.took < ms(301));
    });
}

TEST_CASE("linux tpm_tis reads and resets a register of a chip at its own locality") {
    shared_chip s(2);
    s.run([] {},
          [&] {
              REQUIRE(s.tis.init() == 0);
              CHECK(s.tis.did_vid() == 0x000B15D1);
              const std::string read_20 = "00c10000000e0000001500000014", ones = std::string(40, 'f');
              CHECK(s.ask(read_20) == "00c40000001e00000000" + ones);
              // Registers 20 to 22 are for localities 2 and above.
              CHECK(s.ask("00c1000000220000001400000014" + ones).starts_with("00c40000001e00000000"));
              CHECK(s.ask(read_20).substr(20) != ones);
              CHECK(s.ask("00c10000000f000000c80003000010") == "00c40000000a00000000");  // TPM_PCR_Reset
              CHECK(s.ask(read_20) == "00c40000001e00000000" + ones);
              CHECK(s.hardware.tis().snapshot().active_locality == -1);
          });
    CHECK(std::ranges::all_of(s.log.seen, [](const auto& each) { return each.locality == 2; }));
    const auto linux_domain = xen::to_underlying(s.dom.id());
    CHECK(std::ranges::all_of(s.log.seen, [&](const auto& each) { return each.master == linux_domain; }));
    CHECK(s.log.seen.back().ordinal == 0x15);
}

TEST_CASE("linux tpm_tis starts a chip that no firmware has started") {
    shared_chip s(0);
    s.hardware.engine().power_cycle();
    s.run([] {},
          [&] {
              REQUIRE(s.tis.init() == 0);
              CHECK(s.ask(startup) == "00c40000000a00000026");
          });
    CHECK(std::ranges::count(s.log.seen, 0x99u, &tpm::chip_command::ordinal) == 2);
}

TEST_CASE("linux tpm_tis and the manager share a chip as far as the manager gives it away") {
    shared_chip s(1);
    s.run(
        [&] {
            auto& os = s.manager.os;
            REQUIRE(s.minios.init(0));
            os.sleep(ms(10000));  // keeps its locality
            CHECK(s.minios.transmit(from_hex(random_16)));
            os.sleep(ms(10000));
            int commands = 0;
            for (; commands < 500 && s.done == 0; ++commands) {
                CHECK(s.minios.transmit(from_hex(random_16)));
                os.sleep(ms(7));
            }
            CHECK(commands > 20);
            CHECK(commands < 500);
        },
        [&] {
            auto& os = s.dom.os;
            os.sleep(ms(5000));
            CHECK(s.tis.init() == no_device);
            os.sleep(ms(10000));
            REQUIRE(s.tis.init() == 0);  // the request was still pending behind the manager's command
            os.sleep(ms(4300));
            for (int i = 0; i < 20; ++i) {
                CHECK(s.ask(pcr_0).size() == 60);
                os.sleep(ms(11));
            }
        });
    for (const auto& each : s.log.seen)
        CHECK(each.locality == (each.ordinal == 0x46 ? 0 : each.ordinal == 0x15 ? 1 : each.locality));
}
