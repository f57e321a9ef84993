// What faults do to the accesses between a domain and the TIS registers.
#include <sys/wait.h>
#include <unistd.h>

#include "scenarios/faults/tis_tap.h"
#include "tests/scenarios/faults/hardware_bench.h"

namespace vtwin::scenario::test {
namespace {

constexpr std::uint8_t sts_valid = 0x80, command_ready = 0x40, go = 0x20, data_avail = 0x10, expect = 0x08;
constexpr std::uint32_t access_at = 0x00, sts_at = 0x18, fifo_at = 0x24, did_vid_at = 0xF00;

void make_ready(hardware_bench& t) {
    t.write(sts_at, command_ready);
    sc_core::wait(sc_time(1, SC_MS));
}
void send(hardware_bench& t, const std::string& command) {
    const auto octets = *models::from_hex(command);
    for (const auto octet : octets)
        t.write(fifo_at, std::to_integer<std::uint8_t>(octet));
}
std::uint8_t active_locality(hardware_bench& t) {
    return static_cast<std::uint8_t>(t.hardware.tis().snapshot().active_locality);
}

}  // namespace

TEST_CASE("registers have the names that conditions use") {
    CHECK(tis_register_at(0x00) == "TPM_ACCESS");
    CHECK(tis_register_at(0x01) == "");
    CHECK(tis_register_at(0x18) == "TPM_STS");
    CHECK(tis_register_at(0x1B) == "TPM_STS");
    CHECK(tis_register_at(0x1C) == "");
    CHECK(tis_register_at(0x24) == "TPM_DATA_FIFO");
    CHECK(tis_register_at(0x83) == "TPM_XDATA_FIFO");
    CHECK(tis_register_at(0xF03) == "TPM_DID_VID");
    CHECK(tis_register_at(0xF04) == "TPM_RID");
}

TEST_CASE("a tapped TPM without faults takes the same time and answers the same as a direct one") {
    // One simulation per process: the direct machine is the one whose taps are all on names that it has not.
    const auto story = [](const std::string& tapped) {
        hardware_bench t(tapped);
        std::string text;
        t.run([&] {
            for (const auto& command : {startup, extend_0, pcr_read_0, get_random, get_ticks})
                text += t(command) + " " + sc_core::sc_time_stamp().to_string() + "\n";
        });
        return std::pair(text, t.hub.wires().size());
    };
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const auto [text, wires] = story("nothing");
        const auto all = std::to_string(wires) + text;
        const bool sent = ::write(ends[1], all.data(), all.size()) == static_cast<ssize_t>(all.size());
        _exit(sent ? 0 : 1);
    }
    close(ends[1]);
    std::string direct;
    char chunk[4096];
    for (ssize_t size; (size = ::read(ends[0], chunk, sizeof chunk)) > 0;)
        direct.append(chunk, static_cast<std::size_t>(size));
    close(ends[0]);
    waitpid(child, nullptr, 0);
    const auto [tapped, wires] = story("*");
    CHECK(wires == 4);
    CHECK(direct == "0" + tapped);
    CHECK(tapped.size() > 300);
}

TEST_CASE("octets change on their way between host and chip") {
    hardware_bench t;
    t.run([&] {
        CHECK(t(startup) == ok_header);
        t.arm("tis.answer_bit_flip", {{"mask", "0x81"}}, nth(10));             // last octet of the code
        CHECK(t(startup.substr(0, 18) + "990001") == "00c40000000a000000a7");  // TPM_INVALID_POSTINIT
        CHECK(t(pcr_read_0) == "00c40000001e00000000" + zero_digest);
        t.arm("tis.command_bit_flip", {{"mask", "0x01"}}, nth(14));  // PCR 1 instead of PCR 0
        CHECK(t(extend_0).substr(0, 20) == "00c40000001e00000000");
        CHECK(pcr_0(t) == zero_digest);
        CHECK(t(extend_0).substr(0, 20) == "00c40000001e00000000");
        CHECK(pcr_0(t) != zero_digest);
    });
}

TEST_CASE("an octet of the FIFO that is dropped or inserted shifts what follows") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        t.arm("tis.octet_dropped", {}, nth(15));  // fourteen of the command, then the first of the answer
        make_ready(t);
        send(t, pcr_read_0);
        t.write(sts_at, go);
        sc_core::wait(sc_time(20, SC_MS));
        CHECK(t.read(fifo_at) == 0xC4);
        CHECK(t.read(fifo_at) == 0x00);
        make_ready(t);
        make_ready(t);
        t.arm("tis.octet_inserted", {{"shown", "0x5A"}}, nth(15));
        send(t, pcr_read_0);
        t.write(sts_at, go);
        sc_core::wait(sc_time(20, SC_MS));
        CHECK(t.read(fifo_at) == 0x5A);
        CHECK(t.read(fifo_at) == 0x00);
        CHECK(t.read(fifo_at) == 0xC4);
        make_ready(t);
        make_ready(t);
        t.arm("tis.octet_dropped", {}, nth(14));
        send(t, pcr_read_0);
        CHECK((t.read(sts_at) & expect) == expect);  // the chip waits for the one that was lost
        t.write(fifo_at, 0);
        CHECK((t.read(sts_at) & expect) == 0);
        make_ready(t);
        make_ready(t);
        t.arm("tis.octet_inserted", {}, nth(13));
        send(t, pcr_read_0.substr(0, 26));
        CHECK((t.read(sts_at) & expect) == 0);  // it has counted fourteen already
    });
}

TEST_CASE("cycles that nobody answers read all ones and write nothing") {
    hardware_bench t;
    t.run([&] {
        const auto id = t.read32(did_vid_at);
        t.arm("tis.aborted_read", {}, nth(2));
        CHECK(t.read32(did_vid_at) == id);
        auto before = sc_core::sc_time_stamp();
        CHECK(t.read32(did_vid_at) == 0xFFFFFFFF);
        CHECK(sc_core::sc_time_stamp() - before == 4 * sc_time(390, sc_core::SC_NS));
        CHECK(t.read32(did_vid_at) == id);
        t.arm("tis.lost_write");
        t.write(sts_at, command_ready);
        sc_core::wait(sc_time(1, SC_MS));
        CHECK((t.read(sts_at) & command_ready) == 0);
        make_ready(t);
        CHECK((t.read(sts_at) & command_ready) == command_ready);
    });
}

TEST_CASE("wait states lengthen each octet of the accesses that they meet") {
    hardware_bench t;
    t.run([&] {
        t.arm("tis.wait_states", {{"clocks", "1000"}});
        const auto time_of_read = [&] {
            const auto before = sc_core::sc_time_stamp();
            t.read32(did_vid_at);
            return sc_core::sc_time_stamp() - before;
        };
        CHECK(time_of_read() == 4 * sc_time(30'390, sc_core::SC_NS));
        CHECK(time_of_read() == 4 * sc_time(390, sc_core::SC_NS));
    });
}

TEST_CASE("a chip that is removed reads as the level of the lines") {
    hardware_bench t;
    t.run([&] {
        t.arm("tis.device_removed", {}, on_every());
        CHECK(t.read32(did_vid_at) == 0xFFFFFFFF);
        CHECK(t.read(access_at) == 0xFF);
        t.arm("tis.device_removed", {{"level", "zeros"}}, on_every());
        CHECK(t.read32(did_vid_at) == 0);
        t.write(access_at, 0x20);
        CHECK(active_locality(t) == 0);  // the chip still has it
    });
}

TEST_CASE("a stuck bit is seen in octets and in words and only in its register") {
    hardware_bench t;
    t.run([&] {
        t.arm("tis.stuck_bit", {{"bit", "31"}, {"value", "1"}}, on_every({{"register", "TPM_DID_VID"}}));
        t.arm("tis.stuck_bit", {{"bit", "8"}, {"value", "0"}}, on_every({{"register", "TPM_DID_VID"}}));
        CHECK(t.read32(did_vid_at) == 0x800B14D1);
        CHECK(t.read(did_vid_at + 3) == 0x80);
        CHECK(t.read(did_vid_at + 1) == 0x14);
        CHECK(t.read(did_vid_at) == 0xD1);
        CHECK(t.read(0xF04) == 0x10);
    });
}

TEST_CASE("a burst count is replaced in every look or in every second") {
    hardware_bench t;
    t.run([&] {
        make_ready(t);
        CHECK(t.burst() == 8);
        t.arm("tis.burst_count", {{"value", "0x1234"}}, nth(1, 2));
        CHECK(t.burst() == 0x1234);
        CHECK(t.burst() == 8);
        auto& lasting = t.arm("tis.burst_count", {{"value", "0"}, {"mode", "alternate"}}, on_every());
        CHECK(t.burst() == 0);
        CHECK(t.burst() == 8);
        CHECK(t.burst() == 0);
        CHECK((t.read(sts_at) & command_ready) == command_ready);
        t.hub.disarm(lasting);
        CHECK(t.burst() == 8);
    });
}

TEST_CASE("each flag of the status register can be forced both ways") {
    hardware_bench t;
    t.run([&] {
        make_ready(t);
        const auto usual = t.read(sts_at);
        const std::map<std::string, std::uint8_t> flags = {{"valid", sts_valid},
                                                           {"command_ready", command_ready},
                                                           {"data_avail", data_avail},
                                                           {"expect", expect}};
        for (const auto& [name, bit] : flags)
            for (const std::uint8_t value : {0, 1}) {
                INFO(name << " " << int(value));
                t.arm("tis.status_flag", {{"flag", name}, {"value", std::to_string(value)}});
                CHECK(t.read(sts_at) == (value ? usual | bit : usual & ~bit));
                CHECK(t.read(sts_at) == usual);
            }
        t.arm("tis.access_invalid");
        CHECK(t.read(access_at) == 0x21);  // active and established
        CHECK(t.read(access_at) == 0xA1);
    });
}

TEST_CASE("commandReady and tpmGo do not arrive or arrive twice") {
    hardware_bench t;
    t.run([&] {
        t.arm("tis.command_ready_ignored");
        make_ready(t);
        CHECK((t.read(sts_at) & command_ready) == 0);
        make_ready(t);
        CHECK((t.read(sts_at) & command_ready) == command_ready);
        send(t, startup);
        auto& ignored = t.arm("tis.go_ignored");
        t.write(sts_at, go);
        sc_core::wait(sc_time(20, SC_MS));
        CHECK(ignored.acted() == 1);
        CHECK((t.read(sts_at) & data_avail) == 0);
        CHECK(t.hub.find("tpm.chip")->crossings() == 0);
        auto& doubled = t.arm("tis.write_repeated");
        t.write(sts_at, go);
        sc_core::wait(sc_time(20, SC_MS));
        CHECK(doubled.acted() == 1);
        CHECK((t.read(sts_at) & data_avail) == data_avail);
        CHECK(t.hub.find("tpm.chip")->crossings() == 1);  // not executed again
    });
}

TEST_CASE("a locality is not granted when the request is lost") {
    hardware_bench t;
    t.run([&] {
        t.set_access(0x20);
        CHECK(active_locality(t) == 0xFF);
        t.arm("tis.locality_refused");
        t.set_access(0x02);
        CHECK(active_locality(t) == 0xFF);
        t.set_access(0x02);
        CHECK(active_locality(t) == 0);
    });
}

TEST_CASE("another locality seizes the chip and gives it back after a while") {
    hardware_bench t;
    t.run([&] {
        make_ready(t);
        send(t, startup.substr(0, 8));
        t.arm("tis.locality_seized", {{"locality", "2"}, {"hold", "5 ms"}});
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(active_locality(t) == 2);
        CHECK((t.read(access_at) & 0x30) == 0x10);  // beenSeized
        sc_core::wait(sc_time(5, SC_MS));
        CHECK(active_locality(t) == 0xFF);
    });
}

TEST_CASE("the active locality is given up behind its owner's back") {
    hardware_bench t;
    t.run([&] {
        CHECK(active_locality(t) == 0);
        t.arm("tis.locality_revoked");
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(active_locality(t) == 0xFF);
        CHECK(t.read(sts_at) == 0xFF);
    });
}

TEST_CASE("another user gets its turn when the owner lets go") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        auto& chip = *t.hub.find("tpm.chip");
        CHECK(chip.crossings() == 1);
        t.arm("tis.other_user", {{"commands", "2"}, {"locality", "1"}, {"command", pcr_read_0}});
        sc_core::wait(sc_time(50, SC_MS));
        CHECK(chip.crossings() == 1);
        CHECK(active_locality(t) == 0);
        t.set_access(0x20);
        sc_core::wait(sc_time(50, SC_MS));
        CHECK(chip.crossings() == 3);
        CHECK(active_locality(t) == 0xFF);
    });
}

TEST_CASE("a user without patience gives up") {
    hardware_bench t;
    t.run([&] {
        t.arm("tis.other_user", {{"locality", "1"}, {"patience", "10 ms"}});
        sc_core::wait(sc_time(20, SC_MS));
        t.set_access(0x20);
        sc_core::wait(sc_time(50, SC_MS));
        CHECK(t.hub.find("tpm.chip")->crossings() == 0);
    });
}

TEST_CASE("the reset line makes the chip forget with and without a startup behind it") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        t(extend_0);
        CHECK(pcr_0(t) != zero_digest);
        t.arm("tis.reset_line", {{"startup", "clear"}});
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(active_locality(t) == 0xFF);
        CHECK(pcr_0(t) == zero_digest);
        t.arm("tis.reset_line");
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(t.direct(pcr_read_0) == "00c40000000a00000026");  // TPM_INVALID_POSTINIT
    });
}

}  // namespace vtwin::scenario::test
