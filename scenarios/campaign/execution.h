// The seam between planning and running: worlds, runs in them, and what became of each.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "scenarios/faults/fault.h"
#include "scenarios/oracles/outcome.h"
#include "scenarios/schema/reader.h"

namespace vtwin::scenario {

/// A world in which runs take place: the campaign's scenario with these changes. All runs of one world share
/// their history until their fault begins.
struct world {
    std::string variant;                   ///< name of the design, "" when the campaign has only one
    std::vector<override_text> overrides;  ///< of the variant
    std::uint64_t seed = 0;
    auto operator<=>(const world& other) const {
        return std::tie(variant, seed) <=> std::tie(other.variant, other.seed);
    }
    bool operator==(const world& other) const { return variant == other.variant && seed == other.seed; }
};

/// One run of a campaign.
struct planned_run {
    std::uint64_t id = 0;   ///< from 1, dense, the same whenever the same campaign is planned
    std::size_t world = 0;  ///< index into the plan's worlds
    std::string stratum;
    std::vector<fault> faults;  ///< checked; none for a null run
};

/// What became of a run. Equal for equal (program, campaign, id), whoever ran it and in what order.
struct finished_run {
    std::uint64_t id = 0;
    outcome result;
    std::uint64_t faults_begun = 0;
    sc_core::sc_time first_begun;  ///< when the first fault began; zero when none did
    sc_core::sc_time end;          ///< simulated
    std::string fingerprint;  ///< hexadecimal digits over everything observable; "" after a simulator failure
};

/// Called with results as they come, in any order.
using result_sink = std::function<void(const finished_run&)>;

/// Runs worlds in processes of their own; the caller never simulates.
class execution_if {
  public:
    virtual ~execution_if() = default;
    /// What the fault-free run of a world shows: how many crossings meet each trigger (its `nth`, chance and
    /// count do not matter), and when it ends.
    struct rehearsal {
        std::vector<std::uint64_t> crossings;
        sc_core::sc_time end;
        outcome result;  ///< O0 or O1 for a sound scenario; else the run breaks an invariant by itself
    };
    virtual rehearsal rehearse(const world& where, const std::vector<trigger>& triggers) = 0;
    /// Runs all of them, `jobs` processes at a time, worlds one after the other or beside each other. A run
    /// that crashes, hangs or eats the memory is a result (O5 or O8). A run without faults is judged by
    /// itself: it must repeat to the byte and break no invariant. `sink` may throw to stop everything: all
    /// processes are ended before the exception goes on.
    virtual void run(const std::vector<world>& worlds, const std::vector<planned_run>& runs, unsigned jobs,
                     const result_sink& sink) = 0;
};

}  // namespace vtwin::scenario
