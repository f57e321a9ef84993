#include "tpm/engine/simulated_clock.h"

#include <dlfcn.h>
#include <sys/time.h>
#include <ctime>
#include <systemc>

namespace vtwin::tpm {

namespace {

// The C library's clock functions take no context: this is the context.
const std::function<std::uint64_t()>* s_now_ns = nullptr;

constexpr std::uint64_t ns_per_second = 1'000'000'000;

std::uint64_t simulated_ns() {
    return simulated_clock_scope::epoch_seconds * ns_per_second + (*s_now_ns)();
}

template <typename Function>
Function* next_definition(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

simulated_clock_scope::simulated_clock_scope(const std::function<std::uint64_t()>& now_ns) {
    sc_assert(s_now_ns == nullptr);
    s_now_ns = &now_ns;
}

simulated_clock_scope::~simulated_clock_scope() {
    s_now_ns = nullptr;
}

}  // namespace vtwin::tpm

// These definitions stand before the C library's in symbol lookup, also for libtpms and OpenSSL.

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
    using namespace vtwin::tpm;
    if (s_now_ns == nullptr) {
        static auto* const real = next_definition<int(clockid_t, timespec*)>("clock_gettime");
        return real(id, time);
    }
    const std::uint64_t ns = simulated_ns();
    time->tv_sec = static_cast<time_t>(ns / ns_per_second);
    time->tv_nsec = static_cast<long>(ns % ns_per_second);
    return 0;
}

extern "C" int gettimeofday(timeval* time, void* zone) noexcept {
    using namespace vtwin::tpm;
    if (s_now_ns == nullptr) {
        static auto* const real = next_definition<int(timeval*, void*)>("gettimeofday");
        return real(time, zone);
    }
    const std::uint64_t us = simulated_ns() / 1000;
    time->tv_sec = static_cast<time_t>(us / 1'000'000);
    time->tv_usec = static_cast<suseconds_t>(us % 1'000'000);
    return 0;
}

extern "C" clock_t clock() noexcept {
    using namespace vtwin::tpm;
    if (s_now_ns == nullptr) {
        static auto* const real = next_definition<clock_t()>("clock");
        return real();
    }
    return static_cast<clock_t>((*s_now_ns)() / (ns_per_second / CLOCKS_PER_SEC));
}
