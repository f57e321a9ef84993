// The bus cycles of a driver that works as mini-os' tpm_tis does, counted on the wire:
//     C = N + M + 4 Kw + 3 Kr + P + 11
#include <catch2/catch.hpp>
#include <optional>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

using dev = tis_device;

/// One exchange in polled mode; all status waits look once, then sleep 5 ms between looks.
class driver {
  public:
    explicit driver(bench& on) : b(on) {}
    std::size_t polls = 0;   ///< status reads while the command executes
    std::size_t sleeps = 0;  ///< 5 ms sleeps anywhere

    bytes exchange(const bytes& command) {
        CHECK((b.access(0) & 0xA0) == 0xA0);
        if ((b.sts() & 0x40) == 0) {
            b.set_sts(0x40);
            wait_for(0x40);
        }
        const std::size_t body = command.size() - 1;
        for (std::size_t sent = 0; sent < body;) {
            const std::size_t chunk = std::min(burst(), body - sent);
            b.cpu.send(bytes(command.begin() + sent, command.begin() + sent + chunk));
            sent += chunk;
            wait_for(0x80);
            CHECK((b.sts() & 0x08) != 0);
        }
        b.cpu.send({command.back()});
        wait_for(0x80);
        CHECK((b.sts() & 0x08) == 0);
        b.set_sts(0x20);
        const std::size_t looks = wait_for(0x90);
        polls += looks;
        bytes response = receive(10);
        const bytes rest = receive(be32_at(response, 2) - 10);
        response.insert(response.end(), rest.begin(), rest.end());
        wait_for(0x80);
        CHECK((b.sts() & 0x10) == 0);
        b.set_sts(0x40);
        CHECK((b.access(0) & 0x04) == 0);
        return response;
    }

  private:
    std::size_t wait_for(std::uint8_t mask) {
        for (std::size_t looks = 1;; ++looks) {
            if ((b.sts() & mask) == mask) {
                return looks;
            }
            ++sleeps;
            sc_core::wait(sc_time(5, SC_MS));
        }
    }
    std::size_t burst() {
        const std::size_t low = b.cpu.read(dev::sts + 1);
        return low | b.cpu.read(dev::sts + 2) << 8;
    }
    bytes receive(std::size_t size) {
        bytes out;
        while (out.size() < size) {
            wait_for(0x90);
            const bytes chunk = b.cpu.receive(std::min(burst(), size - out.size()));
            out.insert(out.end(), chunk.begin(), chunk.end());
        }
        return out;
    }
    bench& b;
};

struct count {
    std::size_t cycles, polls, sleeps;
    sc_time elapsed;
    std::size_t second_cycles;
};

/// Two exchanges from Idle; figures of the first, cycles of the second.
count measure(bench& b, std::size_t n, std::size_t m, std::uint32_t ordinal) {
    count result{};
    b.engine.next_reply = reply(m);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        const std::size_t cycles = b.cycles.seen.size();
        const sc_time from = sc_core::sc_time_stamp();
        driver d(b);
        CHECK(d.exchange(request(n, ordinal)) == reply(m));
        result = {b.cycles.seen.size() - cycles, d.polls, d.sleeps, sc_core::sc_time_stamp() - from, 0};
        CHECK(d.exchange(request(n, ordinal)) == reply(m));
        result.second_cycles = b.cycles.seen.size() - cycles - result.cycles;
    }));
    return result;
}

std::size_t formula(std::size_t n, std::size_t m, std::size_t b, std::size_t p) {
    const auto chunks = [b](std::size_t size) { return (size + b - 1) / b; };
    return n + m + 4 * chunks(n - 1) + 3 * (chunks(10) + chunks(m - 10)) + p + 11;
}

chip_profile with_burst(std::uint32_t burst) {
    auto profile = plain_profile();
    profile.burst_count = burst;
    return profile;
}

}  // namespace

TEST_CASE("mini-os driver needs 110 cycles and its polls for Extend with burst 8") {
    auto profile = with_burst(8);
    profile.durations[0x14].base = sc_time(7, SC_MS);
    bench b(profile);
    const count c = measure(b, 34, 30, 0x14);
    CHECK(c.polls == 3);  // at 0, 5 and 10 ms
    CHECK(c.cycles == 110 + 3);
    CHECK(c.cycles == formula(34, 30, 8, 3));
    CHECK(c.elapsed == sc_time(10, SC_MS) + sc_time(113 * 390, SC_NS));
    CHECK(c.second_cycles == c.cycles);  // commandReady took the chip to Idle only
}

TEST_CASE(
    "mini-os driver needs 89 cycles and one poll for Extend with burst 32 on a chip without execution time") {
    bench b(with_burst(32));
    const count c = measure(b, 34, 30, 0x14);
    CHECK(c.cycles == 89 + 1);
    CHECK(c.cycles == formula(34, 30, 32, 1));
    CHECK(c.elapsed == sc_time(90 * 390, SC_NS));
    CHECK(c.sleeps == 0);
}

TEST_CASE("mini-os driver needs 83 cycles for GetCapability with burst 8") {
    bench b(with_burst(8));
    const count c = measure(b, 22, 26, 0x65);
    CHECK(c.cycles == 83 + 1);
    CHECK(c.cycles == formula(22, 26, 8, 1));
}

TEST_CASE("mini-os driver moves 279 and 384 bytes in 715 cycles with burst 64") {
    bench b(with_burst(64));
    CHECK(measure(b, 279, 384, 0x16).cycles == 715 + 1);
}

TEST_CASE("mini-os driver saves two cycles when the chip is in Ready already") {
    auto profile = with_burst(8);
    profile.cr_from_completion = chip_profile::cr_target::ready;
    bench b(profile);
    const count c = measure(b, 34, 30, 0x14);
    CHECK(c.cycles == 111);
    CHECK(c.second_cycles == 109);
}

TEST_CASE("mini-os driver pays 5 ms for each digest that outlasts the next bus read") {
    auto profile = with_burst(8);
    profile.sts_valid_time = sc_time(600, SC_NS);
    bench b(profile);
    const count c = measure(b, 34, 30, 0x14);
    CHECK(c.sleeps == 6);  // five chunks and the last byte
    CHECK(c.cycles == formula(34, 30, 8, 1) + 6);
    CHECK(c.elapsed == sc_time(30, SC_MS) + sc_time(117 * 390, SC_NS));
}

TEST_CASE("mini-os driver pays nothing for a digest that chipset overhead covers") {
    auto profile = with_burst(8);
    profile.sts_valid_time = sc_time(600, SC_NS);
    bench b(profile);
    b.cpu.extra = sc_time(500, SC_NS);
    const count c = measure(b, 34, 30, 0x14);
    CHECK(c.sleeps == 0);
    CHECK(c.cycles == 111);
    CHECK(c.elapsed == sc_time(111 * 890, SC_NS));
}
