// What stands on the wires that faults or counters ask for; all others stay direct.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/platform/config.h"
#include "models/platform/wires.h"
#include "scenarios/faults/hypervisor_view.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// Made before the platform and destroyed after it.
class wire_taps final : public models::wire_inserter {
  public:
    explicit wire_taps(wire_hub& hub) : m_hub(hub), m_view(hub) {}

    xen::hypercall_if& hypercall(const std::string& domain, xen::hypercall_if& inner) override;
    xen::memory_if& memory(const std::string& domain, xen::memory_if& inner) override;
    xen::mmio_if& mmio(const std::string& domain, xen::mmio_if& inner) override;
    xen::vcpu_if& vcpu(const std::string& domain, xen::vcpu_if& inner) override;
    xen::disk_if& disk(const std::string& domain, xen::disk_if& inner) override;
    xen::store_wire_if* store(const std::vector<std::string>& domains,
                              std::function<std::string(xen::domid_t)> name_of) override;
    tpm::engine_if& engine(const std::string& owner, tpm::engine_if& inner) override;
    tpm::nv_if& nv(const std::string& owner, tpm::nv_if& inner) override;
    tpm::entropy_if& entropy(const std::string& consumer, tpm::entropy_if& inner) override;

    /// Once the machine is put together and before a fault is armed.
    void attach(xen::machine& host, const models::run_config& config) {
        m_view.attach(host, ring_pairs(config), config.seed);
    }
    hypervisor_view& view() { return m_view; }
    /// Frontends and back ends of the TPM rings of a machine.
    static std::vector<ring_pair> ring_pairs(const models::run_config& config);

  private:
    wire_hub& m_hub;
    hypervisor_view m_view;
    std::vector<std::shared_ptr<void>> m_taps;  ///< whatever was handed out
};

}  // namespace vtwin::scenario
