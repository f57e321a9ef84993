// The machine's CPU before a hypervisor runs: physical addresses straight onto the bus.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <systemc>
#include <tlm>

#include "hypervisor/ports.h"
#include "tpm/bus/special_cycle.h"

namespace vtwin::models {

class bare_metal_bus final : public sc_core::sc_module, public xen::mmio_if {
  public:
    tlm_utils::simple_initiator_socket<bare_metal_bus> socket;

    bare_metal_bus(sc_core::sc_module_name name, const sc_core::sc_time& access_cost)
        : sc_module(name), socket("socket"), m_access_cost(access_cost) {}

    bool read(std::uint64_t address, std::span<std::byte> out) override {
        return access(tlm::TLM_READ_COMMAND, address, out.data(), out.size());
    }
    bool write(std::uint64_t address, std::span<const std::byte> data) override {
        bytes_copy copy{};
        sc_assert(data.size() <= copy.size());
        std::copy(data.begin(), data.end(), copy.begin());
        return access(tlm::TLM_WRITE_COMMAND, address, copy.data(), data.size());
    }
    /// One octet, written by a cycle that only the processor's microcode makes. Does not wait: the time that
    /// it takes is added to `delay`.
    void write_special(std::uint64_t address, std::byte value, sc_core::sc_time& delay) {
        tlm::tlm_generic_payload transaction;
        describe(transaction, tlm::TLM_WRITE_COMMAND, address, &value, 1);
        transaction.set_extension(&m_special);
        socket->b_transport(transaction, delay);
        transaction.clear_extension<tpm::special_cycle>();
    }

  private:
    using bytes_copy = std::array<std::byte, 8>;

    static void describe(tlm::tlm_generic_payload& transaction, tlm::tlm_command command,
                         std::uint64_t address, std::byte* data, std::size_t size) {
        transaction.set_command(command);
        transaction.set_address(address);
        transaction.set_data_ptr(reinterpret_cast<unsigned char*>(data));
        transaction.set_data_length(static_cast<unsigned>(size));
        transaction.set_streaming_width(static_cast<unsigned>(size));
    }
    bool access(tlm::tlm_command command, std::uint64_t address, std::byte* data, std::size_t size) {
        tlm::tlm_generic_payload transaction;
        describe(transaction, command, address, data, size);
        sc_core::sc_time delay = m_access_cost;
        socket->b_transport(transaction, delay);
        sc_core::wait(delay);
        return transaction.is_response_ok();
    }

    sc_core::sc_time m_access_cost;
    tpm::special_cycle m_special;  ///< lent to the transactions of microcode
};

}  // namespace vtwin::models
