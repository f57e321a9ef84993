#include <fmt/format.h>
#include <algorithm>

#include "models/remote/appraisal.h"

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t kernel_pcr = 4, boot_parameters_pcr = 5;  // pv-grub's choice

// One thing that the boot loader measures, as the verifier expects it.
struct expected_step {
    const char* check;
    std::string what;
    std::uint32_t pcr;
    bytes digest;
};

std::vector<expected_step> expected_steps(const appraisal& a) {
    const guest_reference& reference = a.reference;
    const bytes& initrd = a.tpm20() ? reference.initrd_sha256 : reference.initrd_sha1;
    return {{"kernel", "kernel", kernel_pcr, a.tpm20() ? reference.kernel_sha256 : reference.kernel_sha1},
            {"command-line", fmt::format("command line \"{}\"", reference.command_line), boot_parameters_pcr,
             digest_of(a.bank(), as_octets(reference.command_line))},
            {"initrd", "initrd", boot_parameters_pcr, initrd.empty() ? digest_of(a.bank(), {}) : initrd}};
}

// The digest of an event in the bank that is judged.
const bytes& digest_in(pcr_hash, const expected_step& step) {
    return step.digest;
}
const bytes& digest_in(pcr_hash bank, const measurement& step) {
    return bank == pcr_hash::sha1 ? step.digest : step.sha256;
}

template <typename Step>
bytes replay_pcr(pcr_hash bank, std::uint32_t pcr, const std::vector<Step>& steps) {
    bytes value = zeros(size_of(bank));
    for (const Step& step : steps)
        if (step.pcr == pcr)
            value = extend(bank, value, digest_in(bank, step));
    return value;
}

std::string descriptions(std::uint32_t pcr, const std::vector<measurement>& log) {
    std::string text;
    for (const measurement& step : log)
        if (step.pcr == pcr)
            text += (text.empty() ? "" : ", ") + step.description;
    return text;
}

// Dynamic launch only.
constexpr std::uint32_t first_set_pcr = 17, last_set_pcr = 22;

bytes reset_value(pcr_hash bank, std::uint32_t pcr) {
    const bool set = pcr >= first_set_pcr && pcr <= last_set_pcr;
    return bytes(size_of(bank), set ? std::byte{0xFF} : std::byte{0});
}

// Whether PCR 4 and 5 can speak about the boot at all. They cannot when the vTPM came after the guest had
// started: whoever runs the guest then extends them as he likes.
bool boot_was_measured(appraisal& a) {
    const bytes untouched = zeros(size_of(a.bank()));
    const bool zero =
        a.shown.vtpm_pcrs[kernel_pcr] == untouched && a.shown.vtpm_pcrs[boot_parameters_pcr] == untouched;
    std::string sign;
    if (a.shown.vtpm_attached_late)
        sign = "it says itself that its vTPM was attached after it had started";
    else if (zero && a.shown.boot_log.empty())
        sign = "its vTPM holds no boot measurements (PCR 4 and 5 are zero and there is no boot log)";
    else if (zero)
        sign = "there is a boot log, but PCR 4 and 5 are zero";
    else if (a.shown.boot_log.empty())
        sign = "PCR 4 and 5 are extended, but there is no boot log";
    else
        return true;
    a.fail(
        "boot-evidence",
        fmt::format(
            "untrusted for boot: {}. What can be concluded: these are the values that the vTPM named in the "
            "deep quote holds now, on the platform judged above. What cannot be concluded: which kernel, "
            "command line and initrd the guest started, and so nothing that this kernel reports, its IMA "
            "log included; anyone in the guest could have extended a fresh vTPM to these values",
            sign));
    return false;
}

void check_log_replays(appraisal& a, std::uint32_t pcr) {
    const std::string check = fmt::format("boot-log-pcr-{}", pcr);
    const bytes replayed = replay_pcr(a.bank(), pcr, a.shown.boot_log);
    const bytes& seen = a.shown.vtpm_pcrs[pcr];
    if (!a.quoted(pcr))
        a.fail(check, fmt::format("PCR {} is not among the quoted ones, so nothing proves its value", pcr));
    else if (replayed != seen)
        a.fail(check, fmt::format("the boot log does not lead to PCR {}: replayed {}, seen {}", pcr,
                                  to_hex(replayed), to_hex(seen)));
    else
        a.pass(check, fmt::format("the boot log leads to PCR {}", pcr));
}

void check_against_reference(appraisal& a, std::uint32_t pcr, const std::vector<expected_step>& steps) {
    const bytes expected = replay_pcr(a.bank(), pcr, steps);
    const bytes& seen = a.shown.vtpm_pcrs[pcr];
    const std::string check = fmt::format("pcr-{}", pcr);
    if (expected == seen)
        a.pass(check, fmt::format("PCR {} equals its reference", pcr));
    else
        a.fail(check, fmt::format("PCR {} differs from its reference: expected {}, seen {} ({})", pcr,
                                  to_hex(expected), to_hex(seen), descriptions(pcr, a.shown.boot_log)));
}

// The log's entries one by one, so that the sentence names what changed. Called once the log is known to lead
// to the quoted PCRs or was reported not to.
void check_steps(appraisal& a, const std::vector<expected_step>& steps) {
    for (const expected_step& step : steps) {
        const auto before = static_cast<std::size_t>(
            std::ranges::count_if(steps, [&](const auto& s) { return s.pcr == step.pcr && &s < &step; }));
        std::vector<const measurement*> logged;
        for (const measurement& entry : a.shown.boot_log)
            if (entry.pcr == step.pcr)
                logged.push_back(&entry);
        if (before >= logged.size())
            a.fail(step.check, fmt::format("the boot log does not name the {}", step.what));
        else if (digest_in(a.bank(), *logged[before]) != step.digest)
            a.fail(step.check,
                   fmt::format("the {} differs from its reference: expected {}, seen {} ({})", step.what,
                               to_hex(step.digest), to_hex(digest_in(a.bank(), *logged[before])),
                               logged[before]->description));
        else
            a.pass(step.check,
                   fmt::format("the {} is the reference's ({})", step.what, logged[before]->description));
    }
}

}  // namespace

void check_untouched(appraisal& a, const std::set<std::uint32_t>& judged) {
    for (std::uint32_t pcr = 0; pcr < pcr_count; ++pcr)
        if (const bytes& seen = a.shown.vtpm_pcrs[pcr];
            a.quoted(pcr) && pcr != ima_pcr && !judged.contains(pcr) && seen != reset_value(a.bank(), pcr))
            a.fail(fmt::format("pcr-{}", pcr),
                   fmt::format(
                       "PCR {} was extended by nothing that the logs or the reference name: expected {}, "
                       "seen {}",
                       pcr, to_hex(reset_value(a.bank(), pcr)), to_hex(seen)));
}

void check_boot(appraisal& a) {
    if (!a.shown.firmware_log.empty() || !a.reference.firmware_log.empty())
        return check_firmware(a);
    if (!boot_was_measured(a))
        return;
    const std::vector<expected_step> steps = expected_steps(a);
    for (const measurement& entry : a.shown.boot_log)
        if (entry.pcr != kernel_pcr && entry.pcr != boot_parameters_pcr)
            return a.fail("boot-evidence",
                          fmt::format("the boot log extends PCR {} ({}), but the boot loader only uses "
                                      "PCR 4 and 5",
                                      entry.pcr, entry.description));
    a.pass("boot-evidence", "the boot was measured into PCR 4 and 5");
    for (const std::uint32_t pcr : {kernel_pcr, boot_parameters_pcr})
        check_log_replays(a, pcr);
    for (const std::uint32_t pcr : {kernel_pcr, boot_parameters_pcr})
        check_against_reference(a, pcr, steps);
    check_steps(a, steps);
    check_untouched(a, {kernel_pcr, boot_parameters_pcr});
}

}  // namespace vtwin::models::remote
