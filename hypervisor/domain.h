// A domain as the machine's inventory knows it: a named slot that can be powered on and off, with its ports.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/ports.h"

namespace vtwin::xen {

class machine;
class virtual_cpu;
struct domain_instance;

struct domain_params {
    std::string label;                         ///< FLASK security label
    std::uint32_t nr_pages = 0;                ///< memory, in pages of 4096 bytes
    std::vector<std::uint64_t> iomem;          ///< machine frame numbers of I/O memory that it may access
    bool privileged = false;                   ///< dom0: the first such domain gets domid 0
    std::uint32_t weight = 256;                ///< share of the physical CPUs
    std::uint32_t max_grant_frames = 64;       ///< xl max_grant_frames: 512 v1 entries each
    std::uint32_t max_maptrack_frames = 1024;  ///< xl max_maptrack_frames: 256 handles each
    std::uint32_t max_event_channels = 1023;   ///< xl max_event_channels: highest usable port
};

/// Ports of a domain are bound to these exports in models/platform.
class domain : public sc_core::sc_module {
  public:
    enum class state : std::uint8_t { off, paused, running, shut_down };

    sc_core::sc_export<hypercall_if> hypercall;
    sc_core::sc_export<memory_if> memory;
    sc_core::sc_export<mmio_if> mmio;
    sc_core::sc_export<vcpu_if> vcpu;

    /// For machine::add_domain.
    domain(sc_core::sc_module_name name, machine& host, domain_params params);
    ~domain() override;

    const domain_params& params() const { return m_params; }
    const std::string& label() const { return m_params.label; }
    domid_t domid() const { return m_domid; }  ///< domid_invalid while off
    state power() const { return m_state; }
    /// Contents of its start_info page; valid from machine::create to destroy.
    const start_info& info() const { return m_info; }

    /// Entry point of the kernel, called by machine::unpause at each start. Without one the vCPU never runs.
    void on_boot(std::function<void(const start_info&)> hook) { m_boot = std::move(hook); }

    machine& host() const { return m_host; }
    virtual_cpu& cpu() const { return *m_cpu; }
    domain_instance* life() const { return m_life; }  ///< nullptr while off

  private:
    friend class machine;
    class memory_port;
    class mmio_port;

    machine& m_host;
    domain_params m_params;
    domid_t m_domid = domid_invalid;
    state m_state = state::off;
    std::uint32_t m_pauses = 0;  ///< of the domain builder and of others
    bool m_booted = false;       ///< has run since it was created
    start_info m_info;
    domain_instance* m_life = nullptr;
    std::function<void(const start_info&)> m_boot;
    std::unique_ptr<virtual_cpu> m_cpu;
    std::unique_ptr<hypercall_if> m_hypercalls;
    std::unique_ptr<memory_if> m_memory_port;
    std::unique_ptr<mmio_if> m_mmio_port;
};

}  // namespace vtwin::xen
