#include "scenarios/batch/command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

namespace vtwin::scenario {
namespace {

/// Two ends that other programs do not inherit.
class pipe_pair {
  public:
    pipe_pair() {
        if (::pipe2(m_ends.data(), O_CLOEXEC) != 0)
            throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
    }
    ~pipe_pair() {
        ::close(m_ends[0]);
        close_writer();
    }
    pipe_pair(const pipe_pair&) = delete;
    pipe_pair& operator=(const pipe_pair&) = delete;
    int reader() const { return m_ends[0]; }
    int writer() const { return m_ends[1]; }
    void close_writer() {
        if (m_ends[1] >= 0)
            ::close(m_ends[1]);
        m_ends[1] = -1;
    }

  private:
    std::array<int, 2> m_ends{};
};

class spawn_settings {
  public:
    spawn_settings(const pipe_pair& out, const pipe_pair& err) {
        ::posix_spawn_file_actions_init(&m_actions);
        ::posix_spawn_file_actions_addopen(&m_actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&m_actions, out.writer(), STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&m_actions, err.writer(), STDERR_FILENO);
        ::posix_spawnattr_init(&m_attributes);
        sigset_t none, usual;
        sigemptyset(&none);
        sigemptyset(&usual);
        for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
            sigaddset(&usual, each);
        ::posix_spawnattr_setsigmask(&m_attributes, &none);
        ::posix_spawnattr_setsigdefault(&m_attributes, &usual);
        ::posix_spawnattr_setflags(&m_attributes,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        ::posix_spawnattr_setpgroup(&m_attributes, 0);
    }
    ~spawn_settings() {
        ::posix_spawn_file_actions_destroy(&m_actions);
        ::posix_spawnattr_destroy(&m_attributes);
    }
    spawn_settings(const spawn_settings&) = delete;
    spawn_settings& operator=(const spawn_settings&) = delete;
    const posix_spawn_file_actions_t* actions() const { return &m_actions; }
    const posix_spawnattr_t* attributes() const { return &m_attributes; }

  private:
    posix_spawn_file_actions_t m_actions{};
    posix_spawnattr_t m_attributes{};
};

/// False at the end of the stream.
bool read_some(int descriptor, std::string& into) {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count > 0)
        into.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
}

/// Both streams at once: a program that fills one of them must not wait for us to empty the other.
void read_all(int out, int err, command_result& into) {
    std::array<pollfd, 2> open = {pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        if (::poll(open.data(), open.size(), -1) < 0)
            continue;
        if (open[0].revents != 0 && !read_some(out, into.out))
            open[0].fd = -1;
        if (open[1].revents != 0 && !read_some(err, into.err))
            open[1].fd = -1;
    }
}

}  // namespace

command_result run_command(const std::vector<std::string>& words, bool (*keeps)(std::string_view)) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const auto& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> variables;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view variable = *each;
        if (keeps == nullptr || keeps(variable.substr(0, variable.find('='))))
            variables.push_back(*each);
    }
    variables.push_back(nullptr);
    pipe_pair out, err;
    const spawn_settings settings(out, err);
    command_result made;
    pid_t child = -1;
    const int failed = ::posix_spawnp(&child, argv[0], settings.actions(), settings.attributes(), argv.data(),
                                      variables.data());
    if (failed != 0)
        return {false, 127, "", std::strerror(failed)};
    out.close_writer();
    err.close_writer();
    read_all(out.reader(), err.reader(), made);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    made.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return made;
}

}  // namespace vtwin::scenario
