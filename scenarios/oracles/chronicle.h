// The history of a run in sentences, its digests, and its results by name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/oracles/events.h"
#include "scenarios/oracles/outcome.h"
#include "scenarios/oracles/running_digest.h"
#include "scenarios/oracles/scene.h"

namespace vtwin::scenario {

/// Hears the same events as the oracles.
class chronicle {
  public:
    explicit chronicle(const scene& who) : m_who(who) {}

    void hear(const seen::ring_page& what);
    void hear(const seen::page_state& what);
    void hear(const seen::foreign_store&) {}
    void hear(const seen::submission& what);
    void hear(const seen::answer& what);
    void hear(const seen::execution& what);
    void hear(const seen::tpm_power& what);
    void hear(const seen::launch&) {}
    void hear(const seen::state_taken& what);
    void hear(const seen::state_given& what);
    void hear(const seen::guest_command& what);
    void hear(const seen::guest_asks& what);
    void hear(const seen::grant_mapping& what);
    void hear(const seen::event_bit& what);
    void hear(const seen::store_message& what);
    void hear(const seen::disk_done& what);
    void hear(const seen::domain_life& what);
    void hear(const seen::log_line& what);
    void hear(const seen::tis_change&) {}
    void hear(const seen::chip_answer& what);
    void hear(const seen::bus_byte&) {}
    void hear(const seen::appraisal& what);
    void hear(const seen::no_progress&) {}
    void hear(const seen::run_end& what);

    void say(const sc_core::sc_time& at, std::string_view who, std::string text, bool error = false);
    /// A guest's attestation came to its end; `problem` when there is no verdict.
    void attested(std::string_view guest, bool completed, bool trusted, const std::string& detail);

    /// Named results. Facts whose name ends in ".ek" are chance: they identify, but do not count as results.
    std::map<std::string, std::string> facts() const;
    std::string exact() const { return m_exact.text(); }
    static std::string results_of(const std::map<std::string, std::string>& facts);
    std::vector<history_line>& history() { return m_history; }

  private:
    /// What a Linux kernel was told, retries folded.
    struct done {
        std::uint32_t ordinal = 0;
        std::int64_t code = 0;
    };
    enum class kind : std::uint8_t;
    running_digest& note(kind what, const sc_core::sc_time& at, std::string_view who);

    const scene& m_who;
    running_digest m_exact;
    std::vector<history_line> m_history;
    std::map<std::string, std::vector<done>, std::less<>> m_commands;
    std::map<std::string, std::string, std::less<>> m_verdicts, m_life, m_identity;
    std::map<std::string, unsigned, std::less<>> m_made;
    std::map<std::string, bool, std::less<>> m_recorded;
};

}  // namespace vtwin::scenario
