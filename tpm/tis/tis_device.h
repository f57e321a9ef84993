// A TPM as the bus sees it: the TIS / PTP FIFO register file of five localities in front of an engine.
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <array>
#include <cstdint>
#include <functional>
#include <systemc>
#include <tlm>
#include <vector>

#include "tpm/chip_profile.h"
#include "tpm/ports.h"
#include "tpm/tis/command_fsm.h"
#include "tpm/tis/locality_arbiter.h"
#include "tpm/tis/register_bank.h"

namespace vtwin::tpm {

/// TPM_STS, bit by bit.
struct sts_bits {
    static constexpr std::uint32_t reset_establishment = 1u << 25, command_cancel = 1u << 24,
                                   sts_valid = 0x80, command_ready = 0x40, tpm_go = 0x20, data_avail = 0x10,
                                   expect = 0x08, self_test_done = 0x04, response_retry = 0x02;
    static constexpr unsigned burst_shift = 8, family_shift = 26;
};

/// TPM_INT_ENABLE and TPM_INT_STATUS, bit by bit.
struct int_bits {
    static constexpr std::uint32_t global_enable = 1u << 31, command_ready = 0x80, polarity = 0x18,
                                   locality_change = 0x04, sts_valid = 0x02, data_avail = 0x01;
    static constexpr std::uint32_t sources = command_ready | locality_change | sts_valid | data_avail;
};

/// Time-accurate with temporal decoupling: a byte transaction acts at sc_time_stamp() + delay, and everything
/// the chip does by itself (end of TPM_Init, end of a command, stsValid, commandReady) has happened in order
/// before it. Callers must present transactions in the order of their times; a bus does.
class tis_device : public sc_core::sc_module {
  public:
    // registers
    static constexpr std::uint16_t access = 0x000, int_enable = 0x008, int_vector = 0x00C, int_status = 0x010,
                                   interface_capability = 0x014, sts = 0x018, hash_end = 0x020,
                                   data_fifo = 0x024, hash_start = 0x028, interface_id = 0x030,
                                   xdata_fifo = 0x080, did_vid = 0xF00, rid = 0xF04;
    static constexpr unsigned localities = locality_arbiter::localities;

    /// One byte per transaction, address = locality << 12 | offset. The extension special_cycle marks
    /// microcode's cycles; without it the page of locality 4 ignores writes. A bus_master is told to
    /// observers.
    tlm_utils::simple_target_socket<tis_device> socket;
    /// After each change of what software can see.
    tlm::tlm_analysis_port<tis_state> states;
    /// When a response becomes readable; commands aborted on the way are not reported.
    tlm::tlm_analysis_port<chip_command> commands;
    /// Interrupt line, true while an enabled cause is recorded and a SERIRQ slot is set. May stay unbound.
    sc_core::sc_port<sc_core::sc_signal_inout_if<bool>, 1, sc_core::SC_ZERO_OR_MORE_BOUND> interrupt;

    /// The chip is powered at time 0: TPM_Init runs for init_time; the engine is taken as freshly powered.
    /// `timing_chance` feeds the durations. Profile and engine must outlive the device.
    tis_device(sc_core::sc_module_name name, const chip_profile& profile, engine_if& engine,
               entropy_if& timing_chance);

    /// LRESET# pulse: power-cycles the engine, forgets everything volatile, runs TPM_Init again.
    void reset();

    /// What a command that was drawn this long takes instead; empty: that long. Asked at each tpmGo, after
    /// the engine has computed the answer.
    std::function<sc_core::sc_time(std::uint32_t ordinal, const sc_core::sc_time& drawn)> on_duration;

    /// What software could read now; pure.
    tis_state snapshot() const;

  private:
    enum timer : std::uint8_t { init_over, command_done, ready_reached, bytes_digested, timers };
    struct deadline {
        sc_core::sc_time at;
        bool armed = false;
    };

    void start_of_simulation() override;
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void deadline_reached();
    void drive_interrupt();

    // time
    void arm(timer which, const sc_core::sc_time& at);
    void disarm(timer which) { m_deadlines[which].armed = false; }
    void advance(const sc_core::sc_time& to);
    void expire(timer which);
    void schedule_wake();

    // registers (tis_registers.cpp)
    void declare_registers(unsigned locality);
    void declare_interrupt_registers(unsigned locality);
    void declare_fifo(unsigned locality);
    std::uint32_t status() const;
    std::uint8_t read_access(unsigned locality) const;
    void write_access(unsigned locality, std::uint8_t value);
    void write_status(unsigned locality, unsigned lane, std::uint8_t value);
    void write_int_enable(unsigned lane, std::uint8_t value);
    void write_int_status(unsigned lane, std::uint8_t value);
    void write_interface_id(unsigned lane, std::uint8_t value);
    void write_fifo(std::uint8_t value);
    std::uint8_t read_fifo();

    // events of the chip
    void apply(const locality_arbiter::outcome& outcome);
    void command_ready_written();
    void go_written();
    void cancel_written();
    void reset_establishment_written(unsigned locality);
    void lose_owner();
    void stop_engine();
    void finish_command();
    void hash_start_cycle();
    void hash_data_cycle(std::uint8_t value);
    void hash_end_cycle();

    bool sts_valid() const;
    void raise(std::uint32_t cause);
    void note_edges();
    void settle();

    const chip_profile& m_profile;
    engine_if& m_engine;
    entropy_if& m_chance;

    std::vector<register_bank> m_banks;  ///< by locality
    locality_arbiter m_arbiter;
    command_fsm m_fsm;

    // flip-flops seen through five windows
    std::uint32_t m_int_enable = 0;
    std::uint32_t m_int_vector = 0;
    std::uint32_t m_int_status = 0;
    std::uint32_t m_interface_id = 0;

    bool m_valid = false;        ///< tpmRegValidSts
    bool m_established = false;  ///< copy of the engine's flag, refreshed where it can change
    bool m_self_test_done = false;
    bool m_digested = true;   ///< bytes written have been taken in: stsValid is up
    bool m_aborting = false;  ///< commandReady during Execution waits for the engine to stop
    std::uint32_t m_last_edges =
        0;  ///< commandReady, dataAvail, stsValid as last seen by the interrupt logic

    // the command in the engine
    std::uint8_t m_command_locality = 0;
    std::uint32_t m_command_ordinal = 0;
    std::optional<std::uint32_t> m_command_master;
    bytes m_response;
    sc_core::sc_time m_go_at;
    sc_core::sc_time m_engine_free_at;

    sc_core::sc_time m_now;                 ///< time of the transaction or deadline being handled
    std::optional<std::uint32_t> m_master;  ///< of the last transaction
    std::array<deadline, timers> m_deadlines;
    sc_core::sc_event m_wake, m_line_changed;
    sc_core::sc_time m_wake_at;
    bool m_wake_pending = false;
    bool m_line = false;
    tis_state m_last_state{};
};

}  // namespace vtwin::tpm
