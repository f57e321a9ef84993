// What stands on the wires that faults or counters ask for; all others stay direct.
#pragma once

#include <memory>
#include <vector>

#include "models/platform/wires.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// Made before the platform and destroyed after it.
class wire_taps final : public models::wire_inserter {
  public:
    explicit wire_taps(wire_hub& hub) : m_hub(hub) {}

    xen::hypercall_if& hypercall(const std::string& domain, xen::hypercall_if& inner) override;
    xen::memory_if& memory(const std::string& domain, xen::memory_if& inner) override;
    xen::mmio_if& mmio(const std::string& domain, xen::mmio_if& inner) override;
    xen::vcpu_if& vcpu(const std::string& domain, xen::vcpu_if& inner) override;
    xen::disk_if& disk(const std::string& domain, xen::disk_if& inner) override;
    tpm::engine_if& engine(const std::string& owner, tpm::engine_if& inner) override;
    tpm::entropy_if& entropy(const std::string& consumer, tpm::entropy_if& inner) override;

  private:
    wire_hub& m_hub;
    std::vector<std::shared_ptr<void>> m_taps;  ///< whatever was handed out
};

}  // namespace vtwin::scenario
