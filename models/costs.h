// What computation costs in the software of the domains. Every figure comes from a profile file.
#pragma once

#include <systemc>

namespace vtwin::models {

struct software_costs {
    sc_core::sc_time irq_handler;       ///< one event channel handler run
    sc_core::sc_time thread_switch;     ///< from one thread of a guest kernel to another
    sc_core::sc_time syscall;           ///< user space to kernel and back
    sc_core::sc_time copy_per_byte;     ///< memcpy
    sc_core::sc_time command_dispatch;  ///< a stub domain's handling of one command besides what follows
    sc_core::sc_time sha1_per_byte, sha256_per_byte, aes_per_byte, cmac_per_byte;
    sc_core::sc_time rsa_private, rsa_public, rsa_keygen;  ///< RSA-2048 in software
    sc_core::sc_time vtpm_command;     ///< software TPM: a command without public-key work
    sc_core::sc_time vtpm20_command;   ///< the same of a software TPM 2.0
    sc_core::sc_time network_latency;  ///< guest to verifier, one way
    sc_core::sc_time firmware_poll;    ///< firmware: pause between two looks at a TPM status register
};

}  // namespace vtwin::models
