// What ends a command early, and that its response never shows up.
#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

using state_t = tis_state::fsm;

chip_profile slow_profile() {
    auto profile = plain_profile();
    profile.default_duration.base = sc_time(100, SC_MS);
    return profile;
}

void start(bench& b, std::size_t size = 12) {
    b.set_access(0, 0x02);
    b.set_sts(0x40);
    b.cpu.send(request(size, 0x14));
    b.set_sts(0x20);
}

}  // namespace

TEST_CASE(
    "tis abort by commandReady discards the response and holds Ready back until the engine has stopped") {
    auto profile = slow_profile();
    profile.abort_time = sc_time(20, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        sc_core::wait(sc_time(10, SC_MS));
        b.set_sts(0x40);
        const sc_time aborted = sc_core::sc_time_stamp() - sc_time(150, SC_NS);
        CHECK(b.sts() == 0x00);
        b.set_sts(0x40);
        CHECK(b.sts() == 0x00);
        sc_core::wait(aborted + sc_time(20, SC_MS) - sc_core::sc_time_stamp() - sc_time(270, SC_NS));
        CHECK(b.sts() == 0x00);
        CHECK(b.sts() == 0x40);
        sc_core::wait(sc_time(200, SC_MS));
        CHECK(b.sts() == 0x40);
    }));
    CHECK(b.engine.calls.size() == 1);
    CHECK(b.commands.seen.empty());
}

TEST_CASE("tis abort waits no longer than the command would have taken") {
    auto profile = slow_profile();
    profile.abort_time = sc_time(2, sc_core::SC_SEC);
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        const sc_time over = sc_core::sc_time_stamp() - sc_time(150, SC_NS) + sc_time(100, SC_MS);
        b.set_sts(0x40);
        b.set_sts(0x40);
        sc_core::wait(over - sc_core::sc_time_stamp() - sc_time(270, SC_NS));
        CHECK(b.sts() == 0x00);
        CHECK(b.sts() == 0x40);
    }));
    CHECK(b.commands.seen.empty());
}

TEST_CASE("tis abort goes straight to Ready where the profile says so once the engine has stopped") {
    auto profile = slow_profile();
    profile.cr_abort = chip_profile::cr_target::ready;
    profile.abort_time = sc_time(20, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        b.set_sts(0x40);
        CHECK(b.sts() == 0x00);
        b.set_sts(0x40);  // again: changes nothing
        sc_core::wait(sc_time(19, SC_MS));
        CHECK(b.sts() == 0x00);
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(b.sts() == 0x40);
        sc_core::wait(sc_time(200, SC_MS));
        CHECK(b.sts() == 0x40);
    }));
    CHECK(b.commands.seen.empty());
}

TEST_CASE("tis abort is ignored where the profile says so") {
    auto profile = slow_profile();
    profile.cr_abort = chip_profile::cr_target::ignored;
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        b.set_sts(0x40);
        sc_core::wait(sc_time(100, SC_MS));
        CHECK(b.sts() == 0x90);
    }));
    CHECK(b.commands.seen.size() == 1);
}

TEST_CASE("tis abort during reception forgets the bytes") {
    bench b;
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x40);
        b.cpu.send(bytes(7, std::byte{0xAA}));
        b.set_sts(0x40);
        CHECK(b.sts() == 0x00);
        b.cpu.send({std::byte{1}});
        CHECK(b.sts() == 0x00);
        start(b);
        CHECK(b.sts() == 0x90);
    }));
    REQUIRE(b.engine.calls.size() == 1);
    CHECK(b.engine.calls[0].command == request(12, 0x14));
}

TEST_CASE("tis response is lost when a higher locality seizes the TPM while it executes") {
    bench b(slow_profile());
    REQUIRE(b.run([&] {
        start(b);
        b.set_access(3, 0x08);
        CHECK(b.access(0) == 0x91);
        CHECK(b.access(3) == 0xA1);
        CHECK(b.sts(3) == 0x00);
        sc_core::wait(sc_time(150, SC_MS));
        CHECK(b.sts(3) == 0x00);
        CHECK(b.sts(0) == 0xFF);
    }));
    CHECK(b.commands.seen.empty());
}

TEST_CASE("tis response is lost when its owner leaves and somebody waits") {
    bench b(slow_profile());
    REQUIRE(b.run([&] {
        start(b);
        sc_core::wait(sc_time(150, SC_MS));
        CHECK(b.sts() == 0x90);
        b.set_access(1, 0x02);
        CHECK(b.access(0) == 0xA5);
        b.set_access(0, 0x20);
        CHECK(b.access(1) == 0xA1);
        CHECK(b.sts(1) == 0x00);
        CHECK(b.cpu.receive(1, 0x1000) == bytes{std::byte{0xFF}});
    }));
    CHECK(b.engine.calls.at(0).locality == 0);
}

TEST_CASE("tis relinquish without waiters keeps the command where the profile says so") {
    auto profile = slow_profile();
    profile.relinquish_keeps_fsm = true;
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        b.set_access(0, 0x20);
        CHECK(b.sts() == 0xFF);
        sc_core::wait(sc_time(100, SC_MS));
        b.set_access(2, 0x02);
        CHECK(b.sts(2) == 0x90);
        b.set_access(3, 0x02);
        b.set_access(2, 0x20);  // somebody waits: lost all the same
        CHECK(b.sts(3) == 0x00);
    }));
}

TEST_CASE("tis responseRetry rewinds before and after the last byte") {
    bench b;
    b.engine.next_reply = reply(10);
    REQUIRE(b.run([&] {
        start(b);
        CHECK(b.cpu.receive(4).size() == 4);
        b.set_sts(0x02);
        CHECK(b.cpu.receive(10) == reply(10));
        CHECK(b.sts() == 0x80);
        b.set_sts(0x02);
        CHECK(b.sts() == 0x90);
        CHECK(b.cpu.receive(10) == reply(10));
        b.set_sts(0x40);
        b.set_sts(0x02);
        CHECK(b.sts() == 0x00);
    }));
    CHECK(b.engine.calls.size() == 1);
}

TEST_CASE("tis commandCancel brings the end of a TPM 2 command forward") {
    auto profile = slow_profile();
    profile.version = family::tpm20;
    profile.abort_time = sc_time(3, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        b.cpu.write(tis_device::sts + 3, 0x01);
        sc_core::wait(sc_time(3, SC_MS) - sc_time(18 * 30, SC_NS));
        CHECK(b.sts() == 0x00);
        CHECK(b.sts() == 0x90);
    }));
    CHECK(b.commands.seen.size() == 1);
}

TEST_CASE("tis commandCancel means nothing to a TPM 1.2") {
    auto profile = slow_profile();
    profile.abort_time = sc_time(3, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        b.cpu.write(tis_device::sts + 3, 0x01);
        sc_core::wait(sc_time(3, SC_MS));
        CHECK(b.sts() == 0x00);
    }));
}

TEST_CASE("tis abort is not prolonged when the owner changes meanwhile") {
    auto profile = slow_profile();
    profile.cr_abort = chip_profile::cr_target::ready;
    profile.abort_time = sc_time(20, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        start(b);
        b.set_sts(0x40);
        sc_core::wait(sc_time(10, SC_MS));
        b.set_access(3, 0x08);
        b.set_sts(0x40, 3);
        CHECK(b.sts(3) == 0x00);
        sc_core::wait(sc_time(10, SC_MS));
        CHECK(b.sts(3) == 0x40);
    }));
}

TEST_CASE("tis commandReady on its way is lost with the owner") {
    auto profile = plain_profile();
    profile.command_ready_time = sc_time(1, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x40);
        b.set_access(0, 0x20);
        b.set_access(1, 0x02);
        sc_core::wait(sc_time(2, SC_MS));
        CHECK(b.sts(1) == 0x00);
        b.set_sts(0x40, 1);
        CHECK(b.sts(1) == 0x00);
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(b.sts(1) == 0x40);
    }));
}

TEST_CASE("tis reset ends a running command without a trace") {
    bench b(slow_profile());
    REQUIRE(b.run([&] {
        start(b);
        sc_core::wait(sc_time(50, SC_MS));
        b.tpm.reset();
        sc_core::wait(sc_time(100, SC_MS));
        b.set_access(0, 0x02);
        CHECK(b.sts() == 0x00);
    }));
    CHECK(b.engine.calls.size() == 1);
    CHECK(b.commands.seen.empty());
    CHECK(b.engine.log == "P");
}
