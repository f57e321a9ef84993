// One thread of a guest kernel; private to the kernel and its wait queues.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <systemc>

namespace vtwin::models {

struct kernel_thread {
    std::string name;
    std::function<void()> body;
    sc_core::sc_event resumed;
    bool has_baton =
        false;           ///< set by whoever hands over, so that a notification before the wait is not lost
    bool ready = false;  ///< in the run queue
    std::optional<std::pair<sc_core::sc_time, std::uint64_t>> timer;
};

}  // namespace vtwin::models
