// The save file that makes GTKWave open a trace with its signals laid out in groups.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "traces/vcd_writer.h"

namespace vtwin::trace {

/// One group per scope that holds signals, in the order of declaration; vectors in hexadecimal, texts as
/// words. `vcd_name` is the trace's file name relative to the save file. Signals below `collapsed` scopes
/// (dotted prefixes) start folded away.
void write_gtkw(std::ostream& out, const std::string& vcd_name,
                const std::vector<vcd_writer::declaration>& declarations,
                const std::vector<std::string>& collapsed);

}  // namespace vtwin::trace
