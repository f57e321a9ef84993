#include "scenarios/study/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

namespace vtwin::scenario::study {
namespace {

constexpr char good = '+', bad = '-';  // first octet of a message; without its last octet it is cut short
constexpr char complete = '.';

void send_all(int pipe, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = ::write(pipe, text.data() + sent, text.size() - sent);
        if (count < 0 && errno != EINTR)
            return;
        sent += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

[[noreturn]] void be_child(int pipe, pid_t parent, const std::function<std::string()>& work) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
        ::_exit(1);  // it died before
    // Who ends a whole group of processes, as terminals and batch systems do, means the study: that a point
    // ended with it is no result of the point.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    std::string message;
    try {
        message = good + work();
    } catch (const std::exception& problem) {
        message = bad + std::string(problem.what());
    }
    send_all(pipe, message + complete);
    ::_exit(0);  // nothing of the parent's is to be destroyed here
}

}  // namespace

child_process::child_process(const std::function<std::string()>& work) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::runtime_error(fmt::format("no pipe: {}", std::strerror(errno)));
    const pid_t parent = ::getpid();
    m_pid = ::fork();
    if (m_pid == 0) {
        ::close(ends[0]);
        be_child(ends[1], parent, work);
    }
    const int why = errno;
    ::close(ends[1]);
    m_pipe = ends[0];
    if (m_pid < 0) {
        ::close(m_pipe);
        throw std::runtime_error(fmt::format("no further process: {}", std::strerror(why)));
    }
}

child_process::child_process(child_process&& other) noexcept
    : m_pid(std::exchange(other.m_pid, -1)),
      m_pipe(std::exchange(other.m_pipe, -1)),
      m_received(std::move(other.m_received)) {}

child_process::~child_process() {
    if (m_pipe >= 0)
        ::close(m_pipe);
    if (m_pid > 0) {
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
}

bool child_process::read_some() {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(m_pipe, buffer.data(), buffer.size());
    if (count > 0)
        m_received.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
}

bool child_process::finish(std::string& text) {
    int status = 0;
    while (::waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {
    }
    m_pid = -1;
    const bool whole = m_received.size() >= 2 && m_received.back() == complete;
    if (!whole) {
        text = WIFSIGNALED(status) ? fmt::format("the process was ended by signal {} ({})", WTERMSIG(status),
                                                 ::strsignal(WTERMSIG(status)))
                                   : fmt::format("the process ended with status {}", WEXITSTATUS(status));
        return false;
    }
    text = m_received.substr(1, m_received.size() - 2);
    return m_received.front() == good;
}

}  // namespace vtwin::scenario::study
