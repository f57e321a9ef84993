// `vtwin serve` in the background, and a client that speaks to its Unix sockets octet by octet.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>

#include "models/hex.h"
#include "tests/scenarios/end_to_end/program.h"

namespace vtwin::scenario::test {

/// The served guest's folder holds the doors' sockets, "run" (the output) and what the test puts there.
class served_program {
  public:
    /// Starts it and waits until the doors are served, or until it has ended by itself.
    explicit served_program(std::vector<std::string> words) {
        words.insert(words.begin(), {VTWIN_PROGRAM, "serve"});
        words.insert(words.end(), {"--quiet", "--no-vcd", "--out", (m_folder.path() / "run").string()});
        ::setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
        std::vector<char*> argv;
        for (const std::string& word : words)
            argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        m_child = ::fork();
        REQUIRE(m_child >= 0);
        if (m_child == 0) {
            ::dup2(::open(path("out").c_str(), O_WRONLY | O_CREAT, 0600), 1);
            ::dup2(::open(path("err").c_str(), O_WRONLY | O_CREAT, 0600), 2);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        constexpr int most_looks = 3000;
        for (int looks = 0; looks < most_looks && !contains(content_of(path("out")), "serving "); ++looks) {
            int status = 0;
            if (::waitpid(m_child, &status, WNOHANG) != 0) {
                m_ended = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                           content_of(path("out")), content_of(path("err"))};
                m_child = 0;
                return;
            }
            ::usleep(20'000);
        }
    }
    ~served_program() {
        if (m_child != 0) {
            ::kill(m_child, SIGKILL);
            ::waitpid(m_child, nullptr, 0);
        }
    }
    served_program(const served_program&) = delete;
    served_program& operator=(const served_program&) = delete;

    /// SIGINT, and how it ended; when it had ended by itself, how.
    const program_result& stop() {
        if (m_child == 0)
            return m_ended;
        ::kill(m_child, SIGINT);
        int status = 0;
        ::waitpid(m_child, &status, 0);
        m_child = 0;
        return m_ended = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                          content_of(path("out")), content_of(path("err"))};
    }
    std::string path(const std::string& name) const { return (m_folder.path() / name).string(); }

  private:
    /// Short, as the path of a Unix socket has to be.
    temporary_directory m_folder;
    pid_t m_child = 0;
    program_result m_ended;
};

/// A stream to a Unix socket. Octets are hexadecimal texts.
class socket_client {
  public:
    explicit socket_client(const std::string& path) : m_socket(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof(address.sun_path));
        std::copy(path.begin(), path.end(), address.sun_path);
        REQUIRE(::connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    }
    ~socket_client() { ::close(m_socket); }
    socket_client(const socket_client&) = delete;
    socket_client& operator=(const socket_client&) = delete;

    void send(const std::string& hex) const {
        const auto octets = *models::from_hex(hex);
        REQUIRE(::send(m_socket, octets.data(), octets.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(octets.size()));
    }
    /// What comes next with one read: "" when the other side has closed, or nothing came in a minute.
    std::string receive() const {
        pollfd what{m_socket, POLLIN, 0};
        if (::poll(&what, 1, 60'000) != 1)
            return "";
        models::bytes octets(8192);
        const auto got = ::recv(m_socket, octets.data(), octets.size(), 0);
        octets.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return models::to_hex(octets);
    }
    std::string ask(const std::string& hex) const {
        send(hex);
        return receive();
    }
    int descriptor() const { return m_socket; }

  private:
    int m_socket;
};

}  // namespace vtwin::scenario::test
