// Causes, enables and the line.
#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

using dev = tis_device;

/// Reads TPM_INT_STATUS and clears what it found.
std::uint32_t take(bench& b, std::uint32_t page = 0) {
    const std::uint32_t seen = b.cpu.read(page + dev::int_status, 4);
    b.cpu.write(page + dev::int_status, seen, 4);
    return seen;
}

}  // namespace

TEST_CASE("tis interrupts record each cause of a command once") {
    auto profile = plain_profile();
    profile.default_duration.base = sc_time(1, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.cpu.write(dev::int_enable, 0x8000008F, 4);
        b.set_sts(0x40);
        CHECK(take(b) == 0x80);
        b.set_sts(0x40);  // already Ready
        CHECK(take(b) == 0x00);
        auto command = request(12, 0x14);
        b.cpu.send({command.front()});
        CHECK(take(b) == 0x02);  // stsValid, for Expect
        command.erase(command.begin());
        const auto last = command.back();
        command.pop_back();
        b.cpu.send(command);
        CHECK(take(b) == 0x00);
        b.cpu.send({last});
        CHECK(take(b) == 0x02);
        b.set_sts(0x20);
        CHECK(take(b) == 0x00);
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(take(b) == 0x03);
        b.cpu.receive(10);
        CHECK(take(b) == 0x00);
        b.set_sts(0x02);  // responseRetry brings dataAvail back
        CHECK(take(b) == 0x01);
        b.set_sts(0x40);
        CHECK(take(b) == 0x00);
        b.set_access(1, 0x02);
        b.set_access(0, 0x20);
        CHECK(take(b, 0x1000) == 0x04);
        b.set_access(1, 0x20);
        b.set_access(0, 0x02);  // immediate grant: none
        CHECK(take(b) == 0x00);
    }));
}

TEST_CASE("tis interrupts stay silent while disabled and cannot be cleared by a stranger") {
    bench b;
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.cpu.write(dev::int_enable, 0x0000008F, 4);  // no global enable
        b.set_sts(0x40);
        CHECK(b.cpu.read(dev::int_status) == 0x00);
        b.cpu.write(dev::int_enable, 0x80000001, 4);  // dataAvail only
        b.cpu.send(request(12, 0x14));
        b.set_sts(0x20);
        CHECK(b.cpu.read(dev::int_status) == 0x01);
        b.cpu.write(0x2000 + dev::int_status, 0x01);  // not the owner
        CHECK(b.cpu.read(dev::int_status) == 0x01);
        b.cpu.write(dev::int_status, 0x82);  // other bits
        CHECK(b.cpu.read(dev::int_status) == 0x01);
        b.cpu.write(dev::int_status, 0x01);
        CHECK(b.cpu.read(dev::int_status) == 0x00);
    }));
}

TEST_CASE("tis interrupt line rises with the cause at its time and falls with the last cause cleared") {
    auto profile = plain_profile();
    profile.default_duration.base = sc_time(1, SC_MS);
    bench b(profile);
    sc_core::sc_signal<bool, sc_core::SC_MANY_WRITERS> line("line");
    b.tpm.interrupt.bind(line);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.cpu.write(dev::int_enable, 0x80000001, 4);
        b.cpu.write(dev::int_vector, 5);
        b.set_sts(0x40);
        b.cpu.send(request(12, 0x14));
        b.set_sts(0x20);
        CHECK_FALSE(line.read());
        sc_core::wait(line.posedge_event());
        CHECK(sc_core::sc_time_stamp() == b.commands.seen.at(0).done);
        b.cpu.write(dev::int_status, 0x01);
        sc_core::wait(sc_core::SC_ZERO_TIME);
        CHECK_FALSE(line.read());
    }));
}

TEST_CASE("tis interrupt line stays down without a SERIRQ slot") {
    bench b;
    sc_core::sc_signal<bool, sc_core::SC_MANY_WRITERS> line("line");
    b.tpm.interrupt.bind(line);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.cpu.write(dev::int_enable, 0x80000080, 4);
        b.set_sts(0x40);
        CHECK(b.cpu.read(dev::int_status) == 0x80);
        CHECK_FALSE(line.read());
        b.cpu.write(dev::int_vector, 3);
        sc_core::wait(sc_core::SC_ZERO_TIME);
        CHECK(line.read());
    }));
}

TEST_CASE("tis interrupts do not fire on the way to Idle") {
    auto profile = plain_profile();
    profile.sts_valid_when_idle = true;  // stsValid rises from Execution to Idle
    profile.default_duration.base = sc_time(1, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x40);
        b.cpu.send(request(12, 0x14));
        b.set_sts(0x20);
        CHECK(b.sts() == 0x00);
        b.cpu.write(dev::int_enable, 0x8000008F, 4);
        b.set_sts(0x40);
        CHECK(b.sts() == 0x80);
        CHECK(b.cpu.read(dev::int_status) == 0x00);
    }));
}
