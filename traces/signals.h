// The signals of a waveform: what there is to look at, for `vtwin list signals` and as a check on the
// recorder.
#pragma once

#include <span>
#include <string_view>

namespace vtwin::trace {

struct signal_description {
    std::string_view path;  ///< scopes and name; an angle bracket stands for a name or a number of the run
    unsigned width;         ///< bits; 0 for words
    std::string_view doc;
};

/// Sorted by path.
std::span<const signal_description> all_signals();
/// The description of a signal of a run; nullptr when there is none.
const signal_description* find_signal(std::string_view path);

}  // namespace vtwin::trace
