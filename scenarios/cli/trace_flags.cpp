#include "scenarios/cli/trace_flags.h"

namespace vtwin::scenario {

void add_trace_flags(CLI::App& command, run_options& options) {
    command.add_flag("!--no-vcd", options.vcd, "write no trace.vcd");
    command.add_flag("!--no-pcapng", options.pcapng, "write no trace.pcapng");
    command.add_flag("!--no-perfetto", options.perfetto, "write no trace.json");
}

}  // namespace vtwin::scenario
