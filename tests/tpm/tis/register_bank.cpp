// Routing of bytes and access rights.
#include "tpm/tis/register_bank.h"

#include <catch2/catch.hpp>

using namespace vtwin::tpm;

TEST_CASE("register bank routes bytes to lanes and leaves the rest of the page undecoded") {
    register_bank bank(true);
    std::uint32_t stored = 0;
    unsigned lane_read = 99;
    bank.declare({.name = "STORED",
                  .offset = 0x08,
                  .width = 4,
                  .reset = 0x44332211,
                  .write = access_right::anyone,
                  .storage = &stored});
    bank.declare({.name = "CONSTANT", .offset = 0xF00, .width = 4, .reset = 0x000B15D1});
    bank.declare({.name = "CALLED", .offset = 0x20, .width = 2, .on_read = [&](unsigned lane) {
                      lane_read = lane;
                      return std::uint8_t{0x77};
                  }});
    bank.reset();
    CHECK(bank.read(0x08, {}) == 0x11);
    CHECK(bank.read(0x0B, {}) == 0x44);
    bank.write(0x09, 0xEE, {});
    CHECK(stored == 0x4433EE11);
    CHECK(bank.read(0xF00, {}) == 0xD1);
    CHECK(bank.read(0xF02, {}) == 0x0B);
    bank.write(0xF00, 0x00, {});
    CHECK(bank.read(0xF00, {}) == 0xD1);
    CHECK(bank.read(0x21, {}) == 0x77);
    CHECK(lane_read == 1);
    CHECK(bank.read(0x22, {}) == 0xFF);
    CHECK(bank.read(0xFFF, {}) == 0xFF);
    CHECK(bank.name_at(0x0A) == "STORED");
    CHECK(bank.name_at(0x0C).empty());
    bank.reset();
    CHECK(stored == 0x44332211);
}

TEST_CASE("register bank asks who makes the cycle") {
    const auto value_after = [](access_right right, bool ordinary_writes, bank_cycle cycle) {
        register_bank bank(ordinary_writes);
        std::uint32_t stored = 0;
        bank.declare({.name = "R", .offset = 0, .write = right, .storage = &stored});
        bank.write(0, 1, cycle);
        return stored;
    };
    const bank_cycle stranger{}, owner{.owner = true, .special = false},
        special{.owner = false, .special = true};
    CHECK(value_after(access_right::none, true, owner) == 0);
    CHECK(value_after(access_right::anyone, true, stranger) == 1);
    CHECK(value_after(access_right::owner, true, stranger) == 0);
    CHECK(value_after(access_right::owner, true, owner) == 1);
    CHECK(value_after(access_right::special, true, owner) == 0);
    CHECK(value_after(access_right::special, true, special) == 1);
    CHECK(value_after(access_right::anyone, false, stranger) == 0);
    CHECK(value_after(access_right::anyone, false, special) == 1);
    register_bank bank(true);
    bank.declare({.name = "R", .offset = 0, .reset = 0x12, .read = access_right::owner});
    CHECK(bank.read(0, stranger) == 0xFF);
    CHECK(bank.read(0, owner) == 0x12);
}
