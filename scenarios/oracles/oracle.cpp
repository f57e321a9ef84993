#include "scenarios/oracles/oracle.h"

#include <algorithm>

namespace vtwin::scenario {

const std::vector<invariant>& all_invariants() {
    static const auto all = [] {
        std::vector<invariant> rows;
        for (auto part : {confidentiality_invariants(), identity_invariants(), freshness_invariants(),
                          durability_invariants(), tpmif_protocol_invariants(), plumbing_invariants(),
                          tis_and_attestation_invariants(), liveness_invariants()})
            rows.insert(rows.end(), part.begin(), part.end());
        return rows;
    }();
    return all;
}

const invariant* find_invariant(std::string_view id) {
    const auto found = std::ranges::find(all_invariants(), id, &invariant::id);
    return found == all_invariants().end() ? nullptr : &*found;
}

void oracle::violated(const sc_core::sc_time& at, std::string_view subject, std::string text) {
    if (!m_subjects.insert(std::string(subject)).second)
        return;
    m_out->push_back(
        {std::string(m_row->id), m_row->when_violated, at, std::string(subject), std::move(text)});
}

void oracle_set::add(const invariant& row, const scene& who) {
    m_oracles.push_back(row.make(who));
    auto& made = *m_oracles.back();
    made.m_row = &row;
    made.m_out = &m_violations;
    listen_to_all(made, &m_listeners);
}

void oracle_set::add_all(const scene& who) {
    for (const auto& row : all_invariants())
        add(row, who);
}

}  // namespace vtwin::scenario
