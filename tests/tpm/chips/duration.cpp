// Draws of execution times: exact against values computed elsewhere with 60 digits.
#include "tpm/chips/duration.h"

#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

constexpr int draws = 10000;

duration_model model(duration_model::shape kind, sc_time base, sc_time scale) {
    return {kind, base, scale};
}

const duration_model quote =
    model(duration_model::shape::gaussian, sc_time(331, SC_MS), sc_time(1655, SC_US));
const duration_model key = model(duration_model::shape::gamma2, sc_time(2800, SC_MS), sc_time(4550, SC_MS));

std::uint64_t distance(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : b - a;
}

}  // namespace

TEST_CASE("chip duration logarithm is exact to a few units in 2 to the minus 32") {
    const std::pair<std::uint64_t, std::uint64_t> known[] = {
        {1, 190530846196},       {2, 187553801724},
        {3, 185812342345},       {std::uint64_t{1} << 63, 2977044471},
        {0xFFFFFFFFFFFFFFFF, 0}, {0x123456789ABCDEF0, 11353796212}};
    for (const auto& [x, expected] : known) {
        CHECK(distance(minus_ln_q32(x), expected) <= 2);
    }
}

TEST_CASE("chip duration draws are the same for the same seed and use a fixed number of bytes") {
    splitmix first(42), again(42), other(43);
    CHECK(sample(quote, first) == sc_time(327396980729.0, SC_PS));
    CHECK(first.drawn == 48);
    CHECK(sample(quote, again) == sc_time(327396980729.0, SC_PS));
    CHECK(sample(quote, other) != sc_time(327396980729.0, SC_PS));
    splitmix stream(42);
    // 4.55 s * 2^-32 is 1.06 ns a unit.
    CHECK(distance(sample(key, stream).value(), 12501211018248) <= 5000);
    CHECK(stream.drawn == 16);
    CHECK(sample(model(duration_model::shape::constant, sc_time(7, SC_MS), {}), stream) == sc_time(7, SC_MS));
    CHECK(stream.drawn == 16);
}

TEST_CASE("chip duration gaussian has its mean and deviation") {
    splitmix stream(42);
    std::int64_t total = 0;
    double squares = 0;
    for (int i = 0; i < draws; ++i) {
        const auto drawn = static_cast<std::int64_t>(sample(quote, stream).value());
        total += drawn;
        const double deviation = static_cast<double>(drawn - 331000000000) / 1655e6;
        squares += deviation * deviation;
    }
    CHECK(total == 3309937102475447);  // mean 330.994 ms: 0.4 standard errors from 331
    CHECK(squares / draws == Approx(0.99688).epsilon(1e-4));
}

TEST_CASE("chip duration gamma2 has its mean and never undercuts its offset") {
    splitmix stream(42);
    std::uint64_t total = 0;
    sc_time least = sc_core::sc_max_time();
    for (int i = 0; i < draws; ++i) {
        const sc_time drawn = sample(key, stream);
        total += drawn.value();
        least = std::min(least, drawn);
    }
    // 11.834 s: one standard error (64 ms) below base + 2 * scale = 11.9 s.
    CHECK(distance(total / draws, 11833851263544) <= 5000);
    CHECK(least > sc_time(2800, SC_MS));
    CHECK(least < sc_time(3000, SC_MS));
}

TEST_CASE("chip duration is never negative and falls back to the default") {
    chip_profile profile;
    profile.default_duration = model(duration_model::shape::constant, sc_time(4, SC_MS), {});
    profile.durations[0x16] =
        model(duration_model::shape::gaussian, sc_core::SC_ZERO_TIME, sc_time(1, SC_MS));
    splitmix stream(1);
    int zero = 0;
    for (int i = 0; i < 1000; ++i) {
        zero += sample(profile, 0x16, stream) == sc_core::SC_ZERO_TIME;
        REQUIRE(sample(profile, 0x16, stream) < sc_time(6, SC_MS));
    }
    CHECK(zero > 450);
    CHECK(zero < 550);
    CHECK(sample(profile, 0x14, stream) == sc_time(4, SC_MS));
}
