// Faults between the software of a domain and its vCPU: time that it has to pay, and time that it is told.
#pragma once

#include <functional>

#include "models/platform/platform.h"
#include "scenarios/faults/domain_clock.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// A payment: what the software has charged since the last one.
struct vcpu_access {
    sc_core::sc_time charged;
    sc_core::sc_time more;  ///< what it has to pay on top
};

class vcpu_effect : public fault_effect {
  public:
    virtual void act(vcpu_access& access) = 0;
};

/// Crossings: "sync" and "block" when the software calls them, "upcall" when the event upcall is entered.
class vcpu_tap final : public xen::vcpu_if {
  public:
    vcpu_tap(wire& on, xen::vcpu_if& inner) : m_wire(on), m_inner(inner) {}

    void charge(const sc_core::sc_time& cpu_time) override;
    void sync() override;
    void block(const std::optional<sc_core::sc_time>& deadline) override;
    void set_upcall(std::function<void()> handler) override;
    void set_upcall_mask(bool masked) override { m_inner.set_upcall_mask(masked); }
    sc_core::sc_time system_time() const override { return m_clock.now(); }

    /// What its system_time shows. Whoever changes it has to wake the vCPU: it may be waiting for a time.
    domain_clock& clock() { return m_clock; }

  private:
    void pay(std::string_view operation);

    wire& m_wire;
    xen::vcpu_if& m_inner;
    domain_clock m_clock;
    sc_core::sc_time m_charged;
};

/// The tap on a domain's vCPU; nullptr when it is bound directly.
vcpu_tap* tap_of_vcpu(models::platform& machine, const std::string& domain);

}  // namespace vtwin::scenario
