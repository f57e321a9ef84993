// The event log of a machine's firmware, as Linux shows it in binary_bios_measurements.
// Source: TCG PC Client Platform Firmware Profile 1.05, chapter 10 (crypto-agile form); TCG PC Client
// Implementation for BIOS 1.21, 11.3 (SHA-1 form).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/remote/crypto.h"

namespace vtwin::models::remote {

struct firmware_event {
    std::uint32_t pcr = 0, type = 0;
    bytes digest;  ///< of the bank that was asked for
    bytes data;
    /// EV_NO_ACTION only informs.
    bool extends() const;
};

struct firmware_log {
    std::vector<firmware_event> events;  ///< without the header of the crypto-agile form
    std::uint8_t startup_locality = 0;   ///< PCR 0 begins with it
    std::string problem;                 ///< why the octets are no log, or none of that bank; else empty

    /// What the PCRs that it extends become.
    std::map<std::uint32_t, bytes> replay(pcr_hash bank) const;
    /// The events that extend a PCR, in order.
    std::vector<const firmware_event*> of(std::uint32_t pcr) const;
};

/// Reads all events or says what is wrong with which.
firmware_log parse_firmware_log(byte_view octets, pcr_hash bank);

/// "EV_EFI_VARIABLE_BOOT BootOrder", "EV_IPL grub_cmd: ...": the type and what can be read of the data. One
/// line of printable characters, whatever the data is.
std::string describe(const firmware_event& event);

}  // namespace vtwin::models::remote
