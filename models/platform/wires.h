// Who may stand on the wires of a machine: a fault, a counter, a live client.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hypervisor/block/disk.h"
#include "hypervisor/ports.h"
#include "hypervisor/xenstore/store_wire.h"
#include "tpm/ports.h"

namespace vtwin::models {

/// Asked once for every wire while the platform is put together. Each function gives the end that the wire is
/// bound to: `inner` itself, which is a direct binding and costs nothing, or an object that passes on to it.
/// What is handed out must outlive the platform.
class wire_inserter {
  public:
    virtual ~wire_inserter() = default;

    /// The four ports of a domain; `domain` is its name in the configuration, "dom0" for dom0.
    virtual xen::hypercall_if& hypercall(const std::string& domain, xen::hypercall_if& inner);
    virtual xen::memory_if& memory(const std::string& domain, xen::memory_if& inner);
    virtual xen::mmio_if& mmio(const std::string& domain, xen::mmio_if& inner);
    virtual xen::vcpu_if& vcpu(const std::string& domain, xen::vcpu_if& inner);
    /// Between the block back end and the disk of a domain.
    virtual xen::disk_if& disk(const std::string& domain, xen::disk_if& inner);
    /// Between xenstored and the rings of all domains; nullptr: nobody. `name_of` gives the name of the
    /// domain that has an id at the time of the call.
    virtual xen::store_wire_if* store(const std::vector<std::string>& domains,
                                      std::function<std::string(xen::domid_t)> name_of);
    /// Between the interface of the hardware TPM (`owner` = "tpm") and what computes its commands.
    virtual tpm::engine_if& engine(const std::string& owner, tpm::engine_if& inner);
    /// Between the hardware TPM and what it keeps without power.
    virtual tpm::nv_if& nv(const std::string& owner, tpm::nv_if& inner);
    /// Random numbers of a consumer, by its hierarchical name.
    virtual tpm::entropy_if& entropy(const std::string& consumer, tpm::entropy_if& inner);
};

}  // namespace vtwin::models
