// What the tests of this folder share: a folder that goes away, a small scenario, the message of a mistake.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "scenarios/config/scenario.h"

namespace vtwin::scenario::test {

/// A fresh folder, removed with everything in it at the end of the test.
class temporary_directory {
  public:
    temporary_directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "vtwin-test-XXXXXX").string();
        m_path = ::mkdtemp(pattern.data());
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::permissions(m_path, std::filesystem::perms::owner_all, ignored);
        std::filesystem::remove_all(m_path, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    const std::filesystem::path& path() const { return m_path; }
    /// The path of what has that name in it.
    std::string at(const std::string& name) const { return (m_path / name).string(); }
    std::string write(const std::string& name, const std::string& content) const {
        std::filesystem::create_directories((m_path / name).parent_path());
        std::ofstream(m_path / name, std::ios::binary) << content;
        return at(name);
    }

  private:
    std::filesystem::path m_path;
};

inline std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// A scenario that is right: manager, two vTPMs, one guest whose files lie beside it. 17 lines.
inline const std::string small_scenario = R"([manager]
locality = 2

[vtpm.admin]
backend = "vtpmmgr"
uuid = "00000000-0000-4000-8000-000000000000"
administrator = true

[vtpm.v1]
backend = "vtpmmgr"
uuid = "11111111-1111-4111-8111-111111111111"

[guest.g1]
vtpm = "v1"
kernel = "kernel"
command_line = "quiet"
ima_files = ["ima/*"]
)";

/// Folder with the small scenario (plus `more`) as test.toml and the files it names.
class small_scenario_directory : public temporary_directory {
  public:
    explicit small_scenario_directory(const std::string& text = small_scenario) {
        write("kernel", "a kernel");
        write("other-kernel", "another kernel");
        write("ima/b", "file b");
        write("ima/a", "file a");
        file = write("test.toml", text);
    }
    std::string file;
};

/// The message of the user's mistake that reading the scenario text gives; file names are cut to "test.toml".
/// "" when nothing was wrong.
inline std::string mistake_in(const std::string& text, const std::vector<override_text>& overrides = {}) {
    small_scenario_directory folder(text);
    try {
        load_scenario(folder.file, overrides);
        return "";
    } catch (const user_error& error) {
        std::string message = error.what();
        const std::string prefix = folder.path().string() + '/';
        for (std::size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
            message.erase(at, prefix.size());
        return message;
    }
}

/// `text` with one occurrence of `from` replaced; the test fails when there is none.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

}  // namespace vtwin::scenario::test
