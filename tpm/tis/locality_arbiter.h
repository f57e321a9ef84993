// Who owns the TPM: arbitration among the five localities (TIS 1.3 / PTP 1.05 section "Locality"). A pure
// state machine: no time, no bus.
#pragma once

#include <cstdint>

namespace vtwin::tpm {

/// TPM_ACCESS, bit by bit.
struct access_bits {
    static constexpr std::uint8_t valid = 0x80, active_locality = 0x20, been_seized = 0x10, seize = 0x08,
                                  pending_request = 0x04, request_use = 0x02, establishment = 0x01;
    static constexpr std::uint8_t writable = active_locality | been_seized | seize | request_use;
};

class locality_arbiter {
  public:
    static constexpr int localities = 5;
    static constexpr int none = -1;

    /// What one event means for the rest of the device.
    struct outcome {
        bool abort = false;      ///< the command state machine loses its owner: FIFOs cleared, state Idle
        bool abandoned = false;  ///< with abort: relinquished and nobody waits (parts differ here)
        bool interrupt = false;  ///< localityChange interrupt
        bool accepted = false;   ///< hash_start: the sequence is open now; hash_end: it was
    };

    /// One byte written to TPM_ACCESS of a locality. More than one writable 1 is ignored altogether.
    outcome write_access(int locality, std::uint8_t value);
    /// TPM_HASH_START and TPM_HASH_END cycles in page 4.
    outcome hash_start();
    outcome hash_end();
    void reset();

    /// TPM_ACCESS as a locality reads it once the registers are valid. `established` is not inverted.
    std::uint8_t read_access(int locality, bool established) const;

    int active() const { return m_active; }             ///< owner, or none
    std::uint8_t waiting() const { return m_waiting; }  ///< requestUse by locality, bit mask
    std::uint8_t seized() const { return m_seized; }    ///< beenSeized by locality, bit mask
    bool hash_open() const { return m_hash_open; }

  private:
    outcome request(int locality);
    outcome relinquish(int locality);
    outcome seize(int locality);
    bool hand_over();

    int m_active = none;
    std::uint8_t m_waiting = 0;
    std::uint8_t m_seized = 0;
    bool m_hash_open = false;
};

}  // namespace vtwin::tpm
