// The keys themselves. A key that is added here is read from files, checked, listed, documented and written
// back.
#include "scenarios/profiles/cost_fields.h"
#include "scenarios/schema/key.h"

namespace vtwin::scenario {
namespace {

using list = std::vector<key_declaration>;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = kib * 1024;

void add_run_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back(
        {"name", string, derived, "the file's name without .toml", "name of the scenario and of its output"});
    keys.push_back(
        {"base", string, meaning, "",
         "scenario that this one changes: a name of the library, or a path relative to this file"});
    keys.push_back({"without", word_list, meaning, "",
                    "sections of the base that are left out, such as \"guest.guest2\""});
    keys.push_back({"description", string, standard, "", "one sentence about what the scenario shows"});
    keys.push_back({"seed", integer, standard, "1", "all chance of the run follows from it", 0, INT64_MAX});
    keys.push_back({"time_limit", time, standard, "10 min", "the run fails when it is not over by then", 1});
}

void add_machine_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back({"machine.name", string, standard, "machine", "name of the machine"});
    keys.push_back({"machine.pcpus", integer, standard, "2", "physical CPUs", 1, 64});
    keys.push_back({"machine.scheduler",
                    choice,
                    standard,
                    "credit",
                    "scheduler of the physical CPUs",
                    0,
                    0,
                    {"credit", "round_robin"}});
    keys.push_back(
        {"machine.xsm", boolean, standard, "true", "FLASK labels are available (Xen built with XSM)"});
    keys.push_back(
        {"machine.chip", string, standard, "slb9635", "hardware TPM: a profile of profiles/chips"});
    keys.push_back({"machine.bus_khz", integer, meaning, "",
                    "clock of the chip's bus in kHz, 0: takes no time; absent: the chip profile's", 0,
                    1000000});
    keys.push_back({"machine.bus_wait_clocks", integer, meaning, "",
                    "wait states in every cycle of the bus; absent: the chip profile's", 0, 100000});
    keys.push_back({"machine.hypervisor", string, standard, "xen_x86",
                    "costs of Xen: a profile of profiles/hypervisor"});
    keys.push_back({"machine.software", string, standard, "stubdom_x86",
                    "costs of the domains' software: a profile of profiles/software"});
    keys.push_back({"machine.behaviour",
                    choice,
                    standard,
                    "faithful",
                    "every behaviour as shipped (faithful) or as it should be (hardened)",
                    0,
                    0,
                    {"faithful", "hardened"}});
    keys.push_back({"machine.rsa_keys",
                    choice,
                    standard,
                    "drawn",
                    "RSA keys of the TPMs: made of random numbers (drawn), or quickly, of two primes out of "
                    "256 (pooled)",
                    0,
                    0,
                    {"drawn", "pooled"}});
    keys.push_back({"machine.restarts", integer, standard, "0",
                    "how often the manager, vTPMs and guests are stopped and started again when all is done",
                    0, 1000});
    keys.push_back(
        {"machine.dom0_tpm_locality", integer, meaning, "",
         "dom0's kernel drives the hardware TPM beside the manager, at this locality; absent: it has "
         "no driver for it",
         0, 3});
    keys.push_back({"machine.dom0_recording", path, meaning, "",
                    "what dom0's user space does with the hardware TPM: a recording made by vtwin serve --at "
                    "hardware --record"});
    keys.push_back({"machine.firmware.<n>.pcr", integer, error, "", "PCR that the firmware extends", 0, 23});
    keys.push_back({"machine.firmware.<n>.description", string, error, "", "what was measured"});
    keys.push_back(
        {"machine.firmware.<n>.sha1", hex, error, "", "SHA-1 digest that the firmware extends", 40, 40});
    keys.push_back({"behaviours.<behaviour>",
                    choice,
                    derived,
                    "machine.behaviour",
                    "one behaviour of the registry",
                    0,
                    0,
                    {"faithful", "hardened"}});
}

void add_cost_keys(list& keys) {
    for (const auto& field : hypervisor_cost_fields())
        keys.push_back({"costs.hypervisor." + std::string(field.name), value_type::time, absence::derived,
                        "the profile machine.hypervisor", std::string(field.doc)});
    for (const auto& field : software_cost_fields())
        keys.push_back({"costs.software." + std::string(field.name), value_type::time, absence::derived,
                        "the profile machine.software", std::string(field.doc)});
}

void add_manager_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back({"manager.name", string, standard, "vtpmmgr", "name of the vTPM manager's domain"});
    keys.push_back(
        {"manager.label", string, standard, "system_u:system_r:vtpmmgr_t", "FLASK label (seclabel=)"});
    keys.push_back({"manager.memory", size, standard, "8 MiB", "memory of the domain", mib, 1024 * mib});
    keys.push_back(
        {"manager.locality", integer, standard, "0", "locality at the hardware TPM (tpmlocality=)", 0, 4});
    keys.push_back(
        {"manager.keeps_locality", boolean, standard, "true",
         "the manager has its locality until somebody asks for it, as mini-os' driver does; false: it "
         "gives it up behind each command, as Linux does"});
    keys.push_back(
        {"manager.disk.size", size, standard, "2 MiB", "size of the manager's disk", 64 * kib, 1024 * mib});
    keys.push_back(
        {"manager.disk.path", path, meaning, "", "file with the disk's content; absent: a blank disk"});
    keys.push_back({"manager.extra", string, standard, "", "further options as in extra=, blank-separated"});
}

void add_vtpm_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back({"vtpm.<name>.backend", string, error, "", "name of the manager's domain"});
    keys.push_back(
        {"vtpm.<name>.label", string, standard, "system_u:system_r:vtpm_t", "FLASK label (seclabel=)"});
    keys.push_back({"vtpm.<name>.uuid", uuid, error, "", "identity of the vTPM at the manager"});
    keys.push_back({"vtpm.<name>.memory", size, standard, "8 MiB", "memory of the domain", mib, 1024 * mib});
    keys.push_back(
        {"vtpm.<name>.disk.size", size, standard, "2 MiB", "size of the vTPM's disk", 64 * kib, 1024 * mib});
    keys.push_back(
        {"vtpm.<name>.disk.path", path, meaning, "", "file with the disk's content; absent: a blank disk"});
    keys.push_back(
        {"vtpm.<name>.version",
         choice,
         standard,
         "1.2",
         "family of the vTPM's own TPM; 2.0 is none of Xen's, but speaks to the manager as 1.2 does",
         0,
         0,
         {"1.2", "2.0"}});
    keys.push_back({"vtpm.<name>.administrator", boolean, standard, "false",
                    "started first and attached to dom0, for the commands of the administrator"});
    keys.push_back({"vtpm.<name>.extra", string, standard, "", "options as in extra=, blank-separated"});
}

void add_guest_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back({"guest.<name>.vtpm", string, error, "", "name of the guest's vTPM"});
    keys.push_back(
        {"guest.<name>.label", string, standard, "system_u:system_r:domU_t", "FLASK label (seclabel=)"});
    keys.push_back(
        {"guest.<name>.memory", size, standard, "16 MiB", "memory of the domain", mib, 65536 * mib});
    keys.push_back({"guest.<name>.attach_after", time, meaning, "",
                    "attach the vTPM this long after the guest's start; absent: at its creation"});
    keys.push_back({"guest.<name>.kernel", path, error, "", "kernel image; measured into PCR 4"});
    keys.push_back(
        {"guest.<name>.initrd", path, meaning, "", "initial RAM disk, measured into PCR 5; absent: none"});
    keys.push_back(
        {"guest.<name>.command_line", string, standard, "", "kernel command line; measured into PCR 5"});
    keys.push_back({"guest.<name>.ima_files", file_list, standard, "[]",
                    "files that IMA measures into PCR 10, in order"});
    keys.push_back({"guest.<name>.ima_interval", time, standard, "1 ms", "time between two measured files"});
    keys.push_back(
        {"guest.<name>.attest_after", time, standard, "100 ms", "from user space's start to the challenge"});
    keys.push_back(
        {"guest.<name>.attestations", integer, standard, "1", "how often the guest is attested", 0, 10000});
    keys.push_back(
        {"guest.<name>.attestation_interval", time, standard, "1 s", "time between two attestations"});
    keys.push_back({"guest.<name>.quote",
                    choice,
                    meaning,
                    "",
                    "command that quotes PCRs of a TPM 1.2; absent: TPM_Quote",
                    0,
                    0,
                    {"TPM_Quote", "TPM_Quote2"}});
    keys.push_back({"guest.<name>.hwrng", boolean, standard, "true",
                    "the kernel's random pool is fed from the vTPM every few seconds"});
    keys.push_back(
        {"guest.<name>.recording", path, meaning, "",
         "what user space asks of its TPM after that, as serve --record wrote it; absent: nothing"});
}

void add_load_keys(list& keys) {
    using enum value_type;
    using enum absence;
    const std::string load = "guest.<name>.load.";
    keys.push_back(
        {load + "command",
         choice,
         error,
         "",
         "operation that user space repeats; chip_*: by the hardware TPM, through vTPM and manager",
         0,
         0,
         {"vtpm_pcr_read", "vtpm_extend", "vtpm_get_random", "chip_pcr_read", "chip_get_random", "quote",
          "deep_quote"}});
    keys.push_back({load + "loop",
                    choice,
                    standard,
                    "closed",
                    "closed: the next operation waits for the answer; open: it arrives at its own time",
                    0,
                    0,
                    {"closed", "open"}});
    keys.push_back({load + "interval", time, standard, "0 ns",
                    "closed: mean time between answer and next operation; open: mean time between arrivals"});
    keys.push_back({load + "spacing",
                    choice,
                    standard,
                    "constant",
                    "distribution of the interval",
                    0,
                    0,
                    {"constant", "exponential"}});
    keys.push_back(
        {load + "count", integer, standard, "0", "number of operations; 0: no limit", 0, 1000000000});
    keys.push_back({load + "duration", time, standard, "0 ns",
                    "no operation begins (open: arrives) later than this; 0: no limit"});
    keys.push_back({load + "warm_up", time, standard, "0 ns", "first part of the load, left out of figures"});
    keys.push_back({load + "start", time, meaning, "",
                    "simulated time of its begin; absent: as soon as user space is ready"});
    keys.push_back(
        {load + "deadline", time, meaning, "", "an operation that takes longer is counted as late", 1});
    keys.push_back({load + "when",
                    choice,
                    standard,
                    "after_attestation",
                    "before or after the guest's attestations",
                    0,
                    0,
                    {"before_attestation", "after_attestation"}});
}

/// The same keys once more, for the guests of a fleet and their vTPMs; never filled in, only copied.
void add_fleet_keys(list& keys) {
    using enum value_type;
    using enum absence;
    list templates;
    for (const key_declaration& key : keys)
        for (const std::string thing : {"guest", "vtpm"}) {
            const std::string prefix = thing + ".<name>.";
            if (!key.pattern.starts_with(prefix))
                continue;
            const std::string part = key.pattern.substr(prefix.size());
            if (part == "uuid" || part == "administrator" || (thing == "guest" && part == "vtpm"))
                continue;
            key_declaration copy = key;
            copy.pattern = "fleet." + thing + '.' + part;
            copy.when_absent = meaning;
            copy.standard.clear();
            copy.doc = "for every guest of the fleet: " + key.doc;
            templates.push_back(std::move(copy));
        }
    keys.push_back({"fleet.count", integer, meaning, "",
                    "guests <prefix>1 to <prefix>N, each with a vTPM <prefix>N-vtpm", 0, 1000});
    keys.push_back({"fleet.prefix", string, meaning, "", "start of their names; absent: \"fleet\""});
    keys.insert(keys.end(), templates.begin(), templates.end());
}

void add_verifier_keys(list& keys) {
    using enum value_type;
    using enum absence;
    const std::string from_guest = "guest.<name>.";
    keys.push_back({"verifier.name", string, standard, "verifier", "name of the remote verifier"});
    keys.push_back(
        {"verifier.vtpm_pcrs", pcr_list, standard, "[0, 1, 2, 3, 4, 5, 6, 7, 10]", "vTPM PCRs to quote"});
    keys.push_back({"verifier.hardware_pcrs", pcr_list, standard, "[0, 1, 2, 3, 4, 5, 6, 7]",
                    "hardware PCRs in the deep quote"});
    keys.push_back({"verifier.deep_quote_flags",
                    choice_list,
                    standard,
                    "[\"uuid\", \"label\", \"group\"]",
                    "what the manager adds to the deep quote",
                    0,
                    0,
                    {"uuid", "label", "group", "saa_key"}});
    keys.push_back(
        {"verifier.platform.<n>.pcr", integer, derived, "machine.firmware", "approved boot: PCR", 0, 23});
    keys.push_back(
        {"verifier.platform.<n>.description", string, derived, "machine.firmware", "approved boot: what"});
    keys.push_back(
        {"verifier.platform.<n>.sha1", hex, derived, "machine.firmware", "approved boot: digest", 40, 40});
    keys.push_back(
        {"verifier.reference.<name>.kernel", path, derived, from_guest + "kernel", "approved kernel"});
    keys.push_back({"verifier.reference.<name>.initrd", path, derived, from_guest + "initrd",
                    "approved initial RAM disk"});
    keys.push_back({"verifier.reference.<name>.command_line", string, derived, from_guest + "command_line",
                    "approved command line"});
    keys.push_back({"verifier.reference.<name>.ima_files", file_list, derived, from_guest + "ima_files",
                    "approved files"});
    keys.push_back({"verifier.reference.<name>.firmware_log", path, meaning, "",
                    "approved event log (binary_bios_measurements) of a machine whose firmware measures its "
                    "boot; absent: the boot loader's measurements of kernel, initrd and command line"});
    keys.push_back(
        {"verifier.reference.<name>.ima_list", path, meaning, "",
         "approved IMA list (ascii_runtime_measurements): its files are approved besides ima_files"});
    keys.push_back({"verifier.reference.<name>.vtpm_uuid", uuid, derived, "the uuid of the guest's vTPM",
                    "the vTPM that must have been used"});
    keys.push_back({"verifier.reference.<name>.vtpm_version",
                    choice,
                    derived,
                    "the version of the guest's vTPM",
                    "family of TPM whose evidence is accepted",
                    0,
                    0,
                    {"1.2", "2.0"}});
    keys.push_back({"verifier.reference.<name>.quote",
                    choice,
                    meaning,
                    "",
                    "the only quote of a TPM 1.2 that is accepted; absent: either",
                    0,
                    0,
                    {"TPM_Quote", "TPM_Quote2"}});
    keys.push_back({"verifier.reference.<name>.vtpm_label", string, derived, "the label of the guest's vTPM",
                    "the label that it must have"});
}

void add_expectation_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back({"expect.<name>.verdict",
                    choice,
                    error,
                    "",
                    "expected verdict on the guest",
                    0,
                    0,
                    {"trusted", "untrusted"}});
    keys.push_back({"expect.<name>.failed_checks", word_list, standard, "[]",
                    "checks that must be among those that failed, such as \"pcr-4\""});
}

void add_fault_keys(list& keys) {
    using enum value_type;
    using enum absence;
    keys.push_back({"faults.<name>.kind", string, error, "", "what is done (vtwin list faults)"});
    keys.push_back({"faults.<name>.target", string, error, "", "wire or domain, with * and ?"});
    keys.push_back({"faults.<name>.on", string, meaning, "",
                    "wire whose crossings are counted; absent: the target, or the time alone"});
    keys.push_back(
        {"faults.<name>.where.<name>", scalar, meaning, "",
         "condition on a field of the crossing: a word with * and ?, a number, a range 3..7, a|b"});
    keys.push_back({"faults.<name>.nth", integer, standard, "1",
                    "acts from this crossing on, of those that meet the conditions", 1, INT64_MAX});
    keys.push_back({"faults.<name>.at", time, meaning, "", "simulated time before which nothing counts"});
    keys.push_back({"faults.<name>.probability", probability, standard, "1",
                    "of acting on each crossing from the nth on"});
    keys.push_back({"faults.<name>.count", integer, standard, "1",
                    "crossings that it acts on; 0: all that follow", 0, INT64_MAX});
    keys.push_back({"faults.<name>.for", time, meaning, "", "over this long after it began", 1});
    keys.push_back({"faults.<name>.with.<name>", scalar, meaning, "", "parameter of the kind"});
    const std::vector<std::string> classes = {"O0", "O1", "O2", "O3", "O4", "O5", "O6", "O7", "O8"};
    keys.push_back({"outcome.allowed", choice_list, meaning, "",
                    "outcome classes that a run with faults may end in; absent: any", 0, 0, classes});
    keys.push_back({"outcome.violates", word_list, standard, "[]",
                    "invariants that the run must be seen to break (vtwin list oracles)"});
}

}  // namespace

const std::vector<key_declaration>& all_keys() {
    static const list keys = [] {
        list made;
        add_run_keys(made);
        add_machine_keys(made);
        add_cost_keys(made);
        add_manager_keys(made);
        add_vtpm_keys(made);
        add_guest_keys(made);
        add_load_keys(made);
        add_fleet_keys(made);
        add_verifier_keys(made);
        add_expectation_keys(made);
        add_fault_keys(made);
        return made;
    }();
    return keys;
}

}  // namespace vtwin::scenario
