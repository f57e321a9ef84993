// Programs run without a shell: words in, exit code and both output streams back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vtwin::scenario {

struct command_result {
    bool found = true;  ///< false: there is no such program in PATH, or it cannot be started
    int code = 0;       ///< exit code; 128 + signal when a signal ended it
    std::string out, err;
    bool ok() const { return found && code == 0; }
};

/// Starts words[0], looked for in PATH, and waits for its end. Nothing is on its standard input. It starts
/// with no signal blocked or ignored, in a process group of its own: what the user's terminal sends us does
/// not end it. Variables of the environment whose name `keeps` denies are not passed on.
command_result run_command(const std::vector<std::string>& words, bool (*keeps)(std::string_view) = nullptr);

}  // namespace vtwin::scenario
