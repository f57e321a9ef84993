#include "tpm/chips/duration.h"

#include <array>
#include <bit>
#include <span>

namespace vtwin::tpm {

namespace {

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

constexpr unsigned uniforms = 12;                         // variance of their sum: 12 * (1/12) = 1
constexpr std::uint64_t ln2_q64 = 0xB17217F7D1CF79ABULL;  // ln 2 * 2^64, rounded down

template <std::size_t Size>
std::uint64_t little_endian(std::span<const std::byte, Size> data) {
    std::uint64_t value = 0;
    for (std::size_t i = data.size(); i-- > 0;) {
        value = value << 8 | std::to_integer<std::uint64_t>(data[i]);
    }
    return value;
}

// Standard normal deviate in units of 2^-32.
std::int64_t normal_q32(entropy_if& chance) {
    std::array<std::byte, uniforms * 4> drawn{};
    chance.fill(drawn);
    std::int64_t sum = 0;
    for (unsigned i = 0; i < uniforms; ++i) {
        sum += static_cast<std::int64_t>(little_endian(std::span<const std::byte>(drawn).subspan(i * 4, 4)));
    }
    // The mean of one uniform is (2^32 - 1) / 2.
    return sum - static_cast<std::int64_t>(uniforms / 2) * 0xFFFFFFFFLL;
}

std::uint64_t exponential_q32(entropy_if& chance) {
    std::array<std::byte, 8> drawn{};
    chance.fill(drawn);
    const std::uint64_t x = little_endian(std::span<const std::byte>(drawn));
    return minus_ln_q32(x == 0 ? 1 : x);
}

// log2(x) in units of 2^-32: integer part by position, fraction bit by bit (squaring the mantissa doubles its
// log).
std::uint64_t log2_q32(std::uint64_t x) {
    const unsigned integer = static_cast<unsigned>(std::bit_width(x)) - 1;
    std::uint64_t mantissa = x << (63 - integer);  // 1.63 fixed point, in [1, 2)
    std::uint64_t fraction = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const uint128 square = static_cast<uint128>(mantissa) * mantissa;  // 2.126
        if (static_cast<std::uint64_t>(square >> 127) != 0) {
            fraction |= std::uint64_t{1} << bit;
            mantissa = static_cast<std::uint64_t>(square >> 64);
        } else {
            mantissa = static_cast<std::uint64_t>(square >> 63);
        }
    }
    return (std::uint64_t{integer} << 32) | fraction;
}

sc_core::sc_time from_ticks(int128 ticks) {
    return sc_core::sc_time::from_value(ticks < 0 ? 0 : static_cast<std::uint64_t>(ticks));
}

}  // namespace

std::uint64_t minus_ln_q32(std::uint64_t x) {
    const std::uint64_t minus_log2 = (std::uint64_t{64} << 32) - log2_q32(x);
    return static_cast<std::uint64_t>((static_cast<uint128>(minus_log2) * ln2_q64) >> 64);
}

sc_core::sc_time sample(const duration_model& model, entropy_if& chance) {
    const auto base = static_cast<int128>(model.base.value());
    const auto scale = static_cast<int128>(model.scale.value());
    switch (model.kind) {
        case duration_model::shape::constant:
            return model.base;
        case duration_model::shape::gaussian:
            return from_ticks(base + ((scale * normal_q32(chance)) >> 32));
        case duration_model::shape::gamma2: {
            const std::uint64_t first = exponential_q32(chance);
            const std::uint64_t second = exponential_q32(chance);
            return from_ticks(base + ((scale * static_cast<int128>(first + second)) >> 32));
        }
    }
    return model.base;
}

sc_core::sc_time sample(const chip_profile& profile, std::uint32_t ordinal, entropy_if& chance) {
    const auto found = profile.durations.find(ordinal);
    return sample(found == profile.durations.end() ? profile.default_duration : found->second, chance);
}

}  // namespace vtwin::tpm
