// The dynamic launch through page 4.
#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {
constexpr std::uint32_t hash_start = 0x4028, hash_data = 0x4024, hash_end = 0x4020;
}

TEST_CASE("tis hash sequence reaches the engine and leaves its trace in PCR 17 and the established flag") {
    bench b;
    REQUIRE(b.run([&] {
        CHECK(b.access(0) == 0x81);
        b.cpu.special(hash_start);
        CHECK(b.access(4) == 0xA0);
        CHECK(b.access(0) == 0x80);
        CHECK(b.engine.pcr17 == 0);
        b.cpu.special(hash_data, 0x07);
        b.cpu.special(hash_data, 0x04030201, 4);
        b.set_access(2, 0x02);
        CHECK(b.access(2) == 0x82);
        b.cpu.special(hash_end);
        CHECK(b.access(4) == 0x80);
        CHECK(b.access(2) == 0xA0);  // the waiter got it
    }));
    CHECK(b.engine.log == "SDDDDDE");
    std::uint32_t sum = 0;
    for (const std::uint32_t value : {7u, 1u, 2u, 3u, 4u}) {
        sum = sum * 31 + value;
    }
    CHECK(b.engine.pcr17 == sum);
}

TEST_CASE("tis hash cycles are decoded once in a wide write") {
    bench b;
    REQUIRE(b.run([&] {
        b.cpu.special(hash_start, 0, 4);
        b.cpu.special(hash_end, 0, 4);
        b.cpu.special(hash_start + 4, 0, 4);
    }));
    CHECK(b.engine.log == "SE");
}

TEST_CASE("tis hash sequence is refused while an ordinary locality owns the TPM") {
    bench b;
    REQUIRE(b.run([&] {
        b.set_access(1, 0x02);
        b.cpu.special(hash_start);
        b.cpu.special(hash_data, 1);
        b.cpu.special(hash_end);
        CHECK(b.access(1) == 0xA1);
        CHECK(b.access(4) == 0x81);
    }));
    CHECK(b.engine.log.empty());
}

TEST_CASE("tis hash sequence needs special cycles of the locality 4 page") {
    bench b;
    REQUIRE(b.run([&] {
        b.cpu.write(hash_start, 0);
        b.cpu.write(hash_data, 1);
        b.cpu.write(hash_end, 0);
        b.cpu.special(0x3028);
        b.cpu.special(0x3020);
        CHECK(b.access(4) == 0x81);
    }));
    CHECK(b.engine.log.empty());
}

TEST_CASE("tis hash data and end without a start reach the engine when nobody owns the TPM") {
    bench b;
    REQUIRE(b.run([&] {
        b.cpu.special(hash_data, 1);
        b.cpu.special(hash_end);
    }));
    CHECK(b.engine.log == "DE");
}

TEST_CASE("tis establishment is reset through STS only for a TPM 2 and from localities 3 and 4") {
    auto profile = plain_profile();
    profile.version = family::tpm20;
    bench b(profile);
    b.engine.flag = true;
    const auto try_from = [&](unsigned locality) {
        b.set_access(locality, 0x02);
        b.cpu.write((locality << 12) + tis_device::sts + 3, 0x02);
        const auto flag = b.access(locality) & 1;
        b.set_access(locality, 0x20);
        return flag;
    };
    REQUIRE(b.run([&] {
        CHECK(b.access(0) == 0x80);
        CHECK(try_from(2) == 0);
        CHECK(try_from(3) == 1);
    }));
    CHECK(b.engine.log == "R");
}

TEST_CASE("tis establishment reset through STS is unknown to a TPM 1.2") {
    bench b;
    b.engine.flag = true;
    REQUIRE(b.run([&] {
        b.set_access(3, 0x02);
        b.cpu.write(0x3000 + tis_device::sts + 3, 0x02);
        CHECK(b.access(3) == 0xA0);
    }));
    CHECK(b.engine.log.empty());
}

TEST_CASE("tis establishment stays while a command is received or executes") {
    auto profile = plain_profile();
    profile.version = family::tpm20;
    profile.default_duration.base = sc_time(1, SC_MS);
    bench b(profile);
    b.engine.flag = true;
    const auto reset_flag = [&] {
        b.cpu.write(0x3000 + tis_device::sts + 3, 0x02);
        return b.access(3);
    };
    REQUIRE(b.run([&] {
        b.set_access(3, 0x02);
        b.set_sts(0x40, 3);
        bytes command = request(12, 0x14);
        const auto last = command.back();
        command.pop_back();
        b.cpu.send(command, 0x3000);
        CHECK(reset_flag() == 0xA0);
        b.cpu.send({last}, 0x3000);
        CHECK(reset_flag() == 0xA0);
        b.set_sts(0x20, 3);
        CHECK(reset_flag() == 0xA0);
        sc_core::wait(sc_time(1, SC_MS));
        b.set_sts(0x60, 3);  // two ones: not this one, nor any other
        CHECK(b.access(3) == 0xA0);
        CHECK(b.sts(3) == 0x90);
        CHECK(reset_flag() == 0xA1);
    }));
}
