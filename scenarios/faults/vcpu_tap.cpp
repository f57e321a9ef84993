#include "scenarios/faults/vcpu_tap.h"

#include <utility>

namespace vtwin::scenario {

void vcpu_tap::charge(const sc_core::sc_time& cpu_time) {
    m_charged += cpu_time;
    m_inner.charge(cpu_time);
}

void vcpu_tap::pay(std::string_view operation) {
    const auto effects = m_wire.cross(crossing(operation));
    vcpu_access access{std::exchange(m_charged, sc_core::SC_ZERO_TIME), {}};
    for (auto* effect : effects)
        static_cast<vcpu_effect*>(effect)->act(access);
    if (access.more != sc_core::SC_ZERO_TIME)
        m_inner.charge(access.more);
}

void vcpu_tap::sync() {
    pay("sync");
    m_inner.sync();
}

void vcpu_tap::block(const std::optional<sc_core::sc_time>& deadline) {
    pay("block");
    m_inner.block(deadline ? m_clock.reaches(*deadline) : std::nullopt);
}

void vcpu_tap::set_upcall(std::function<void()> handler) {
    m_inner.set_upcall([this, handler = std::move(handler)] {
        (void)m_wire.cross(crossing("upcall"));
        handler();
    });
}

vcpu_tap* tap_of_vcpu(models::platform& machine, const std::string& domain) {
    auto* const software = machine.kernel_of(domain);
    return software == nullptr ? nullptr : dynamic_cast<vcpu_tap*>(software->ports.vcpu.operator->());
}

}  // namespace vtwin::scenario
