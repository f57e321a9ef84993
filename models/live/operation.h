// What a program outside the simulation asks of a guest's TPM, and what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <systemc>

#include "models/ports.h"

namespace vtwin::models::live {

/// One thing to be done by the served guest's user space, or with the machine around it.
struct operation {
    enum class kind : std::uint8_t {
        command,      ///< `data`, a TPM command, is written to the device `file`; `locality`
        close,        ///< `file`, a file of the resource manager, is closed
        power_off,    ///< the machine behind the door is switched off: commands fail until power_on
        power_on,     ///< TPM_Init: guest and vTPM are started again; TPM_Startup is the client's to send
        hash_start,   ///< _TPM_Hash_Start, below the command interface
        hash_data,    ///< _TPM_Hash_Data of `data`
        hash_end,     ///< _TPM_Hash_End
        established,  ///< tpmEstablished: in `data` of the answer, 1 octet
        reset_established,  ///< at `locality`
        take_permanent,     ///< a copy of that part of the TPM's state, in `data` of the answer
        take_volatile,
        give_permanent,  ///< the state that the next power_on starts with; only while the power is off
        give_volatile,
        presence,    ///< physical presence at the TPM, in `data`: 1 octet, 0 or 1; a power cycle asserts it
        take_saved,  ///< what TPM_SaveState stored
        give_saved,
        attest,  ///< the guest's agent proves its state to the verifier; `data`: an attest_request as JSON.
                 ///< The answer is the verdict as JSON, or a failure whose data says why there is none
    };
    kind what = kind::command;
    std::uint8_t locality = 0;
    bytes data;
    /// 0: /dev/tpm0. Others: one open file of /dev/tpmrm0 each, opened by its first command.
    std::uint32_t file = 0;
};

/// What came of it.
struct answer {
    enum class status : std::uint8_t {
        done,      ///< `data` is the TPM's response, or what else was asked for
        no_power,  ///< the machine is off
        failed,    ///< the kernel gave an error instead of a response, or the TPM refused: `error`
        closed,    ///< the session is over
    };
    status what = status::done;
    int error = 0;  ///< negative errno of the kernel, or the library's code
    bytes data;
    sc_core::sc_time begun, ended;
    bool ok() const { return what == status::done; }
};

/// Whose TPM is used.
enum class place : std::uint8_t {
    guest,     ///< the vTPM of a guest, through its ring
    hardware,  ///< the machine's, through dom0's driver, beside the manager
};

/// How the machine comes to the point where it serves.
enum class start_mode : std::uint8_t {
    guest,  ///< as the scenario says: boot loader, kernel, IMA, attestations and load, then the door. At the
            ///< hardware: once all guests have done so
    init,   ///< the TPM has had TPM_Init, and nobody has used it: the client is the machine's firmware. At
            ///< the hardware: a machine with dom0 and nothing else
    clear,  ///< the same, and TPM_Startup(ST_CLEAR) was sent
    dom0,   ///< only at the hardware: as soon as the manager is provisioned; then the guests are started
};

/// Where the served guest takes its work from. Called in the guest's main thread.
class work_if {
  public:
    virtual ~work_if() = default;
    /// Waits for something to do; nullopt: there will be nothing more. The operation begins when the guest's
    /// clock has reached `at`.
    struct item {
        operation what;
        sc_core::sc_time at;
        bool idle = false;  ///< nothing is to be done but to let time pass until `at`, and to ask again
    };
    virtual std::optional<item> next() = 0;
    /// The one that next() gave is done.
    virtual void done(const operation& what, answer result) = 0;
};

}  // namespace vtwin::models::live
