// A host that does anything at all: the device keeps its invariants and the engine sees only what fits its
// buffer.
#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

/// Random accesses with a bias towards registers that do something.
class mischief {
  public:
    explicit mischief(std::uint64_t seed) : m_stream(seed) {}
    std::uint32_t below(std::uint32_t bound) {
        std::array<std::byte, 4> raw{};
        m_stream.fill(raw);
        std::uint32_t value = 0;
        std::memcpy(&value, raw.data(), raw.size());
        return value % bound;
    }
    std::uint32_t address() {
        static constexpr std::uint16_t likely[] = {0x000, 0x008, 0x00C, 0x010, 0x018, 0x018, 0x01B,
                                                   0x024, 0x024, 0x024, 0x080, 0x020, 0x028, 0x030};
        const std::uint32_t offset = below(8) == 0 ? below(0x1000) : likely[below(std::size(likely))];
        return below(5) << 12 | offset;
    }
    std::uint32_t value() {
        static constexpr std::uint32_t likely[] = {0x02, 0x20, 0x08, 0x10, 0x40, 0x00, 0x0B, 0x01};
        return below(4) == 0 ? below(0xFFFFFFFF) : likely[below(std::size(likely))];
    }

  private:
    splitmix m_stream;
};

/// Some legal steps of the owner towards a command of 12 bytes, so that the accesses around it meet every
/// state.
void proceed(bench& b, unsigned steps) {
    const int owner = b.tpm.snapshot().active_locality;
    if (owner < 0) {
        return;
    }
    const std::uint32_t page = static_cast<std::uint32_t>(owner) << 12;
    const bytes command = request(12, 0x14);
    b.cpu.write(page + tis_device::sts, 0x40);
    b.cpu.read(page + tis_device::sts, 4);
    b.cpu.read(page + tis_device::sts, 4);
    for (unsigned i = 0; i < steps && i < 12; ++i) {
        b.cpu.write(page + tis_device::data_fifo, std::to_integer<std::uint32_t>(command[i]));
    }
    if (steps > 11) {
        b.cpu.write(page + tis_device::sts, 0x20);
    }
}

}  // namespace

TEST_CASE("tis device keeps its invariants under arbitrary accesses") {
    auto profile = plain_profile();
    profile.version = family::tpm20;
    profile.interface_id = 0x2100;
    profile.buffer_size = 24;
    profile.sts_valid_time = sc_time(500, SC_NS);
    profile.command_ready_time = sc_time(2, SC_US);
    profile.abort_time = sc_time(3, SC_US);
    profile.default_duration = {
        .kind = duration_model::shape::gaussian, .base = sc_time(20, SC_US), .scale = sc_time(5, SC_US)};
    bench b(profile);
    mischief m(7);
    REQUIRE(b.run([&] {
        for (int i = 0; i < 60000; ++i) {
            const unsigned width = 1u << m.below(3);
            const std::uint32_t address = m.address();
            switch (m.below(16)) {
                case 0:
                    b.cpu.special(address, m.value(), width);
                    break;
                case 1:
                case 2:
                case 3:
                    b.cpu.read(address, width);
                    break;
                case 4:
                    if (m.below(200) == 0) {
                        b.tpm.reset();
                    }
                    break;
                case 5:
                case 6:
                    proceed(b, m.below(14));
                    break;
                default:
                    b.cpu.write(address, m.value(), width);
            }
            b.engine.next_reply = reply(6 + m.below(30));
        }
    }));
    int wrong = 0;
    sc_time last;
    for (const auto& state : b.states.seen) {
        int owners = 0;
        for (int l = 0; l < 5; ++l) {
            const bool owner = (state.access[l] & 0x20) != 0;
            owners += owner;
            wrong += owner && state.active_locality != l;
            wrong += owner && (state.access[l] & 0x02) != 0;  // an owner does not wait
            wrong += (state.access[l] & 0x48) != 0;           // Seize and bit 6 read 0
        }
        wrong += owners > 1;
        wrong += state.active_locality != -1 && (state.sts & 0xFB000023) != 0;
        wrong += state.active_locality == -1 && state.sts != 0xFFFFFFFF;
        wrong += state.state == tis_state::fsm::execution && (state.sts & 0xF8) == 0x40;
        wrong += state.at < last;
        last = state.at;
    }
    CHECK(wrong == 0);
    for (const auto& call : b.engine.calls) {
        CHECK(call.command.size() >= 6);
        CHECK(call.command.size() <= 24);
        CHECK(call.locality <= 4);
    }
    // The run must really have been there.
    CHECK(b.engine.calls.size() > 20);
    CHECK(b.commands.seen.size() > 10);
    CHECK(b.commands.seen.size() < b.engine.calls.size());
    CHECK(b.engine.log.find('S') != std::string::npos);
    CHECK(b.engine.log.find('P') != std::string::npos);
}
