// The LPC bus between the chipset and a TPM: any access of the host becomes TPM cycles of one byte, lowest
// address first (LPC 1.1 framing, START nibble 0101).
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <string_view>
#include <systemc>
#include <tlm>

#include "tpm/bus/bus_master.h"
#include "tpm/bus/special_cycle.h"
#include "tpm/chip_profile.h"
#include "tpm/ports.h"

namespace vtwin::tpm {

class lpc_bus : public sc_core::sc_module {
  public:
    static constexpr std::uint64_t window_base = 0xFED40000;
    static constexpr std::uint64_t window_size = 0x5000;
    /// START 1, cycle type 1, address 4, data 2, turn-around 2, SYNC 1, turn-around 2.
    static constexpr std::uint32_t clocks_per_byte = 13;
    /// Clocks before the ready SYNC (wait states not counted), when the chip acts.
    static constexpr std::uint32_t clocks_to_sync = 8;

    /// Host side: physical addresses, any length, no byte enables. Bus time is added to the delay of
    /// b_transport. Bytes outside the window read 0xFF and take a bus cycle that nobody answers.
    tlm_utils::simple_target_socket<lpc_bus> host;
    /// Device side: one byte each, address = locality << 12 | offset, presented with the time of its SYNC.
    tlm_utils::simple_initiator_socket<lpc_bus> device;
    /// Every TPM cycle, in order.
    tlm::tlm_analysis_port<lpc_cycle> cycles;

    /// Uses bus_mhz (0: the bus takes no time) and lpc_wait_clocks. The clock period is rounded to whole
    /// picoseconds and every phase is a multiple of it: at 33.333333 MHz a byte takes 13 * 30,000 ps = 390.0
    /// ns. A cycle starts when the host asks or the cycle before has ended; it is not aligned to a
    /// free-running clock.
    lpc_bus(sc_core::sc_module_name name, const chip_profile& profile);

    sc_core::sc_time clock_period() const { return m_period; }
    sc_core::sc_time byte_time() const { return m_period * (clocks_per_byte + m_wait_clocks); }
    /// Wait clocks of each byte from now on.
    void set_wait_clocks(std::uint32_t clocks) { m_wait_clocks = clocks; }
    std::uint32_t wait_clocks() const { return m_wait_clocks; }

  private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void transfer_byte(std::uint64_t address, unsigned char& data, const tlm::tlm_generic_payload& payload);

    sc_core::sc_time m_period;
    std::uint32_t m_wait_clocks;
    sc_core::sc_time m_free_at;  ///< end of the last cycle
    special_cycle m_special;     ///< lent to the byte transactions of a special cycle
    bus_master m_master;         ///< lent to those of a transaction that has one
};

}  // namespace vtwin::tpm
