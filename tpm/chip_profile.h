// A chip's personality: what distinguishes one hardware TPM from another, as data. No figure lives in code;
// profile files fill this in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <systemc>

#include "tpm/ports.h"

namespace vtwin::tpm {

/// How long a chip executes one ordinal: offset + constant, with a spread or a Gamma(k = 2) prime search.
struct duration_model {
    enum class shape : std::uint8_t { constant, gaussian, gamma2 };
    shape kind = shape::constant;
    sc_core::sc_time base;   ///< constant: the time; gaussian: mean; gamma2: offset
    sc_core::sc_time scale;  ///< gaussian: standard deviation; gamma2: scale (mean = base + 2 * scale)
};

struct chip_profile {
    std::string name;  ///< "slb9635"
    std::string description, source;
    family version = family::tpm12;
    // identification registers
    std::uint32_t did_vid = 0;
    std::uint8_t rid = 0;
    std::uint32_t interface_capability = 0;
    std::uint32_t interface_id = 0xFFFFFFFF;
    // bus
    std::string bus;  ///< "lpc"
    double bus_mhz = 0;
    std::uint32_t lpc_wait_clocks = 0;  ///< SYNC wait states per cycle
    // TIS behaviour, tis-hardware switches by name
    std::uint32_t burst_count = 0;
    std::uint32_t buffer_size = 0;
    bool sts_valid_when_idle = false;
    bool relinquish_keeps_fsm = false;
    enum class cr_target : std::uint8_t { idle, ready, ignored };
    cr_target cr_from_completion = cr_target::idle;
    cr_target cr_abort = cr_target::idle;
    bool go_unchecked = false;
    bool expect_in_ready = false;
    bool ready_sticky = false;
    bool expect_early = false;
    // reaction times
    sc_core::sc_time init_time;           ///< _TPM_Init to registers valid
    sc_core::sc_time command_ready_time;  ///< write of commandReady to commandReady = 1
    sc_core::sc_time sts_valid_time;      ///< digest time after the last byte of a burst
    sc_core::sc_time abort_time;  ///< longest time from an abort until the engine has stopped; 0: at once
    // execution times
    duration_model default_duration;
    std::map<std::uint32_t, duration_model> durations;  ///< by ordinal or command code
};

}  // namespace vtwin::tpm
