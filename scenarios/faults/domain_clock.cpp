#include "scenarios/faults/domain_clock.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

using sc_core::sc_time;
using wide = unsigned __int128;  // picoseconds times parts per million exceed 64 bits

sc_time limited(wide picoseconds) {
    const wide most = domain_clock::latest().value();
    return sc_time::from_value(static_cast<std::uint64_t>(std::min(picoseconds, most)));
}

}  // namespace

sc_time domain_clock::now() const {
    const wide elapsed = (sc_core::sc_time_stamp() - m_simulated).value();
    return limited(m_local.value() + elapsed * m_rate / true_rate);
}

std::optional<sc_time> domain_clock::reaches(const sc_time& local) const {
    if (local <= now())
        return sc_core::sc_time_stamp();
    if (m_rate == 0 || local > latest())
        return std::nullopt;
    const wide missing = (local - m_local).value();
    return limited(m_simulated.value() + (missing * true_rate + m_rate - 1) / m_rate);
}

void domain_clock::rebase() {
    m_local = now();
    m_simulated = sc_core::sc_time_stamp();
}

void domain_clock::set_rate(std::uint64_t per_million) {
    rebase();
    m_rate = per_million;
}

void domain_clock::step_forward(const sc_time& by) {
    rebase();
    m_local = limited(wide{m_local.value()} + by.value());
}

void domain_clock::step_backward(const sc_time& by) {
    rebase();
    m_local -= std::min(m_local, by);
}

}  // namespace vtwin::scenario
