#include "scenarios/runner/forked_child.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

namespace vtwin::scenario {
namespace {

[[noreturn]] void be_child(pid_t parent, const std::function<int()>& work) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
        ::_exit(1);  // it died before
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    int status = 1;
    try {
        status = work();
    } catch (const std::exception&) {
    }
    ::_exit(status);  // nothing of the parent's is to be destroyed here
}

}  // namespace

std::string process_end::text() const {
    return signal != 0 ? fmt::format("was ended by signal {} ({})", signal, ::strsignal(signal))
                       : fmt::format("ended with status {}", status);
}

forked_child::forked_child(const std::function<int()>& work) {
    const pid_t parent = ::getpid();
    m_id = ::fork();
    if (m_id == 0)
        be_child(parent, work);
    if (m_id < 0)
        throw std::runtime_error(fmt::format("no further process: {}", std::strerror(errno)));
}

forked_child::forked_child(forked_child&& other) noexcept
    : m_id(std::exchange(other.m_id, -1)), m_end(other.m_end) {}

forked_child& forked_child::operator=(forked_child&& other) noexcept {
    std::swap(m_id, other.m_id);
    std::swap(m_end, other.m_end);
    return *this;
}

forked_child::~forked_child() {
    if (m_id > 0 && !m_end) {
        ::kill(m_id, SIGKILL);
        ::waitpid(m_id, nullptr, 0);
    }
}

std::optional<process_end> forked_child::ended() {
    return ask(WNOHANG);
}

process_end forked_child::wait() {
    return *ask(0);
}

std::optional<process_end> forked_child::ask(int options) {
    if (m_end)
        return m_end;
    int status = 0;
    pid_t found = 0;
    while ((found = ::waitpid(m_id, &status, options)) < 0 && errno == EINTR) {
    }
    if (found < 0)
        throw std::logic_error("somebody else waited for a child process");
    if (found > 0)
        m_end = WIFSIGNALED(status) ? process_end{WTERMSIG(status), 0} : process_end{0, WEXITSTATUS(status)};
    return m_end;
}

}  // namespace vtwin::scenario
