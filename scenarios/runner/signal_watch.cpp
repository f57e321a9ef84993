#include "scenarios/runner/signal_watch.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace vtwin::scenario {
namespace {

// A signal's handler has nowhere else to look.
volatile std::sig_atomic_t heard_signal = 0;
volatile std::sig_atomic_t wake_up = -1;  ///< descriptor
timespec heard_at{};

constexpr std::array watched = {SIGINT, SIGTERM};

bool within_half_a_second(const timespec& before, const timespec& after) {
    constexpr long ns_per_s = 1'000'000'000;
    return (after.tv_sec - before.tv_sec) * ns_per_s + (after.tv_nsec - before.tv_nsec) < ns_per_s / 2;
}

void end_program_by(int signal) {
    struct sigaction otherwise {};
    otherwise.sa_handler = SIG_DFL;
    ::sigaction(signal, &otherwise, nullptr);
    ::raise(signal);  // from a handler it takes effect when that returns
}

extern "C" void vtwin_hear_signal(int signal) {
    const int error = errno;
    timespec now{};
    // Not by clock_gettime, which is the engine's simulated clock while a TPM executes.
    ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    if (heard_signal == 0) {
        heard_at = now;
        heard_signal = signal;
        const char octet = 0;
        [[maybe_unused]] const auto written = ::write(wake_up, &octet, 1);
    } else if (!within_half_a_second(heard_at, now)) {
        end_program_by(signal);
    }
    errno = error;
}

}  // namespace

signal_watch::signal_watch() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "a pipe");
    m_readable = ends[0];
    m_writable = ends[1];
    heard_signal = 0;
    wake_up = m_writable;
    struct sigaction hear {};
    hear.sa_handler = vtwin_hear_signal;
    hear.sa_flags = SA_RESTART;
    for (const int each : watched)
        ::sigaddset(&hear.sa_mask, each);
    ::sigaction(SIGINT, &hear, &m_before_int);
    ::sigaction(SIGTERM, &hear, &m_before_term);
}

signal_watch::~signal_watch() {
    ::sigaction(SIGINT, &m_before_int, nullptr);
    ::sigaction(SIGTERM, &m_before_term, nullptr);
    ::close(m_readable);
    ::close(m_writable);
}

int signal_watch::heard() const {
    return heard_signal;
}

void signal_watch::give_way() const {
    if (heard_signal != 0)
        end_program_by(heard_signal);
}

}  // namespace vtwin::scenario
