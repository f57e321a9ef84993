// What a run is made of: validated, complete, no optionals except where absence means something. Scenario
// files are turned into these structs by scenarios/; models read nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hypervisor/costs.h"
#include "hypervisor/xenstore/store_ops.h"
#include "models/behaviours/behaviours.h"
#include "models/costs.h"
#include "models/live/recorded_work.h"
#include "models/ports.h"
#include "tpm/chip_profile.h"
#include "tpm/engine/rsa_calls.h"

namespace vtwin::models {

/// A file that takes part in a run: its content was read and hashed when the scenario was loaded.
struct measured_file {
    std::string path;
    bytes content;  ///< empty when only digests matter (IMA files)
    bytes sha1, sha256;
};

/// A machine file for a disk: content at start; empty content means a blank disk of `size` bytes.
struct disk_config {
    std::uint64_t size = 0;
    std::string path;  ///< "" for a disk that lives only during the run
    bytes content;
};

struct firmware_measurement {
    std::uint32_t pcr = 0;
    std::string description;
    bytes sha1;  ///< digest that the firmware extends
};

struct manager_config {
    std::string name = "vtpmmgr";
    std::string label;
    std::uint32_t memory_mib = 0;
    std::uint32_t locality = 0;  ///< tpmlocality=
    bool keeps_locality = true;  ///< until somebody asks for it; false: gives it up behind each command
    disk_config disk;
    std::string command_line;  ///< as xl would hand it over
};

struct vtpm_config {
    std::string name;
    std::string backend;  ///< name of the manager domain
    std::string label;
    uuid_t uuid;
    std::uint32_t memory_mib = 0;
    disk_config disk;
    tpm::family version = tpm::family::tpm12;
    bool administrator = false;  ///< started first and attached to dom0; becomes the manager's first record
    std::string command_line;
};

/// What a guest's user space asks of its TPM, again and again.
struct load_config {
    enum class command : std::uint8_t {
        vtpm_pcr_read,    ///< TPM_PCRRead of the vTPM; saves the image as every success does
        vtpm_extend,      ///< TPM_Extend of the vTPM
        vtpm_get_random,  ///< TPM_GetRandom of the vTPM
        chip_pcr_read,    ///< TPM_PCRRead of the hardware TPM, through vTPM and manager
        chip_get_random,  ///< TPM_GetRandom of the hardware TPM, likewise
        quote,            ///< OIAP and the quote of the vTPM
        deep_quote,       ///< OIAP and the deep quote: vTPM, manager, hardware TPM
    };
    command what = command::vtpm_pcr_read;
    bool open = false;          ///< arrivals do not wait for answers; false: one request after the other
    bool exponential = false;   ///< intervals drawn from an exponential distribution; false: constant
    sc_core::sc_time interval;  ///< open: mean time between arrivals; closed: mean think time
    std::uint64_t count = 0;    ///< operations; 0: no limit
    sc_core::sc_time duration;  ///< nothing is begun (closed) or arrives (open) later; zero: no limit
    sc_core::sc_time warm_up;   ///< the first part of the load, which figures leave out
    std::optional<sc_core::sc_time> start;     ///< simulated time; absent: as soon as user space is there
    std::optional<sc_core::sc_time> deadline;  ///< an operation that takes longer has missed it
    bool before_attestation = false;
};

/// How the agent of a guest with a TPM 1.2 has its PCRs signed.
enum class quote_command : std::uint8_t {
    quote,   ///< TPM_Quote: TPM_QUOTE_INFO over the PCR composite
    quote2,  ///< TPM_Quote2: TPM_QUOTE_INFO2, which also says the locality
};

struct guest_config {
    std::string name;
    std::string label;
    std::uint32_t memory_mib = 0;
    std::string vtpm;                               ///< its vTPM domain
    tpm::family vtpm_version = tpm::family::tpm12;  ///< of that vTPM: boot loader and kernel are built for it
    std::optional<sc_core::sc_time>
        attach_after;  ///< vtpm-attach this long after the guest started; absent: at boot
    measured_file kernel, initrd;
    std::string command_line;
    std::vector<measured_file> ima_files;  ///< in the order of their first use
    sc_core::sc_time ima_interval;         ///< between two measured files
    sc_core::sc_time attest_after;         ///< from the start of user space to the challenge
    std::uint32_t attestations = 1;
    sc_core::sc_time attestation_interval;
    quote_command quote = quote_command::quote;
    bool hwrng = true;                         ///< the kernel's random pool is fed from the vTPM
    std::optional<load_config> load;           ///< absent: none
    std::optional<live::recording> recording;  ///< what user space does at last; absent: nothing
};

struct machine_config {
    std::string name;
    std::uint32_t pcpus = 0;
    std::string scheduler;  ///< "credit", "round_robin"
    bool xsm = true;        ///< FLASK labels available
    xen::cost_profile hypervisor_costs;
    xen::store_quotas store_quotas;  ///< xenstored's defaults; they end at about 75 vTPMs for one manager
    software_costs costs;
    behaviour_set behaviours;
    tpm::rsa_keys rsa_keys = tpm::rsa_keys::drawn;  ///< of all TPMs
    tpm::chip_profile chip;
    std::vector<firmware_measurement> firmware;
    manager_config manager;
    std::vector<vtpm_config> vtpms;
    std::vector<guest_config> guests;
    /// Of the hardware TPM's driver in dom0; absent: dom0 has none.
    std::optional<std::uint32_t> dom0_tpm_locality;
    std::optional<live::recording> dom0_recording;  ///< what dom0's user space does; absent: nothing
    std::uint32_t restarts = 0;  ///< how often dom0 stops the stack and its guests and starts them again
};

/// What the verifier holds a guest's evidence against.
struct guest_reference {
    tpm::family version = tpm::family::tpm12;  ///< of the guest's vTPM; the other one's evidence is refused
    std::optional<quote_command> quote;        ///< TPM 1.2: the only one accepted; absent: either
    bytes kernel_sha1, initrd_sha1;
    bytes kernel_sha256, initrd_sha256;
    std::string command_line;
    /// Path to the digests that are approved, as IMA lists them: "sha256:<lower-case hexadecimal>".
    std::map<std::string, std::set<std::string>> ima_files;
    bytes firmware_log;  ///< binary_bios_measurements of an approved boot; empty: pv-grub's, as above
    uuid_t vtpm_uuid;
    std::string vtpm_label;
};
struct verifier_config {
    std::string name;
    std::map<std::string, guest_reference> guests;
    std::vector<firmware_measurement> platform;  ///< the approved boot of the hardware, in order
    std::uint32_t vtpm_pcr_mask = 0;
    std::uint32_t hardware_pcr_mask = 0;
    std::uint32_t deep_quote_flags = 0;
};

struct run_config {
    std::uint64_t seed = 0;
    machine_config machine;
    verifier_config verifier;
    sc_core::sc_time time_limit;  ///< the run fails when it is not over by then
};

}  // namespace vtwin::models
