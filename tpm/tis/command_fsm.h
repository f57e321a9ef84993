// The command state machine of the FIFO interface with its buffer (TIS 1.3 / PTP 1.05, "Command and response
// states"). Pure: no time, no bus; the device around it decides when the engine has finished.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tpm/chip_profile.h"
#include "tpm/ports.h"

namespace vtwin::tpm {

enum class fsm_event : std::uint8_t {
    command_ready,    ///< CR: STS.commandReady written
    go,               ///< GO: STS.tpmGo written
    response_retry,   ///< RR: STS.responseRetry written
    cancel,           ///< CC: STS.commandCancel written
    fifo_write,       ///< WF: a byte written, not the last of the command
    fifo_write_last,  ///< WL
    fifo_read,        ///< RF: a byte read, not the last of the response
    fifo_read_last,   ///< RL
    done,             ///< DONE: the engine has finished
    locality_change,  ///< LOC: relinquish, seize or HASH_START
    init,             ///< INIT: TPM_Init
    count,
};

/// One cell of the state table under a profile: the state that follows. Events that change nothing, and those
/// that cannot happen, give the state itself.
tis_state::fsm next_state(tis_state::fsm state, fsm_event event, const chip_profile& profile);

class command_fsm {
  public:
    /// Keeps a reference: the profile must outlive it. buffer_size must hold at least a header (asserted).
    explicit command_fsm(const chip_profile& profile);

    tis_state::fsm state() const { return m_state; }
    bool command_ready() const;
    bool expect() const;
    bool data_available() const;
    /// Bytes that may be moved now (TPM_STS.burstCount).
    std::uint16_t burst_count() const;
    /// The bytes received so far, or while it executes the command.
    byte_view command() const { return m_command; }
    /// The engine's response, until the command is over.
    byte_view response() const { return m_response; }
    /// Bytes 6..9 of the command, 0 when it is shorter.
    std::uint32_t ordinal() const;

    /// State that would follow; nothing changes.
    tis_state::fsm peek(fsm_event event) const { return next_state(m_state, event, m_profile); }
    /// A status bit was written, or the owner or the power changed. Returns whether the state changed.
    bool apply(fsm_event event);
    /// One byte to the FIFO. Returns false when it was dropped.
    bool write(std::byte value);
    /// One byte from the FIFO; 0xFF when nothing is there.
    std::byte read();
    /// The engine's response; ignored outside Execution.
    void complete(bytes response);

  private:
    bool is_last_of_command() const;
    std::size_t response_size() const;
    void enter(tis_state::fsm next);

    const chip_profile& m_profile;
    tis_state::fsm m_state = tis_state::fsm::idle;
    bytes m_command;
    bytes m_response;
    std::size_t m_read = 0;  ///< response bytes handed out
};

/// Big-endian word at an offset; 0 when the bytes are not all there.
std::uint32_t be32_at(byte_view data, std::size_t offset);

}  // namespace vtwin::tpm
