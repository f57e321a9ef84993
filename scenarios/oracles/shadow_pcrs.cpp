#include "scenarios/oracles/shadow_pcrs.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t digest_octets = 20;
constexpr std::size_t first_launch_pcr = 17, last_launch_pcr = 22;
constexpr std::uint16_t start_clear = 1, start_clear20 = 0;
constexpr std::uint16_t tag20 = 0x8001, tag20_sessions = 0x8002, sha1_bank = 0x0004, sha256_bank = 0x000B;

/// SHA-1 or SHA-256 of old value and digest, by the size of the value.
tpm::bytes fold(const tpm::bytes& old_value, tpm::byte_view digest) {
    tpm::bytes both = old_value, out(old_value.size());
    both.insert(both.end(), digest.begin(), digest.end());
    const auto* from = reinterpret_cast<const unsigned char*>(both.data());
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    if (out.size() == digest_octets)
        SHA1(from, both.size(), to);
    else
        SHA256(from, both.size(), to);
    return out;
}

bool is20(tpm::byte_view command) {
    return tag_of(command) == tag20 || tag_of(command) == tag20_sessions;
}

/// What stands behind one handle and the session area; empty when that does not fit.
tpm::byte_view parameters20(tpm::byte_view command) {
    constexpr std::size_t sessions_at = 14, first = 18;
    const auto skipped = first + number_at(command, sessions_at, 4);
    return skipped <= command.size() ? command.subspan(skipped) : tpm::byte_view{};
}

}  // namespace

std::string shadow_pcrs::follow(const seen::execution& what) {
    if (!succeeded(what.response))
        return "";
    if (is20(what.command))
        return follow20(what);
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
                started(digest_octets);
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

std::string shadow_pcrs::follow20(const seen::execution& what) {
    switch (code_of(what.command)) {
        case ordinal::pcr_extend20:
            extended20(what.command);
            return "";
        case ordinal::pcr_read20:
            return read20(body_of(what.response));
        case ordinal::startup20:
            if (number_at(what.command, 10, 2) == start_clear20)
                started(digest20_octets);
            else
                forget();
            return "";
        case ordinal::pcr_reset20:
        case ordinal::pcr_event20:
        case ordinal::event_sequence_complete20:
            if (const auto pcr = number_at(what.command, 10, 4); pcr < count)
                m_pcrs[pcr].reset();
            return "";
        default:
            return "";
    }
}

/// TPML_DIGEST_VALUES; with an algorithm of another size nothing is known of the PCR any more.
void shadow_pcrs::extended20(tpm::byte_view command) {
    const auto pcr = number_at(command, 10, 4);
    if (pcr >= count)
        return;
    const auto list = parameters20(command);
    const auto digests = number_at(list, 0, 4);
    std::size_t at = 4;
    for (std::uint64_t i = 0; i < digests; ++i) {
        const auto bank = number_at(list, at, 2);
        const std::size_t size = bank == sha1_bank     ? digest_octets
                                 : bank == sha256_bank ? digest20_octets
                                                       : 0;
        if (size == 0 || at + 2 + size > list.size()) {
            m_pcrs[pcr].reset();
            return;
        }
        if (bank == sha256_bank && m_pcrs[pcr])
            m_pcrs[pcr] = fold(*m_pcrs[pcr], list.subspan(at + 2, size));
        at += 2 + size;
    }
}

/// Update counter, one selection of the SHA-256 bank, its values. Other banks are not followed.
std::string shadow_pcrs::read20(tpm::byte_view response) {
    constexpr std::size_t selections_at = 4, bank_at = 8, map_at = 11, map_size = 3, digests_at = 14;
    if (number_at(response, selections_at, 4) != 1 || number_at(response, bank_at, 2) != sha256_bank ||
        number_at(response, bank_at + 2, 1) != map_size)
        return "";
    std::size_t at = digests_at + 4;
    for (std::size_t pcr = 0; pcr < count; ++pcr) {
        if ((number_at(response, map_at + pcr / 8, 1) >> pcr % 8 & 1) == 0)
            continue;
        if (number_at(response, at, 2) != digest20_octets || at + 2 + digest20_octets > response.size())
            return "";
        const auto seen = response.subspan(at + 2, digest20_octets);
        if (auto difference = compare(pcr, m_pcrs[pcr].value_or(value{}), seen, "shows"); !difference.empty())
            return difference;
        at += 2 + digest20_octets;
    }
    return "";
}

tpm::byte_view shadow_pcrs::quoted_nonce(const seen::execution& what) {
    constexpr std::size_t external_at = 10 + 4;
    if (!succeeded(what.response))
        return {};
    const auto code = code_of(what.command);
    if ((code == ordinal::quote || code == ordinal::quote2) &&
        what.command.size() >= external_at + digest_octets)
        return what.command.subspan(external_at, digest_octets);
    if (!is20(what.command) || code != ordinal::quote20)
        return {};
    const auto parameters = parameters20(what.command);
    const auto size = number_at(parameters, 0, 2);
    return 2 + size <= parameters.size() ? parameters.subspan(2, size) : tpm::byte_view{};
}

void shadow_pcrs::forget() {
    m_pcrs.fill(std::nullopt);
    m_launched = false;
}

void shadow_pcrs::launched() {
    for (std::size_t pcr = first_launch_pcr; pcr <= last_launch_pcr; ++pcr)
        m_pcrs[pcr].reset();
    m_launched = true;
}

/// TPM_Startup(ST_CLEAR), TPM2_Startup(CLEAR): PCR 0 to 16 and 23 are zero, those of a dynamic launch are all
/// ones.
void shadow_pcrs::started(std::size_t octets) {
    for (std::size_t pcr = 0; pcr < count; ++pcr) {
        const bool ones = pcr >= first_launch_pcr && pcr <= last_launch_pcr;
        m_pcrs[pcr] = value(octets, ones ? std::byte{0xFF} : std::byte{0});
    }
    if (m_launched && octets == digest20_octets)
        m_pcrs[0].reset();
    m_launched = false;
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
    value now(seen.begin(), seen.end());
    const bool known = m_pcrs[pcr].has_value();
    m_pcrs[pcr] = std::move(now);
    return !known || expected == *m_pcrs[pcr]
               ? ""
               : fmt::format("PCR {} {} a value that its extends do not give", pcr, verb);
}

std::string shadow_pcrs::extended(tpm::byte_view command, tpm::byte_view response) {
    const auto pcr = number_at(command, 0, 4);
    if (pcr >= count || command.size() < 4 + digest_octets || response.size() < digest_octets)
        return "";
    value expected;
    if (m_pcrs[pcr])
        expected = fold(*m_pcrs[pcr], command.subspan(4, digest_octets));
    return compare(pcr, expected, response.first(digest_octets), "took on");
}

std::string shadow_pcrs::read(tpm::byte_view command, tpm::byte_view response) {
    const auto pcr = number_at(command, 0, 4);
    if (pcr >= count || response.size() < digest_octets)
        return "";
    return compare(pcr, m_pcrs[pcr].value_or(value{}), response.first(digest_octets), "shows");
}

}  // namespace vtwin::scenario
