// What each register answers to whom: the access rules of the register file, through the bus.
#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

using dev = tis_device;

void send_command(bench& b, std::size_t size = 12) {
    b.set_access(0, 0x02);
    b.set_sts(0x40);
    b.cpu.send(request(size, 0x14));
    b.set_sts(0x20);
}

}  // namespace

TEST_CASE("tis registers answer FF where nothing is decoded and to localities that do not own the TPM") {
    bench b;
    REQUIRE(b.run([&] {
        for (const std::uint32_t hole :
             {0x001u, 0x00Du, 0x020u, 0x028u, 0x030u, 0x084u, 0xF05u, 0xF90u, 0x4020u, 0x4028u}) {
            CHECK(b.cpu.read(hole) == 0xFF);
        }
        CHECK(b.cpu.read(dev::sts, 4) == 0xFFFFFFFF);
        b.set_access(1, 0x02);
        CHECK(b.sts(1) == 0x00);
        CHECK(b.sts(0) == 0xFF);
        CHECK(b.cpu.read(dev::data_fifo, 4) == 0xFFFFFFFF);
        CHECK(b.cpu.read(dev::xdata_fifo) == 0xFF);
        b.set_sts(0x40, 0);  // dropped: locality 0 does not own it
        CHECK(b.sts(1) == 0x00);
        b.set_sts(0x40, 1);
        CHECK(b.sts(1) == 0x40);
        b.cpu.send({std::byte{0}}, 0x0000);  // dropped
        CHECK(b.sts(1) == 0x40);
        b.cpu.send({std::byte{0}}, 0x1000);
        CHECK(b.sts(1) == 0x88);
    }));
}

TEST_CASE("tis identification and interrupt registers are one set seen through five windows") {
    bench b;
    REQUIRE(b.run([&] {
        b.set_access(2, 0x02);
        b.cpu.write(0x0000 + dev::int_enable, 0x80000001, 4);  // not the owner
        CHECK(b.cpu.read(dev::int_enable, 4) == 0x00000008);
        b.cpu.write(0x2000 + dev::int_enable, 0x8000008F, 4);
        b.cpu.write(0x2000 + dev::int_vector, 0xF5);
        for (std::uint32_t page = 0; page < 0x5000; page += 0x1000) {
            CHECK(b.cpu.read(page + dev::did_vid, 4) == 0x000B15D1);
            CHECK(b.cpu.read(page + dev::rid) == 0x10);
            CHECK(b.cpu.read(page + dev::interface_capability, 4) == 0x97);
            CHECK(b.cpu.read(page + dev::int_enable, 4) == 0x8000008F);
            CHECK(b.cpu.read(page + dev::int_vector) == 0x05);
            CHECK(b.cpu.read(page + dev::int_status, 4) == 0);
        }
        // Polarity 10 (rising) is not advertised: the old one stays, the rest of the byte is taken.
        b.cpu.write(0x2000 + dev::int_enable, 0x11);
        CHECK(b.cpu.read(dev::int_enable) == 0x09);
    }));
}

TEST_CASE("tis FIFO bytes move through all four addresses and both ports in order") {
    bench b;
    b.engine.next_reply = reply(14);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x40);
        const bytes command = request(12, 0x14);
        const auto word = [&](std::size_t at) {
            return std::to_integer<std::uint32_t>(command[at]) |
                   std::to_integer<std::uint32_t>(command[at + 1]) << 8 |
                   std::to_integer<std::uint32_t>(command[at + 2]) << 16 |
                   std::to_integer<std::uint32_t>(command[at + 3]) << 24;
        };
        b.cpu.write(dev::data_fifo, word(0), 4);
        b.cpu.write(dev::xdata_fifo, word(4), 4);
        b.cpu.write(dev::data_fifo + 3, word(8) & 0xFF);
        b.cpu.write(dev::xdata_fifo + 1, word(8) >> 8, 3);
        CHECK(b.sts() == 0x80);
        CHECK(b.cpu.read(dev::data_fifo) == 0xFF);  // nothing to read yet
        b.set_sts(0x20);
        CHECK(b.cpu.read(dev::data_fifo, 4) == 0x0000C400);
        CHECK(b.cpu.read(dev::xdata_fifo, 2) == 0x0E00);
        CHECK(b.cpu.receive(8) == [] {
            const bytes all = reply(14);
            return bytes(all.begin() + 6, all.end());
        }());
        CHECK(b.sts() == 0x80);
    }));
    CHECK(b.engine.calls.at(0).command == request(12, 0x14));
}

TEST_CASE("tis page 4 ignores ordinary writes and answers reads") {
    bench b;
    REQUIRE(b.run([&] {
        b.set_access(4, 0x02);
        CHECK(b.access(4) == 0x81);
        b.cpu.write(0x4000 + dev::hash_start, 0);
        CHECK(b.access(4) == 0x81);
        CHECK(b.cpu.read(0x4000 + dev::did_vid, 4) == 0x000B15D1);
        b.cpu.special(0x4000, 0x02);
        CHECK(b.access(4) == 0xA1);
        b.set_sts(0x40, 4);
        CHECK(b.sts(4) == 0x00);
    }));
    CHECK(b.engine.log.empty());
}

TEST_CASE("tis status ignores a byte with several ones and takes a wide write lane by lane") {
    bench b;
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x60);
        CHECK(b.sts() == 0x00);
        b.set_sts(0x42);
        CHECK(b.sts() == 0x00);
        b.set_sts(0xDD);  // commandReady among bits that nobody can write
        CHECK(b.sts() == 0x40);
        b.cpu.send(request(12, 0x14));
        b.cpu.write(dev::sts, 0x00000020, 4);
        CHECK(b.sts() == 0x90);
        b.set_access(0, 0x30);  // two ones in ACCESS
        CHECK(b.access(0) == 0xA1);
    }));
    CHECK(b.engine.calls.size() == 1);
}

TEST_CASE("tis status carries burst family and selfTestDone as the profile has them") {
    auto profile = plain_profile();
    profile.version = family::tpm20;
    profile.interface_capability = 0x30000697;
    profile.interface_id = 0x2100;
    profile.burst_count = 300;
    profile.sts_valid_when_idle = true;
    bench b(profile);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        CHECK(b.cpu.read(dev::sts, 4) == 0x04000080);
        b.set_sts(0x40);
        CHECK(b.cpu.read(dev::sts, 4) == 0x04012CC0);
        b.cpu.send(request(11, 0x143));  // TPM2_SelfTest
        b.set_sts(0x20);
        CHECK(b.cpu.read(dev::sts, 4) == 0x04000A94);
        b.set_sts(0x40);
        CHECK(b.sts() == 0x84);
        CHECK(b.cpu.read(dev::interface_id, 4) == 0x00002100);
        b.cpu.write(0x3000 + dev::interface_id, 0x000A0000, 4);
        CHECK(b.cpu.read(dev::interface_id, 4) == 0x00082100);
        b.tpm.reset();
        CHECK(b.cpu.read(dev::interface_id, 4) == 0x00002100);
        b.set_access(0, 0x02);
        CHECK(b.sts() == 0x80);
    }));
}

TEST_CASE("tis shows nothing valid until TPM_Init is over and forgets on reset") {
    auto profile = plain_profile();
    profile.init_time = sc_time(30, SC_MS);
    bench b(profile);
    REQUIRE(b.run([&] {
        CHECK((b.access(0) & 0x80) == 0);
        CHECK(b.cpu.read(dev::did_vid) == 0xFF);
        b.set_access(0, 0x02);  // dropped
        sc_core::wait(sc_time(30, SC_MS) - sc_core::sc_time_stamp() - sc_time(240, SC_NS) -
                      sc_time(1, SC_PS));
        CHECK(b.access(0) == 0x00);
        CHECK(b.access(0) == 0x81);
        b.engine.next_reply = reply(10);
        send_command(b);
        b.cpu.write(dev::int_enable, 0x80000001, 4);
        const sc_time before = sc_core::sc_time_stamp();
        b.tpm.reset();
        CHECK(b.access(0) == 0x00);
        sc_core::wait(before + sc_time(30, SC_MS) - sc_core::sc_time_stamp());
        CHECK(b.access(0) == 0x81);
        CHECK(b.cpu.read(dev::int_enable, 4) == 0x00000008);
        b.set_access(0, 0x02);
        CHECK(b.sts() == 0x00);
    }));
    CHECK(b.engine.log == "P");
}
