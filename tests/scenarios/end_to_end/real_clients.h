// Installed programs that use a TPM, as clients of a served guest.
#pragma once

#include <sys/socket.h>

#include "tests/scenarios/end_to_end/served_program.h"

namespace vtwin::scenario::test {

/// False, and SKIPPED said, when one of these programs is not installed.
inline bool installed(const std::vector<std::string>& programs) {
    for (const auto& each : programs) {
        if (start({"sh", "-c", "command -v " + each}).code != 0) {
            WARN("SKIPPED: " << each << " is not installed");
            return false;
        }
    }
    return true;
}

/// A line for the shell; its output when it ended with 0, else a failure of the test.
inline std::string shell(const std::string& line) {
    const auto done = start({"sh", "-c", line});
    INFO(line << "\n" << done.out << done.err);
    CHECK(done.code == 0);
    return done.out;
}

/// A real swtpm whose data socket is `folder`/r, its control socket `folder`/r.ctrl.
class real_swtpm {
  public:
    explicit real_swtpm(const fs::path& folder, bool two) {
        fs::create_directories(folder / "state");
        const std::string place = (folder / "r").string();
        std::vector<std::string> words = {"swtpm",      "socket",
                                          "--tpmstate", "dir=" + (folder / "state").string(),
                                          "--server",   "type=unixio,path=" + place,
                                          "--ctrl",     "type=unixio,path=" + place + ".ctrl"};
        if (two)
            words.emplace_back("--tpm2");
        std::vector<char*> argv;
        for (const std::string& word : words)
            argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        m_child = ::fork();
        REQUIRE(m_child >= 0);
        if (m_child == 0) {
            ::dup2(::open("/dev/null", O_WRONLY), 2);
            ::execvp(argv[0], argv.data());
            ::_exit(127);
        }
        for (int looks = 0; looks < 500 && !(fs::exists(place) && fs::exists(place + ".ctrl")); ++looks)
            ::usleep(20'000);
        ::usleep(20'000);
    }
    ~real_swtpm() {
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, nullptr, 0);
    }
    real_swtpm(const real_swtpm&) = delete;
    real_swtpm& operator=(const real_swtpm&) = delete;

  private:
    pid_t m_child = 0;
};

}  // namespace vtwin::scenario::test
