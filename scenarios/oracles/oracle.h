// An invariant with its checker: small classes that hear events and say what was violated.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "scenarios/oracles/events.h"
#include "scenarios/oracles/outcome.h"
#include "scenarios/oracles/scene.h"

namespace vtwin::scenario {

using sc_core::sc_time;
class oracle;

/// A row of the registry.
struct invariant {
    std::string_view id;          ///< "I-A3"
    std::string_view subsection;  ///< "identity and authority"
    std::string_view statement;   ///< what must hold
    outcome_class when_violated;
    std::unique_ptr<oracle> (*make)(const scene& who);
};
/// All invariants that are checked, by subsection.
const std::vector<invariant>& all_invariants();
const invariant* find_invariant(std::string_view id);

/// What an oracle listens to: it derives from `hears<E>` for each kind of event.
template <typename Event>
class hears {
  public:
    virtual void hear(const Event& what) = 0;

  protected:
    ~hears() = default;
};

class oracle {
  public:
    virtual ~oracle() = default;

  protected:
    /// Only the first violation per subject is kept.
    void violated(const sc_core::sc_time& at, std::string_view subject, std::string text);

  private:
    friend class oracle_set;
    const invariant* m_row = nullptr;
    std::vector<violation>* m_out = nullptr;
    std::set<std::string, std::less<>> m_subjects;
};

template <typename Type>
std::unique_ptr<oracle> make_oracle(const scene& who) {
    return std::make_unique<Type>(who);
}

/// Oracles of one run. Events go only to those who listen to them.
class oracle_set {
  public:
    oracle_set() = default;
    oracle_set(const oracle_set&) = delete;
    oracle_set& operator=(const oracle_set&) = delete;

    /// The scene must outlive the set.
    void add(const invariant& row, const scene& who);
    void add_all(const scene& who);

    template <typename Event>
    void tell(const Event& what) {
        for (auto* each : std::get<listeners<Event>>(m_listeners))
            each->hear(what);
    }
    const std::vector<violation>& violations() const { return m_violations; }

  private:
    template <typename Event>
    using listeners = std::vector<hears<Event>*>;
    template <typename Event>
    void listen(oracle& who) {
        if (auto* listener = dynamic_cast<hears<Event>*>(&who))
            std::get<listeners<Event>>(m_listeners).push_back(listener);
    }
    template <typename... Events>
    void listen_to_all(oracle& who, const std::tuple<listeners<Events>...>*) {
        (listen<Events>(who), ...);
    }

    std::vector<std::unique_ptr<oracle>> m_oracles;
    std::tuple<listeners<seen::ring_page>, listeners<seen::page_state>, listeners<seen::foreign_store>,
               listeners<seen::submission>, listeners<seen::answer>, listeners<seen::execution>,
               listeners<seen::tpm_power>, listeners<seen::launch>, listeners<seen::state_taken>,
               listeners<seen::state_given>, listeners<seen::guest_command>, listeners<seen::guest_asks>,
               listeners<seen::grant_mapping>, listeners<seen::event_bit>, listeners<seen::store_message>,
               listeners<seen::disk_done>, listeners<seen::domain_life>, listeners<seen::log_line>,
               listeners<seen::tis_change>, listeners<seen::chip_answer>, listeners<seen::bus_byte>,
               listeners<seen::appraisal>, listeners<seen::no_progress>, listeners<seen::run_end>>
        m_listeners;
    std::vector<violation> m_violations;
};

// ---- the rows of each subsection, one file each
std::vector<invariant> confidentiality_invariants();
std::vector<invariant> identity_invariants();
std::vector<invariant> freshness_invariants();
std::vector<invariant> durability_invariants();
std::vector<invariant> tpmif_protocol_invariants();
std::vector<invariant> plumbing_invariants();
std::vector<invariant> tis_and_attestation_invariants();
std::vector<invariant> liveness_invariants();

}  // namespace vtwin::scenario
