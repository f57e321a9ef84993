// Profile files: figures with unit and source, by name from the library's folders profiles/hypervisor,
// profiles/software and profiles/chips.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "scenarios/schema/problem.h"
#include "tpm/chip_profile.h"

namespace vtwin::scenario {

/// One figure: its time, where it comes from and where it was read.
struct profile_time {
    std::uint64_t picoseconds = 0;
    std::string source;
    origin where;
};

/// Reads a cost profile, which must give every one of `fields` and nothing else. `asked` is where the profile
/// was named, `key` by which key. Throws user_error.
std::map<std::string, profile_time> read_cost_profile(const std::filesystem::path& library,
                                                      const std::string& category, const std::string& name,
                                                      const std::vector<std::string>& fields,
                                                      const origin& asked, const std::string& key);

/// Reads a chip's personality. Throws user_error.
tpm::chip_profile read_chip_profile(const std::filesystem::path& library, const std::string& name,
                                    const origin& asked, const std::string& key);

/// Names of the profiles of a category, sorted.
std::vector<std::string> profile_names(const std::filesystem::path& library, const std::string& category);

}  // namespace vtwin::scenario
