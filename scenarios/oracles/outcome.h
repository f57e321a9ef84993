// What a run with faults came to: classes, violations, and the record from which both follow.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

namespace vtwin::scenario {

/// One per run; the worst that applies.
enum class outcome_class : std::uint8_t {
    not_activated,  ///< O0: no fault began
    masked,         ///< O1: everything observable equals the run without faults, times included
    corrected,      ///< O2: only times and retries differ; every command has the result it should have
    detected_safe,  ///< O3: an error, refusal or controlled stop reached the right party; no invariant broken
    degraded,       ///< O4: service lost, for the faulted vTPM only or with notice
    hang,           ///< O5: a deadline missed, an endless loop
    silent_corruption,   ///< O6: a wrong result or state and no error, silent re-provisioning included
    security_violation,  ///< O7
    simulator_failure,   ///< O8: the twin itself is broken; the run is void
};
inline constexpr std::size_t outcome_classes = 9;
std::string_view code_of(outcome_class which);  ///< "O6"
std::string_view name_of(outcome_class which);  ///< "silent corruption"

/// An invariant that did not hold.
struct violation {
    std::string invariant;  ///< "I-A3"
    outcome_class worst = outcome_class::simulator_failure;
    sc_core::sc_time at;
    std::string subject;  ///< the domain, vTPM or wire concerned
    std::string text;     ///< a sentence
};

/// One thing that happened, for explanations and for comparison with the run without faults.
struct history_line {
    sc_core::sc_time at;
    std::string who;
    std::string text;
    bool error = false;  ///< somebody said that something is wrong
};

/// What a run left to be judged by; small, comparable, made outside the models.
struct run_record {
    bool finished = false;  ///< every guest came to its end before the time limit
    std::string problem;
    sc_core::sc_time end;
    std::uint64_t faults_begun = 0;
    std::string exact;    ///< digest over everything observable with its times
    std::string results;  ///< digest over results only: per guest the commands and codes after retries,
                          ///< verdicts, identities, final PCRs
    std::map<std::string, std::string> facts;  ///< named results behind `results`, e.g. "guest1.verdict"
    std::vector<violation> violations;         ///< in order of time
    std::vector<history_line> history;
};

struct outcome {
    outcome_class worst = outcome_class::simulator_failure;
    std::vector<violation> violations;  ///< those that the run without faults does not have, worst first
    std::string summary;                ///< one sentence
};

/// Compares a run with the one without faults.
outcome judge(const run_record& golden, const run_record& run);

}  // namespace vtwin::scenario
