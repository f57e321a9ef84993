// Exact times on the wire.
#include "tpm/bus/lpc_bus.h"

#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

TEST_CASE("lpc bus takes 390 ns for a byte and splits wider accesses lowest address first") {
    bench b;
    REQUIRE(b.run([&] {
        CHECK(b.cpu.read(tis_device::rid) == 0x10);
        CHECK(sc_core::sc_time_stamp() == sc_time(390, SC_NS));
        CHECK(b.cpu.read(0x2000 + tis_device::did_vid, 4) == 0x000B15D1);
        CHECK(sc_core::sc_time_stamp() == sc_time(1950, SC_NS));
        b.cpu.write(tis_device::rid, 0x55);
    }));
    CHECK(b.bus.clock_period() == sc_time(30, SC_NS));
    REQUIRE(b.cycles.seen.size() == 6);
    const std::uint8_t did_vid[] = {0xD1, 0x15, 0x0B, 0x00};
    for (unsigned i = 0; i < 4; ++i) {
        const auto& cycle = b.cycles.seen[1 + i];
        CHECK(cycle.start == sc_time(390 * (1 + i), SC_NS));
        CHECK(cycle.end == sc_time(390 * (2 + i), SC_NS));
        CHECK(cycle.address == 0x2F00 + i);
        CHECK(cycle.data == did_vid[i]);
        CHECK_FALSE(cycle.write);
        CHECK(cycle.wait_clocks == 0);
    }
    CHECK(b.cycles.seen[5].write);
    CHECK(b.cycles.seen[5].data == 0x55);
}

TEST_CASE("lpc bus adds wait clocks and rounds the clock period to whole picoseconds") {
    auto profile = plain_profile();
    profile.bus_mhz = 24;
    profile.lpc_wait_clocks = 5;
    bench b(profile);
    REQUIRE(b.run([&] { b.cpu.read(tis_device::rid); }));
    CHECK(b.bus.clock_period() == sc_time(41667, SC_PS));
    CHECK(sc_core::sc_time_stamp() == sc_time(18 * 41667, SC_PS));
    CHECK(b.cycles.seen.at(0).wait_clocks == 5);
}

TEST_CASE("lpc bus without a clock takes no time") {
    auto profile = plain_profile();
    profile.bus_mhz = 0;
    bench b(profile);
    REQUIRE(b.run([&] { CHECK(b.cpu.read(tis_device::did_vid, 4) == 0x000B15D1); }));
    CHECK(sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME);
    CHECK(b.cycles.seen.size() == 4);
}

TEST_CASE(
    "lpc bus keeps bus time as a delay for a decoupled host and shows the device each byte at its time") {
    auto profile = plain_profile();
    profile.command_ready_time = sc_time(1, SC_US);
    bench b(profile);
    b.cpu.decouple = true;
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x40);         // acts at 390 + 240 = 630 ns; Ready at 1630 ns
        CHECK(b.sts() == 0x00);  // seen at 780 + 240 ns
        CHECK(b.sts() == 0x00);  // 1410 ns
        CHECK(b.sts() == 0x40);  // 1800 ns
        CHECK(sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME);
        CHECK(b.cpu.local == sc_time(5 * 390, SC_NS));
    }));
    const auto became_ready =
        std::find_if(b.states.seen.begin(), b.states.seen.end(),
                     [](const tis_state& s) { return s.state == tis_state::fsm::ready; });
    REQUIRE(became_ready != b.states.seen.end());
    CHECK(became_ready->at == sc_time(1630, SC_NS));
}

TEST_CASE("lpc bus reads FF outside the window and refuses what it cannot frame") {
    bench b;
    REQUIRE(b.run([&] {
        unsigned char data[4] = {1, 2, 3, 4};
        CHECK(b.cpu.transfer(tlm::TLM_READ_COMMAND, 0xFED45000, data, 2) == tlm::TLM_OK_RESPONSE);
        CHECK(data[0] == 0xFF);
        CHECK(data[1] == 0xFF);
        CHECK(data[2] == 3);
        CHECK(b.cpu.transfer(tlm::TLM_READ_COMMAND, 0xFED3FFFF, data, 1) == tlm::TLM_OK_RESPONSE);
        CHECK(data[0] == 0xFF);
        CHECK(b.cycles.seen.empty());
        CHECK(sc_core::sc_time_stamp() == sc_time(3 * 390, SC_NS));
        // The last byte of the window and the first beyond it, in one access.
        CHECK(b.cpu.transfer(tlm::TLM_READ_COMMAND, 0xFED44FFF, data, 2) == tlm::TLM_OK_RESPONSE);
        CHECK(b.cycles.seen.size() == 1);
        CHECK(b.cpu.transfer(tlm::TLM_READ_COMMAND, 0xFED40000, data, 0) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(b.cpu.transfer(tlm::TLM_IGNORE_COMMAND, 0xFED40000, data, 1) ==
              tlm::TLM_COMMAND_ERROR_RESPONSE);
        CHECK(b.cycles.seen.size() == 1);
    }));
}

TEST_CASE("lpc bus makes a second access wait for the first and acts after the wait clocks") {
    auto profile = plain_profile();
    profile.lpc_wait_clocks = 2;
    bench b(profile);
    b.cpu.decouple = true;
    REQUIRE(b.run([&] {
        b.cpu.read(tis_device::did_vid, 4);
        b.cpu.local = sc_core::SC_ZERO_TIME;  // somebody else, who knows nothing of the first
        b.set_access(0, 0x02);
        CHECK(b.cpu.local == sc_time(5 * 15 * 30, SC_NS));
    }));
    CHECK(b.cycles.seen.at(4).start == sc_time(4 * 15 * 30, SC_NS));
    CHECK(b.states.seen.back().active_locality == 0);
    CHECK(b.states.seen.back().at == sc_time((4 * 15 + 8 + 2) * 30, SC_NS));
}
