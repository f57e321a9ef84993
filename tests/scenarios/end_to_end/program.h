// The built program as a user starts it: words in, exit code and both output streams back, files on disk.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/scenarios/support.h"

namespace vtwin::scenario::test {

namespace fs = std::filesystem;

struct program_result {
    int code = -1;  ///< exit code; 128 + signal when a signal ended it
    std::string out, err;
};

/// Starts a program and waits for it. `prepare` runs in the child; false: the child could not be prepared
/// (code 126).
inline program_result start(
    const std::vector<std::string>& words, const std::function<bool()>& prepare = [] { return true; }) {
    temporary_directory streams;
    const std::string out = streams.at("out"), err = streams.at("err");
    std::vector<char*> argv;
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
        ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), 2);
        if (!prepare())
            ::_exit(126);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(out),
            content_of(err)};
}

inline program_result run_program(std::vector<std::string> words) {
    ::setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
    words.insert(words.begin(), VTWIN_PROGRAM);
    return start(words);
}

inline std::string library_scenario(const std::string& name) {
    return VTWIN_SOURCE_DIR "/scenarios/" + name + ".toml";
}

/// Every file below a directory: relative path to content.
inline std::map<std::string, std::string> files_below(const fs::path& directory) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.is_regular_file())
            files[entry.path().lexically_relative(directory).generic_string()] = content_of(entry.path());
    }
    return files;
}

/// Paths whose content differs or which only one side has.
inline std::vector<std::string> differences(const fs::path& a, const fs::path& b) {
    const auto left = files_below(a), right = files_below(b);
    std::vector<std::string> paths;
    for (const auto& [path, content] : left) {
        if (!right.contains(path) || right.at(path) != content)
            paths.push_back(path);
    }
    for (const auto& [path, content] : right) {
        if (!left.contains(path))
            paths.push_back(path);
    }
    return paths;
}

inline nlohmann::json result_of(const fs::path& directory) {
    return nlohmann::json::parse(content_of(directory / "result.json"));
}

/// Guest to "trusted", or to the checks that failed.
inline std::map<std::string, std::string> verdicts_of(const fs::path& directory) {
    std::map<std::string, std::string> verdicts;
    const nlohmann::json result = result_of(directory);
    for (const auto& verdict : result["verdicts"]) {
        std::string failed;
        for (const auto& reason : verdict["reasons"]) {
            if (reason["passed"].get<bool>())
                continue;
            failed += failed.empty() ? "" : " ";
            failed += reason["check"].get<std::string>();
        }
        verdicts[verdict["guest"]] = verdict["trusted"].get<bool>() ? "trusted" + failed : failed;
    }
    return verdicts;
}

/// Changes one bit of the file, at that octet.
inline void flip(const fs::path& file, std::size_t at) {
    std::string content = content_of(file);
    content.at(at) = static_cast<char>(content.at(at) ^ 1);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

inline const std::map<std::string, std::string> both_trusted{{"guest1", "trusted"}, {"guest2", "trusted"}};

}  // namespace vtwin::scenario::test
