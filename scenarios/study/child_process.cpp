#include "scenarios/study/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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

int tell(int pipe, const std::function<std::string()>& work) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    std::string message;
    try {
        message = good + work();
    } catch (const std::exception& problem) {
        message = bad + std::string(problem.what());
    }
    send_all(pipe, message + complete);
    return 0;
}

}  // namespace

child_process::child_process(const std::function<std::string()>& work) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::runtime_error(fmt::format("no pipe: {}", std::strerror(errno)));
    m_pipe = ends[0];
    try {
        m_child.emplace([&] {
            ::close(ends[0]);
            return tell(ends[1], work);
        });
    } catch (const std::exception&) {
        ::close(ends[0]);
        ::close(ends[1]);
        throw;
    }
    ::close(ends[1]);
}

child_process::child_process(child_process&& other) noexcept
    : m_pipe(std::exchange(other.m_pipe, -1)),
      m_child(std::move(other.m_child)),
      m_received(std::move(other.m_received)) {}

child_process::~child_process() {
    if (m_pipe >= 0)
        ::close(m_pipe);
}

bool child_process::read_some() {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(m_pipe, buffer.data(), buffer.size());
    if (count > 0)
        m_received.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
}

bool child_process::finish(std::string& text) {
    const process_end end = m_child->wait();
    const bool whole = m_received.size() >= 2 && m_received.back() == complete;
    if (!whole) {
        text = "the process " + end.text();
        return false;
    }
    text = m_received.substr(1, m_received.size() - 2);
    return m_received.front() == good;
}

}  // namespace vtwin::scenario::study
