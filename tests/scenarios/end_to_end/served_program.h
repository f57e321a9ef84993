// `vtwin serve` in the background, and a client that speaks to its Unix sockets octet by octet.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <functional>

#include "models/hex.h"
#include "tests/scenarios/end_to_end/program.h"

namespace vtwin::scenario::test {

/// The served guest's folder holds the doors' sockets, "run" (the output) and what the test puts there.
class served_program {
  public:
    struct how {
        /// A text that says in its output that it has come so far as the test wants it.
        std::string until = "serving ";
        /// Runs in the program's process before it is started.
        std::function<void()> prepare = [] {};
        std::string command = "serve";
    };
    /// Starts it and waits until the doors are served, or until it has ended by itself.
    explicit served_program(std::vector<std::string> words) : served_program(std::move(words), how()) {}
    served_program(std::vector<std::string> words, const how& other) {
        words.insert(words.begin(), {VTWIN_PROGRAM, other.command});
        words.insert(words.end(), {"--no-vcd", "--out", m_folder.at("run")});
        if (other.until == how().until)
            words.emplace_back("--quiet");
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
            other.prepare();
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        wait_for(other.until);
    }
    ~served_program() {
        if (m_child != 0) {
            ::kill(m_child, SIGKILL);
            ::waitpid(m_child, nullptr, 0);
        }
    }
    served_program(const served_program&) = delete;
    served_program& operator=(const served_program&) = delete;

    /// Until it has said that, or has ended, or a minute is over. False: it has not said it.
    bool wait_for(const std::string& text) {
        for (int looks = 0; looks < looks_per_minute; ++looks) {
            const bool running = !has_ended();
            if (contains(content_of(path("out")), text))
                return true;
            if (!running)
                return false;
            ::usleep(look_us);
        }
        return false;
    }
    void send(int signal) const {
        REQUIRE(m_child > 0);
        ::kill(m_child, signal);
    }
    /// A signal, and how it ended; when it had ended by itself, how. One that does not end is killed, and the
    /// test fails with what it had said.
    const program_result& stop(int signal = SIGINT) {
        if (m_child != 0)
            send(signal);
        return wait_for_end();
    }
    const program_result& wait_for_end() {
        constexpr int minutes = 4;
        for (int looks = 0; looks < minutes * looks_per_minute && !has_ended(); ++looks)
            ::usleep(look_us);
        if (m_child != 0)
            FAIL("it does not end; it has said:\n" << content_of(path("out")) << content_of(path("err")));
        return m_ended;
    }
    pid_t id() const { return m_child; }
    std::string path(const std::string& name) const { return m_folder.at(name); }

  private:
    static constexpr int look_us = 20'000, looks_per_minute = 3000;

    bool has_ended() {
        int status = 0;
        if (m_child == 0 || ::waitpid(m_child, &status, WNOHANG) == 0)
            return m_child == 0;
        m_child = 0;
        m_ended = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(path("out")),
                   content_of(path("err"))};
        return true;
    }

    /// Short, as the path of a Unix socket has to be.
    temporary_directory m_folder;
    pid_t m_child = 0;
    program_result m_ended;
};

/// The words of a door behind --listen: a Unix socket in the folder.
inline std::string door(const temporary_directory& folder, const std::string& name = "s",
                        const std::string& kind = "raw") {
    return kind + ":unix:" + folder.at(name);
}

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
