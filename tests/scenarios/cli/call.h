// The program's entry as a user's words reach it.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "scenarios/cli/cli.h"

namespace vtwin::scenario::test {

struct call_result {
    int code;
    std::string out, err;
};

/// `words`: those behind "vtwin".
inline call_result call_with(const std::vector<std::string>& words, const simulation& simulate,
                             const execution_factory& engine = {}) {
    std::vector<const char*> argv = {"vtwin"};
    for (const std::string& word : words)
        argv.push_back(word.c_str());
    std::ostringstream out, err;
    const int code = run_cli(static_cast<int>(argv.size()), argv.data(), simulate, out, err, engine);
    return {code, out.str(), err.str()};
}

}  // namespace vtwin::scenario::test
