// From a run that fails to the least that fails the same way: fewer faults, simpler ones, fewer guests, fewer
// commands, an earlier end. Delta debugging (Zeller and Hildebrandt, TSE 2002) over faults, then greedy
// steps.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/faults/fault.h"
#include "scenarios/oracles/outcome.h"
#include "scenarios/schema/reader.h"

namespace vtwin::scenario {

/// A scenario as changes to another one.
struct reduced_scenario {
    std::string base;                    ///< name of the library, or a path
    std::vector<std::string> without;    ///< sections of the base
    std::vector<override_text> changes;  ///< key and value as TOML has it
    std::vector<fault> faults;
};

/// What has to happen again: the class, and the first invariant when one was broken.
struct failure {
    outcome_class worst = outcome_class::simulator_failure;
    std::string invariant;
    bool operator==(const failure&) const = default;
};
failure failure_of(const outcome& what);

/// The file: what is at its default is left out.
std::string print_scenario(const reduced_scenario& what, const failure& how);
/// Lines of it that are not blank.
std::size_t lines_of(const std::string& text);

/// What the base has that may be left out or made smaller.
struct shrinkable_parts {
    struct guest {
        std::string name, vtpm;
        bool measures_files = false;
        std::uint64_t attestations = 0;
    };
    std::vector<guest> guests;
    std::vector<std::string> expectations;  ///< guests with a table [expect.<name>]
};

class shrinker {
  public:
    /// Runs a scenario text and says how it fails; nullopt when it does not, or is no scenario.
    using attempt = std::function<std::optional<failure>(const std::string& text)>;
    /// Told each accepted step: what was done, and the lines that are left.
    using listener = std::function<void(const std::string& step, std::size_t lines)>;

    shrinker(shrinkable_parts parts, failure goal, attempt attempt, listener listener);

    /// `start` must fail as `goal` says. Steps that make the run smaller and the file longer are taken while
    /// it has not more than `most_lines`.
    reduced_scenario shrink(reduced_scenario start, std::size_t most_lines = 10);
    std::size_t attempts() const { return m_attempts; }

  private:
    bool fails(const reduced_scenario& candidate);
    bool accept(reduced_scenario& current, reduced_scenario candidate, const std::string& step);
    void fewer_faults(reduced_scenario& current);
    void fewer_changes(reduced_scenario& current);
    void fewer_guests(reduced_scenario& current);
    void fewer_commands(reduced_scenario& current, std::size_t most_lines);
    void simpler_fault(reduced_scenario& current, std::size_t which);
    void sooner(reduced_scenario& current, std::size_t which);

    shrinkable_parts m_parts;
    failure m_goal;
    attempt m_attempt;
    listener m_listener;
    std::size_t m_attempts = 0;
};

}  // namespace vtwin::scenario
