// Confidentiality and isolation: where state keys may be seen, and who may see a ring.
#include <algorithm>
#include <array>
#include <bitset>
#include <map>
#include <set>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t hash_octets = 20, key_octets = 32;

/// The key of a vTPM's stored state, on its way to or from the manager; empty when none passes.
tpm::byte_view state_key(const scene& who, const seen::answer& what) {
    if (what.back != who.manager || tag_of(what.request) != tag_vtpm || !succeeded(what.response))
        return {};
    const bool saved = code_of(what.request) == ordinal::save_hash_key;
    const bool loaded = code_of(what.request) == ordinal::load_hash_key;
    const auto body = body_of(saved ? what.request : what.response);
    if ((!saved && !loaded) || body.size() < hash_octets + key_octets)
        return {};
    return body.subspan(hash_octets, key_octets);
}

class rings_are_private final : public oracle, public hears<seen::grant_mapping> {
  public:
    explicit rings_are_private(const scene& who) : m_who(who) {}
    void hear(const seen::grant_mapping& what) override {
        if (m_who.is_backend(what.mapper)) {  // maps nothing but its frontends' rings
            if (what.mapped)
                m_rings[what.frame] = what.mapper;
            else
                m_rings.erase(what.frame);
        }
        const auto ring = m_rings.find(what.frame);
        if (what.mapped && ring != m_rings.end() && ring->second != what.mapper)
            violated(what.at, what.mapper,
                     fmt::format("{} mapped the ring page that {} shares with {}", what.mapper, what.granter,
                                 ring->second));
    }

  private:
    const scene& m_who;
    std::map<std::uint64_t, std::string> m_rings;
};

/// Texts are searched for octets of the key and for their hexadecimal form.
class keys_stay_inside final : public oracle,
                               public hears<seen::answer>,
                               public hears<seen::store_message>,
                               public hears<seen::log_line> {
  public:
    explicit keys_stay_inside(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        const auto key = state_key(m_who, what);
        if (key.empty())
            return;
        const auto start = number_at(key, 0, probe);
        if (start == 0)  // a record that was made but never saved
            return;
        m_keys[start] = what.ring;
        m_first.set(start >> 48);
    }
    void hear(const seen::store_message& what) override { search(what.at, what.payload, "XenStore"); }
    void hear(const seen::log_line& what) override { search(what.at, what.text, "the log"); }

  private:
    static constexpr std::size_t probe = 8;

    void search(const sc_time& at, std::string_view text, std::string_view where) {
        if (m_keys.empty() || text.size() < probe)
            return;
        std::uint64_t octets = 0, nibbles = 0;
        std::size_t digits = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            octets = octets << 8 | static_cast<std::uint8_t>(c);
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            digits = digit < 0 ? 0 : digits + 1;
            nibbles = nibbles << 4 | static_cast<std::uint64_t>(digit < 0 ? 0 : digit);
            if (i + 1 >= probe)
                test(at, octets, where);
            if (digits >= 2 * probe)
                test(at, nibbles, where);
        }
    }
    void test(const sc_time& at, std::uint64_t octets, std::string_view where) {
        if (!m_first.test(octets >> 48))
            return;
        if (const auto found = m_keys.find(octets); found != m_keys.end())
            violated(at, found->second,
                     fmt::format("the key of the stored state of {} stands in {}", found->second, where));
    }

    const scene& m_who;
    std::map<std::uint64_t, std::string> m_keys;  ///< by their first octets
    std::bitset<65536> m_first;                   ///< the first two of them
};

class keys_are_fresh final : public oracle, public hears<seen::answer> {
  public:
    explicit keys_are_fresh(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        const auto key = state_key(m_who, what);
        if (key.empty() || code_of(what.request) != ordinal::save_hash_key)
            return;
        const auto record = digest_of(body_of(what.request));
        const auto [known, fresh] = m_used.try_emplace(text_of_octets(key), record);
        if (!fresh && known->second != record)
            violated(what.at, what.ring,
                     fmt::format("{} encrypted another state with a key that was used before", what.ring));
    }

  private:
    const scene& m_who;
    std::map<std::string, std::uint64_t> m_used;
};

}  // namespace

std::vector<invariant> confidentiality_invariants() {
    constexpr std::string_view part = "confidentiality and isolation";
    using enum outcome_class;
    return {
        {"I-C1", part, "Nobody but its two ends can map the page of a TPM ring.", security_violation,
         make_oracle<rings_are_private>},
        {"I-C2", part, "The key of a stored vTPM state never appears in XenStore or in a log.",
         security_violation, make_oracle<keys_stay_inside>},
        {"I-C5", part, "No two saved states are encrypted with the same key.", security_violation,
         make_oracle<keys_are_fresh>},
    };
}

}  // namespace vtwin::scenario
