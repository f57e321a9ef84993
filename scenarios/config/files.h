// Files of the machine that take part in a run: read once, while the scenario is loaded.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/platform/config.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

/// Content, or the reason why there is none ("no such file", "is a directory", "is no regular file", "cannot
/// be read").
struct file_content {
    std::optional<models::bytes> content;
    std::string reason;
};
file_content read_file(const std::string& path);

/// Every regular file below a directory, by its path from there with slashes. Throws user_error for what is
/// no directory or cannot be looked through.
std::map<std::string, std::filesystem::path> files_below(const std::filesystem::path& directory);

models::bytes sha1(models::byte_view data);
models::bytes sha256(models::byte_view data);
/// Of a file of any size, which is not held in memory. Nullopt: it cannot be read.
std::optional<models::bytes> sha256_of_file(const std::filesystem::path& path);

/// Reads and hashes a file; a problem is added when that fails. `keep_content` false: digests only.
models::measured_file measure_file(const std::string& path, bool keep_content, const origin& where,
                                   const std::string& key, std::vector<problem>& problems);

}  // namespace vtwin::scenario
