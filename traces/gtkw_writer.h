// The save file that makes GTKWave open a trace with its signals laid out in groups.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "traces/vcd_writer.h"

namespace vtwin::trace {

struct gtkw_layout {
    std::vector<std::string> order;      ///< top scopes that come first, in this order; others follow
    std::vector<std::string> collapsed;  ///< scopes (dotted prefixes) whose signals start folded away
    std::uint64_t end_ps = 0;            ///< the view opens with the time from 0 to here fitted in
};

/// One group per scope that holds signals, in the layout's order and within it that of declaration; vectors
/// in hexadecimal, texts as words. `vcd_name` is the trace's file name relative to the save file.
void write_gtkw(std::ostream& out, const std::string& vcd_name,
                const std::vector<vcd_writer::declaration>& declarations, const gtkw_layout& layout);

}  // namespace vtwin::trace
