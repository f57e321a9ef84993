#include <fmt/format.h>
#include <algorithm>

#include "models/remote/appraisal.h"
#include "models/remote/ima_log.h"

namespace vtwin::models::remote {
namespace {

// boot_aggregate: SHA-1 over PCR 0 to 7 on TPM 1.2, SHA-256 over PCR 0 to 9 on TPM 2.0
constexpr std::uint32_t aggregated_pcrs = 8, aggregated20_pcrs = 10;
constexpr const char* aggregate_name = "boot_aggregate";

bool check_list(appraisal& a, const ima_list& list) {
    if (list.bad_line != 0) {
        a.fail("ima-log",
               fmt::format("line {} of the IMA log is no ima-ng or ima-sig entry for PCR 10", list.bad_line));
        return false;
    }
    if (list.entries.empty() || list.entries.front().path != aggregate_name) {
        a.fail("ima-log", "the IMA log does not begin with boot_aggregate");
        return false;
    }
    for (const ima_entry& entry : list.entries) {
        if (entry.violation()) {
            a.fail("ima-log",
                   fmt::format("IMA recorded a violation for {}: the file changed while it was measured",
                               entry.path));
            return false;
        }
        if (const bytes hash = sha1(entry.template_data()); hash != entry.template_hash) {
            a.fail("ima-log",
                   fmt::format("the template hash of {} is not that of its entry: expected {}, seen {}",
                               entry.path, to_hex(hash), to_hex(entry.template_hash)));
            return false;
        }
    }
    a.pass("ima-log", fmt::format("the {} entries of the IMA log are well formed", list.entries.size()));
    return true;
}

void check_replay(appraisal& a, const ima_list& list) {
    bytes value = zeros(size_of(a.bank()));
    for (const ima_entry& entry : list.entries)
        value = extend(a.bank(), value, entry.extended_digest(a.bank()));
    const bytes& seen = a.shown.vtpm_pcrs[ima_pcr];
    if (!a.quoted(ima_pcr))
        a.fail("pcr-10", "PCR 10 is not among the quoted ones, so nothing proves the IMA log");
    else if (value != seen)
        a.fail("pcr-10", fmt::format("the IMA log does not lead to PCR 10: replayed {}, seen {}",
                                     to_hex(value), to_hex(seen)));
    else
        a.pass("pcr-10", fmt::format("the IMA log leads to PCR 10 in {} steps", list.entries.size()));
}

void check_boot_aggregate(appraisal& a, const ima_entry& first) {
    octet_writer values;
    std::string unproven;
    const std::uint32_t aggregated = a.tpm20() ? aggregated20_pcrs : aggregated_pcrs;
    for (std::uint32_t pcr = 0; pcr < aggregated; ++pcr) {
        values.raw(a.shown.vtpm_pcrs[pcr]);
        if (!a.quoted(pcr))
            unproven += fmt::format("{}{}", unproven.empty() ? "" : ", ", pcr);
    }
    const bytes expected = digest_of(a.bank(), values.take());
    const std::string_view algorithm = a.tpm20() ? "sha256" : "sha1";
    if (first.algorithm != algorithm || first.file_digest != expected)
        a.fail("boot-aggregate",
               fmt::format("boot_aggregate is not the hash of PCR 0 to {}: expected {}:{}, seen {}:{}",
                           aggregated - 1, algorithm, to_hex(expected), first.algorithm,
                           to_hex(first.file_digest)));
    else if (unproven.empty())
        a.pass("boot-aggregate",
               fmt::format("boot_aggregate is the hash of the quoted PCR 0 to {}", aggregated - 1));
    else
        a.pass("boot-aggregate",
               fmt::format("boot_aggregate is the hash of PCR 0 to {} as claimed (PCR {} not quoted)",
                           aggregated - 1, unproven));
}

void check_files(appraisal& a, const ima_list& list) {
    std::size_t good = 0;
    for (const ima_entry& entry : list.entries) {
        if (&entry == &list.entries.front())
            continue;
        const auto reference = a.reference.ima_files.find(entry.path);
        if (reference == a.reference.ima_files.end())
            a.fail("ima-file",
                   fmt::format("file {} is not in the reference: expected no such file, seen {}:{}",
                               entry.path, entry.algorithm, to_hex(entry.file_digest)));
        else if (!reference->second.contains(entry.algorithm + ':' + to_hex(entry.file_digest)))
            a.fail("ima-file", fmt::format("file {} differs from its reference: expected {}, seen {}:{}",
                                           entry.path, fmt::join(reference->second, " or "), entry.algorithm,
                                           to_hex(entry.file_digest)));
        else
            ++good;
    }
    if (good + 1 == list.entries.size())
        a.pass("ima-files", fmt::format("the {} measured files are those of the reference", good));
}

}  // namespace

void check_ima(appraisal& a) {
    const bool untouched = a.shown.vtpm_pcrs[ima_pcr] == zeros(size_of(a.bank()));
    if (a.shown.ima_log.empty() && a.reference.ima_files.empty() && untouched && a.quoted(ima_pcr))
        return a.pass("ima-log", "no IMA measurements are expected and PCR 10 is zero");
    const ima_list list = parse_ima_log(a.shown.ima_log);
    if (!check_list(a, list))
        return;
    check_replay(a, list);
    check_boot_aggregate(a, list.entries.front());
    check_files(a, list);
}

}  // namespace vtwin::models::remote
