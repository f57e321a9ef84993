// What several tests of the TPM part share: hexadecimal text, a small seeded stream, an engine with its
// surroundings.
#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>

#include "tpm/engine/libtpms_engine.h"

namespace vtwin::tpm::test {

/// "00c1 0000000a" as bytes; blanks are skipped.
inline bytes from_hex(std::string_view text) {
    bytes result;
    int high = -1;
    for (const char c : text) {
        if (c == ' ')
            continue;
        const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        if (high < 0) {
            high = digit;
        } else {
            result.push_back(std::byte(high << 4 | digit));
            high = -1;
        }
    }
    return result;
}

inline std::string to_hex(byte_view data) {
    std::string text;
    for (const std::byte octet : data)
        text += fmt::format("{:02x}", static_cast<unsigned>(octet));
    return text;
}

/// SplitMix64 as a byte stream: enough for tests, nothing for secrets.
class seeded_entropy final : public entropy_if {
  public:
    explicit seeded_entropy(std::uint64_t seed) : m_state(seed) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& octet : out) {
            std::uint64_t z = m_state += 0x9E3779B97F4A7C15;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
            z = (z ^ z >> 27) * 0x94D049BB133111EB;
            octet = std::byte((z ^ z >> 31) & 0xFF);
            ++m_drawn;
        }
    }
    std::uint64_t drawn() const { return m_drawn; }

  private:
    std::uint64_t m_state;
    std::uint64_t m_drawn = 0;
};

/// An engine with its own seed and a clock that the test sets.
struct bench_tpm {
    bench_tpm(libtpms_host& host, family version, std::uint64_t seed)
        : entropy(seed),
          engine(host, {fmt::format("tpm{}", seed), version, 4096}, entropy, [this] { return now_ns; }) {
        engine.power_cycle();
    }
    std::string operator()(std::string_view command, std::uint8_t locality = 0) {
        return to_hex(engine.execute(from_hex(command), locality));
    }

    std::uint64_t now_ns = 0;
    seeded_entropy entropy;
    libtpms_engine engine;
};

inline constexpr std::string_view startup_12 = "00c1 0000000c 00000099 0001";
inline constexpr std::string_view startup_20 = "8001 0000000c 00000144 0000";
inline constexpr std::string_view pcr_read_12_pcr10 = "00c1 0000000e 00000015 0000000a";
inline constexpr std::string_view get_random_12 = "00c1 0000000e 00000046 00000010";
inline constexpr std::string_view get_random_20 = "8001 0000000c 0000017b 0010";
/// TPM_CreateEndorsementKeyPair: RSA 2048, OAEP, no signature scheme; anti-replay nonce zero.
inline constexpr std::string_view create_ek_12 =
    "00c1 00000036 00000078 0000000000000000000000000000000000000000"
    "00000001 0003 0001 0000000c 00000800 00000002 00000000";
/// TPM2_PCR_Read of SHA-1 PCR 10.
inline constexpr std::string_view pcr_read_20_pcr10 = "8001 00000014 0000017e 00000001 0004 03 000400";

}  // namespace vtwin::tpm::test
