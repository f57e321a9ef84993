#include "hypervisor/domain.h"

#include <algorithm>

#include "hypervisor/domain_instance.h"
#include "hypervisor/event/event_fabric.h"
#include "hypervisor/hypercalls.h"
#include "hypervisor/machine.h"
#include "hypervisor/mmio_origin.h"
#include "hypervisor/sched/virtual_cpu.h"

namespace vtwin::xen {

/// A powered-off domain has no memory: each access is a fault.
class domain::memory_port final : public memory_if {
  public:
    explicit memory_port(domain& of) : m_domain(of) {}
    bool read(guest_addr from, std::span<std::byte> out) override {
        return m_domain.m_life != nullptr && m_domain.m_life->space.read(from, out);
    }
    bool write(guest_addr to, std::span<const std::byte> data) override {
        return m_domain.m_life != nullptr && m_domain.m_life->space.write(to, data);
    }
    bool compare_exchange16(guest_addr at, std::uint16_t& expected, std::uint16_t desired) override {
        return m_domain.m_life != nullptr && m_domain.m_life->space.compare_exchange16(at, expected, desired);
    }

  private:
    domain& m_domain;
};

/// Checks the domain's iomem permission, then goes to the chipset.
class domain::mmio_port final : public mmio_if {
  public:
    explicit mmio_port(domain& of) : m_domain(of) {}
    bool read(std::uint64_t address, std::span<std::byte> out) override {
        return access(tlm::TLM_READ_COMMAND, address, out.data(), out.size());
    }
    bool write(std::uint64_t address, std::span<const std::byte> data) override {
        std::vector<std::byte> copy(data.begin(), data.end());
        return access(tlm::TLM_WRITE_COMMAND, address, copy.data(), copy.size());
    }

  private:
    bool access(tlm::tlm_command command, std::uint64_t address, std::byte* data, std::size_t size);
    bool permitted(std::uint64_t address, std::size_t size) const;

    domain& m_domain;
};

bool domain::mmio_port::permitted(std::uint64_t address, std::size_t size) const {
    if (size == 0 || size > page_size || address > UINT64_MAX - size)
        return false;
    const auto& iomem = m_domain.m_params.iomem;
    for (auto frame = address / page_size; frame <= (address + size - 1) / page_size; ++frame)
        if (std::find(iomem.begin(), iomem.end(), frame) == iomem.end())
            return false;
    return true;
}

bool domain::mmio_port::access(tlm::tlm_command command, std::uint64_t address, std::byte* data,
                               std::size_t size) {
    auto& cpu = *m_domain.m_cpu;
    if (cpu.stopped())
        throw domain_stopped{};
    if (!permitted(address, size))
        return false;
    if (!cpu.in_upcall())
        cpu.sync();  // the access happens after what was computed before it
    auto delay = sc_core::SC_ZERO_TIME;
    auto& socket = m_domain.m_host.mmio_socket;
    bool answered = false;
    if (socket.size() > 0) {
        tlm::tlm_generic_payload access;
        access.set_command(command);
        access.set_address(address);
        access.set_data_ptr(reinterpret_cast<unsigned char*>(data));
        access.set_data_length(static_cast<unsigned>(size));
        access.set_streaming_width(static_cast<unsigned>(size));
        access.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        mmio_origin origin(m_domain.domid());
        access.set_extension(&origin);
        socket->b_transport(access, delay);
        access.clear_extension(&origin);
        answered = access.is_response_ok();
    }
    if (!answered && command == tlm::TLM_READ_COMMAND)
        std::fill_n(data, size, std::byte{0xFF});  // nobody drives the bus
    cpu.charge(delay + m_domain.m_host.costs().mmio_access);
    if (!cpu.in_upcall())
        cpu.sync();
    return true;
}

domain::domain(sc_core::sc_module_name name, machine& host, domain_params params)
    : sc_module(name),
      hypercall("hypercall"),
      memory("memory"),
      mmio("mmio"),
      vcpu("vcpu"),
      m_host(host),
      m_params(std::move(params)),
      m_cpu(std::make_unique<virtual_cpu>(host.cpus(), host.costs(), host.vcpu_states, m_params.weight)),
      m_hypercalls(std::make_unique<hypercalls>(host, *this)),
      m_memory_port(std::make_unique<memory_port>(*this)),
      m_mmio_port(std::make_unique<mmio_port>(*this)) {
    hypercall.bind(*m_hypercalls);
    memory.bind(*m_memory_port);
    mmio.bind(*m_mmio_port);
    vcpu.bind(*m_cpu);
    m_cpu->on_deadline([this] {
        if (m_life != nullptr)
            m_host.events().raise_virq(*m_life, virq::timer);
    });
}

domain::~domain() = default;

}  // namespace vtwin::xen
