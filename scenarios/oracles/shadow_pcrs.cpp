#include "scenarios/oracles/shadow_pcrs.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>

#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t digest_octets = 20;
constexpr std::uint16_t start_clear = 1;

}  // namespace

std::string shadow_pcrs::follow(const seen::execution& what) {
    if (!succeeded(what.response))
        return "";
    switch (code_of(what.command)) {
        case ordinal::extend:
            return extended(body_of(what.command), body_of(what.response));
        case ordinal::pcr_read:
            return read(body_of(what.command), body_of(what.response));
        case ordinal::pcr_reset:
            reset(body_of(what.command));
            return "";
        case ordinal::startup:
            if (number_at(what.command, 10, 2) == start_clear)
                started();
            else
                forget();
            return "";
        case ordinal::sha1_complete_extend:
            if (const auto pcr = number_at(what.command, 10, 4); pcr < count)
                m_pcrs[pcr].reset();
            return "";
        default:
            return "";
    }
}

/// TPM_Startup(ST_CLEAR): PCR 0 to 16 and 23 are zero, those of a dynamic launch are all ones.
void shadow_pcrs::started() {
    constexpr std::size_t first_dynamic = 17, last_dynamic = 22;
    for (std::size_t pcr = 0; pcr < count; ++pcr) {
        const bool ones = pcr >= first_dynamic && pcr <= last_dynamic;
        m_pcrs[pcr].emplace().fill(ones ? std::byte{0xFF} : std::byte{0});
    }
}

/// pcrSelection: size, then a bit per PCR. What a reset gives depends on the locality: learn it at the next
/// read.
void shadow_pcrs::reset(tpm::byte_view command) {
    for (std::size_t pcr = 0; pcr < count; ++pcr)
        if (pcr / 8 + 2 < command.size() &&
            (std::to_integer<unsigned>(command[2 + pcr / 8]) >> pcr % 8 & 1) != 0)
            m_pcrs[pcr].reset();
}

std::string shadow_pcrs::compare(std::size_t pcr, const value& expected, tpm::byte_view seen,
                                 std::string_view verb) {
    value now;
    std::ranges::copy(seen, now.begin());
    const bool known = m_pcrs[pcr].has_value();
    m_pcrs[pcr] = now;
    return !known || expected == now
               ? ""
               : fmt::format("PCR {} {} a value that its extends do not give", pcr, verb);
}

std::string shadow_pcrs::extended(tpm::byte_view command, tpm::byte_view response) {
    const auto pcr = number_at(command, 0, 4);
    if (pcr >= count || command.size() < 4 + digest_octets || response.size() < digest_octets)
        return "";
    std::array<unsigned char, 2 * digest_octets> both{};
    value expected{};
    if (m_pcrs[pcr]) {
        const auto digest = command.subspan(4, digest_octets);
        std::transform(m_pcrs[pcr]->begin(), m_pcrs[pcr]->end(), both.begin(),
                       [](std::byte octet) { return std::to_integer<unsigned char>(octet); });
        std::transform(digest.begin(), digest.end(), both.begin() + digest_octets,
                       [](std::byte octet) { return std::to_integer<unsigned char>(octet); });
        SHA1(both.data(), both.size(), reinterpret_cast<unsigned char*>(expected.data()));
    }
    return compare(pcr, expected, response.first(digest_octets), "took on");
}

std::string shadow_pcrs::read(tpm::byte_view command, tpm::byte_view response) {
    const auto pcr = number_at(command, 0, 4);
    if (pcr >= count || response.size() < digest_octets)
        return "";
    return compare(pcr, m_pcrs[pcr].value_or(value{}), response.first(digest_octets), "shows");
}

}  // namespace vtwin::scenario
