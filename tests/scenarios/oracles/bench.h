// One oracle alone with events made by hand.
#pragma once

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <vector>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"

namespace vtwin::scenario::test {

using seen::bytes;
using life = seen::domain_life::what;
using power = seen::tpm_power::what;

inline sc_core::sc_time s(double value) {
    return {value, sc_core::SC_SEC};
}

inline bytes octets(std::initializer_list<unsigned> values) {
    bytes made;
    for (const auto value : values)
        made.push_back(static_cast<std::byte>(value));
    return made;
}
inline bytes operator+(bytes left, const bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}
inline bytes filled(std::size_t size, unsigned value) {
    return bytes(size, static_cast<std::byte>(value));
}
inline bytes big(std::uint64_t value, std::size_t size) {
    bytes made(size);
    for (std::size_t i = size; i-- > 0; value >>= 8)
        made[i] = static_cast<std::byte>(value);
    return made;
}
/// A TPM packet: tag, its own size, ordinal or result, body.
inline bytes packet(unsigned tag, std::uint32_t code, const bytes& body = {}) {
    return big(tag, 2) + big(10 + body.size(), 4) + big(code, 4) + body;
}
/// TPM_Extend, for who looks at its ordinal only.
inline const bytes bare_extend = packet(0xC1, 0x14);
inline bytes ok(const bytes& body = {}) {
    return packet(0xC4, 0, body);
}
inline bytes refused(std::uint32_t code) {
    return packet(0xC4, code);
}

/// The manager "mgr", the administrator's vTPM "v0", vTPMs "v1" and "v2" of the guests "g1" and "g2".
inline scene small_scene() {
    scene made;
    made.manager = "mgr";
    made.administrator = "v0";
    for (const char* name : {"v0", "v1", "v2"})
        made.vtpms[name] = {std::string(16, name[1]), 4096, false};
    made.guests["g1"] = {"v1", false};
    made.guests["g2"] = {"v2", true};
    return made;
}

class oracle_bench {
  public:
    explicit oracle_bench(const char* id, scene who = small_scene()) : m_scene(std::move(who)), m_id(id) {
        const auto* row = find_invariant(id);
        REQUIRE(row != nullptr);
        m_set.add(*row, m_scene);
    }

    template <typename Event>
    oracle_bench& operator<<(const Event& what) {
        m_set.tell(what);
        return *this;
    }
    /// A frontend's command and its backend's answer.
    oracle_bench& exchange(double at, const char* ring, const char* back, const bytes& command,
                           const bytes& response) {
        *this << seen::submission{s(at), ring, back, command, static_cast<std::uint32_t>(command.size()), 0};
        *this << seen::answer{s(at),   ring,     back,
                              command, response, static_cast<std::uint32_t>(response.size())};
        return *this;
    }
    /// A vTPM saves a record: hash and key are filled with these octets.
    oracle_bench& save(double at, const char* vtpm, unsigned hash, unsigned key,
                       const bytes& response = packet(0x1C4, 0)) {
        return exchange(at, vtpm, "mgr", packet(0x1C1, 1, filled(20, hash) + filled(32, key)), response);
    }
    oracle_bench& load(double at, const char* vtpm, unsigned hash, unsigned key) {
        return exchange(at, vtpm, "mgr", packet(0x1C1, 2),
                        packet(0x1C4, 0, filled(20, hash) + filled(32, key)));
    }

    bool quiet() const { return m_set.violations().empty(); }
    /// Exactly one violation, of this bench's invariant, about `subject`.
    bool caught(const std::string& subject) const {
        const auto& all = m_set.violations();
        return all.size() == 1 && all[0].invariant == m_id && all[0].subject == subject &&
               all[0].worst == find_invariant(m_id)->when_violated && !all[0].text.empty();
    }
    /// When it was violated.
    sc_core::sc_time when() const { return m_set.violations().at(0).at; }

  private:
    scene m_scene;
    const char* m_id;
    oracle_set m_set;
};

}  // namespace vtwin::scenario::test
