// What elaborates a machine is measured in a child process each: SystemC allows one simulation per process.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <type_traits>

namespace vtwin::bench {

/// CPU time of this process, or of its children that were waited for (RUSAGE_CHILDREN).
inline double cpu_seconds(int of_whom = RUSAGE_SELF) {
    rusage used{};
    ::getrusage(of_whom, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

inline double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Runs `work` in a child and returns what it returned; nullopt when the child did not come to its end.
template <typename Work>
auto in_child(Work&& work) -> std::optional<decltype(work())> {
    using result_type = decltype(work());
    static_assert(std::is_trivially_copyable_v<result_type>);
    int ends[2];
    if (::pipe(ends) != 0)
        return std::nullopt;
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        int code = 1;
        try {
            const result_type result = work();
            if (::write(ends[1], &result, sizeof result) == sizeof result)
                code = 0;
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "%s\n", problem.what());
        }
        std::fflush(nullptr);
        ::_exit(code);
    }
    ::close(ends[1]);
    result_type result{};
    const bool received = child > 0 && ::read(ends[0], &result, sizeof result) == sizeof result;
    ::close(ends[0]);
    int status = 0;
    const bool ended = child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
    return received && ended ? std::optional(result) : std::nullopt;
}

}  // namespace vtwin::bench
