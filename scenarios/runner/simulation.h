// The seam between the runner and the simulated machine: one configuration in, everything that a run yields
// out. The runner knows no SystemC module; models/platform knows no file.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "models/attestation/messages.h"
#include "models/platform/config.h"
#include "scenarios/faults/fault.h"
#include "scenarios/oracles/outcome.h"

namespace vtwin::scenario {

/// One line of the timeline: what happened, in which domain, when.
struct timeline_line {
    sc_core::sc_time at;
    std::string domain;
    std::string text;
};

/// A file to be left behind, e.g. "evidence/guest1/quote.bin" or "latency.csv".
struct output_file {
    std::string path;  ///< relative to the output directory, with '/', no ".."
    std::string content;
};

/// Share of the simulated time in one place, such as a hop of the TPM commands.
struct time_share {
    std::string where;
    sc_core::sc_time total;
};

class simulated_world;

/// Somebody from outside who takes part in a run while it goes on.
class live_part {
  public:
    virtual ~live_part() = default;
    /// Before the simulation begins. Files may be streamed into `directory`, which exists and becomes the
    /// output.
    virtual void join(simulated_world& world, const std::filesystem::path& directory) = 0;
    /// After it: what else is to be left beside the other outputs.
    virtual std::vector<output_file> files() = 0;
};

struct simulation_options {
    bool vcd = true;                        ///< write trace.vcd and trace.gtkw into `trace_directory`
    bool pcapng = true;                     ///< and trace.pcapng
    bool perfetto = true;                   ///< and trace.json
    std::filesystem::path trace_directory;  ///< exists; traces are streamed into it while the run goes on
    std::function<void(const timeline_line&)>
        on_line;                ///< called as lines happen, in order of time; may be empty
    std::vector<fault> faults;  ///< checked
    live_part* live = nullptr;  ///< takes part in the run; none when absent
    /// Asked while the run goes on; true ends it with run_interrupted (signal_watch.h). May be empty; a
    /// `live` part hears signals itself.
    std::function<bool()> interrupted;
};

/// What a run with faults came to.
struct injection_report {
    outcome result;
    std::uint64_t faults_begun = 0;
    std::string fingerprint;  ///< over everything observable; the same for the same run of a campaign
    std::string explanation;  ///< sentences, one per line
};

struct simulation_outputs {
    bool finished = false;       ///< every guest came to its end
    std::string problem;         ///< why not; empty when finished
    sc_core::sc_time simulated;  ///< time at the end
    std::vector<timeline_line> timeline;
    std::vector<models::verdict> verdicts;    ///< in the order in which the verifier gave them
    std::vector<time_share> where_time_went;  ///< in the order to be shown
    std::vector<output_file> files;
    std::vector<violation> violations;          ///< invariants that were seen broken, in order of time
    std::optional<injection_report> injection;  ///< absent without faults
};

/// Elaborates the machine and runs it to its end. One call per process: SystemC elaborates once.
using simulation = std::function<simulation_outputs(const models::run_config&, const simulation_options&)>;

}  // namespace vtwin::scenario
