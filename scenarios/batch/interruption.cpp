#include "scenarios/batch/interruption.h"

#include <cerrno>
#include <ctime>

namespace vtwin::scenario {

interruption::interruption() {
    sigemptyset(&m_watched);
    sigaddset(&m_watched, SIGINT);
    sigaddset(&m_watched, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &m_watched, &m_before);
}

interruption::~interruption() {
    wait(std::chrono::milliseconds(0));  // a second one that came meanwhile is answered, too
    ::sigprocmask(SIG_SETMASK, &m_before, nullptr);
}

int interruption::wait(std::chrono::milliseconds longest) {
    const timespec time{static_cast<time_t>(longest.count() / 1000),
                        static_cast<long>(longest.count() % 1000 * 1'000'000)};
    int signal = -1;
    do
        signal = ::sigtimedwait(&m_watched, nullptr, &time);
    while (signal < 0 && errno == EINTR);
    return signal < 0 ? 0 : signal;
}

}  // namespace vtwin::scenario
