// A Slurm of this test's own, on the loopback interface; it ends with the test, however that ends.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "tests/scenarios/support.h"

namespace vtwin::scenario::test {

class private_slurm {
  public:
    /// Sets SLURM_CONF for this process and those that it starts.
    private_slurm() {
        REQUIRE(::pipe2(m_to.data(), O_CLOEXEC) == 0);
        REQUIRE(::pipe2(m_from.data(), O_CLOEXEC) == 0);
        const std::string program = VTWIN_SOURCE_DIR "/tests/scenarios/end_to_end/private_slurm";
        m_child = ::fork();
        REQUIRE(m_child >= 0);
        if (m_child == 0) {
            ::dup2(m_to[0], 0);
            ::dup2(m_from[1], 1);
            ::execl(program.c_str(), program.c_str(), m_folder.path().c_str(), nullptr);
            ::_exit(127);
        }
        ::close(m_to[0]);
        ::close(m_from[1]);
        std::string said;
        for (char c = 0; ::read(m_from[0], &c, 1) == 1 && c != '\n';)
            said += c;
        const std::string ready = "ready ", cannot = "cannot ";
        if (said.starts_with(ready))
            ::setenv("SLURM_CONF", said.substr(ready.size()).c_str(), 1);
        else if (said.starts_with(cannot))
            m_missing = said.substr(cannot.size());
        else
            m_failure = said;
        if (said.empty())
            look_at_end();
    }
    ~private_slurm() {
        ::close(m_to[1]);
        if (m_child > 0)
            ::waitpid(m_child, nullptr, 0);
        ::close(m_from[0]);
    }
    private_slurm(const private_slurm&) = delete;
    private_slurm& operator=(const private_slurm&) = delete;

    /// Which programs are not there, or not for this user; "" when all are. A test that goes without says so
    /// with SKIPPED, which ctest counts.
    const std::string& missing() const { return m_missing; }
    /// Why a Slurm that is there did not start; "" when it is up.
    const std::string& failure() const { return m_failure; }

  private:
    void look_at_end() {
        int status = 0;
        ::waitpid(m_child, &status, 0);
        m_child = -1;
        constexpr int not_found = 127;
        if (WIFEXITED(status) && WEXITSTATUS(status) == not_found)
            m_missing = "python3 is not there";
        else
            m_failure = "private_slurm ended without a word, status " + std::to_string(status);
    }

    temporary_directory m_folder;  // its name is short: sockets lie in it
    std::array<int, 2> m_to{}, m_from{};
    pid_t m_child = -1;
    std::string m_missing, m_failure;
};

}  // namespace vtwin::scenario::test
