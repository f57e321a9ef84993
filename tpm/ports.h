// The seams of the TPM part: time and chance in, commands and bus cycles through, observations out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

namespace vtwin::tpm {

using bytes = std::vector<std::byte>;
using byte_view = std::span<const std::byte>;

/// Source of random bytes: one seeded stream per consumer, never shared.
class entropy_if {
  public:
    virtual ~entropy_if() = default;
    virtual void fill(std::span<std::byte> out) = 0;
    /// False while the source is broken: what `fill` gave then is not to be used.
    virtual bool works() const { return true; }
};

/// What a TPM keeps without power: blobs by name.
class nv_if {
  public:
    virtual ~nv_if() = default;
    /// Nullopt: there is none.
    virtual std::optional<bytes> load(std::string_view name) = 0;
    /// False: the store failed.
    [[nodiscard]] virtual bool store(std::string_view name, byte_view blob) = 0;
    /// False: there was none.
    virtual bool remove(std::string_view name) = 0;
};

enum class family : std::uint8_t { tpm12, tpm20 };

/// One TPM as something that executes commands (TPM Main Part 3, or TPM 2.0 Part 3). Not timed.
class engine_if {
  public:
    virtual ~engine_if() = default;
    /// Executes one command at a locality (0..4; other values as the family defines); gives the response.
    virtual bytes execute(byte_view command, std::uint8_t locality) = 0;
    /// _TPM_Hash_Start/Data/End, the locality-4 dynamic launch sequence.
    virtual void hash_start() = 0;
    virtual void hash_data(byte_view data) = 0;
    virtual void hash_end() = 0;
    virtual bool established() = 0;  ///< tpmEstablished as the TPM stores it (not inverted)
    virtual bool reset_established(std::uint8_t locality) = 0;
    /// _TPM_Init: power cycle. Volatile state is lost, permanent state kept. Software sends TPM_Startup.
    virtual void power_cycle() = 0;
    virtual family version() const = 0;
};

// ---- what an observer may subscribe to; with no subscriber nothing is paid --------------------------------

/// One LPC TPM cycle (one byte), LPC 1.1 framing.
struct lpc_cycle {
    sc_core::sc_time start, end;
    bool write;
    std::uint16_t address;  ///< locality in bits 15:12, register offset below
    std::uint8_t data;
    std::uint32_t wait_clocks;
    std::optional<std::uint32_t> master = std::nullopt;  ///< its bus_master, when it had one
};

/// State of the TIS interface after a change.
struct tis_state {
    enum class fsm : std::uint8_t {
        idle,
        ready,
        reception,
        reception_complete,
        execution,
        completion,
        completion_read
    };
    fsm state;
    std::int8_t active_locality;  ///< -1: none
    std::uint8_t access[5];       ///< TPM_ACCESS as each locality reads it
    std::uint32_t sts;            ///< TPM_STS as the active locality reads it
    std::uint8_t int_status;
    sc_core::sc_time at;  ///< when it changed: with temporal decoupling ahead of sc_time_stamp()
};

/// One command executed by a TPM.
struct chip_command {
    sc_core::sc_time go, done;  ///< of a chip: tpmGo, dataAvail
    std::uint32_t ordinal, result;
    std::uint8_t locality;
    byte_view command, response;  ///< of a chip: as they crossed the FIFO; valid during the call
    std::optional<std::uint32_t> master = std::nullopt;  ///< bus_master of the cycle that was tpmGo
};

}  // namespace vtwin::tpm
