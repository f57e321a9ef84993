// Simulated time as the whole number that the exports count in.
#pragma once

#include <cstdint>
#include <systemc>

namespace vtwin::trace {

inline std::uint64_t picoseconds(const sc_core::sc_time& time) {
    static const std::uint64_t unit = sc_core::sc_time(1, sc_core::SC_PS).value();
    return unit == 1 ? time.value() : time.value() / unit;
}

}  // namespace vtwin::trace
