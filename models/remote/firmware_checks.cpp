#include <fmt/format.h>
#include <algorithm>
#include <set>

#include "models/remote/appraisal.h"
#include "models/remote/firmware_log.h"

namespace vtwin::models::remote {
namespace {

void check_leads_to(appraisal& a, std::uint32_t pcr, const bytes& replayed) {
    const std::string check = fmt::format("boot-log-pcr-{}", pcr);
    const bytes& seen = a.shown.vtpm_pcrs[pcr];
    if (!a.quoted(pcr))
        a.fail(check, fmt::format("the firmware's log extends PCR {}, which is not among the quoted ones "
                                  "(verifier.vtpm_pcrs), so nothing proves its value",
                                  pcr));
    else if (replayed != seen)
        a.fail(check, fmt::format("the firmware's log does not lead to PCR {}: replayed {}, seen {}", pcr,
                                  to_hex(replayed), to_hex(seen)));
    else
        a.pass(check, fmt::format("the firmware's log leads to PCR {}", pcr));
}

/// Names the first event of a PCR that is not the reference's.
void check_events(appraisal& a, std::uint32_t pcr, const firmware_log& shown, const firmware_log& approved) {
    const auto seen = shown.of(pcr), expected = approved.of(pcr);
    const std::size_t both = std::min(seen.size(), expected.size());
    for (std::size_t i = 0; i < both; ++i)
        if (seen[i]->digest != expected[i]->digest)
            return a.fail("firmware-event",
                          fmt::format("event {} of PCR {} differs from its reference: expected {} ({}), "
                                      "seen {} ({})",
                                      i + 1, pcr, to_hex(expected[i]->digest), describe(*expected[i]),
                                      to_hex(seen[i]->digest), describe(*seen[i])));
    if (seen.size() > both)
        a.fail("firmware-event", fmt::format("event {} of PCR {} is not in the reference: {} ({})", both + 1,
                                             pcr, to_hex(seen[both]->digest), describe(*seen[both])));
    else if (expected.size() > both)
        a.fail("firmware-event",
               fmt::format("event {} of PCR {} in the reference is missing: {} ({})", both + 1, pcr,
                           to_hex(expected[both]->digest), describe(*expected[both])));
}

void check_value(appraisal& a, std::uint32_t pcr, const bytes& expected) {
    const std::string check = fmt::format("pcr-{}", pcr);
    const bytes& seen = a.shown.vtpm_pcrs[pcr];
    if (expected == seen)
        a.pass(check, fmt::format("PCR {} equals its reference", pcr));
    else
        a.fail(check, fmt::format("PCR {} differs from its reference: expected {}, seen {}", pcr,
                                  to_hex(expected), to_hex(seen)));
}

bytes value_of(const std::map<std::uint32_t, bytes>& values, std::uint32_t pcr, pcr_hash bank) {
    const auto found = values.find(pcr);
    return found == values.end() ? zeros(size_of(bank)) : found->second;
}

}  // namespace

void check_firmware(appraisal& a) {
    if (a.shown.vtpm_attached_late)
        return a.fail(
            "boot-evidence",
            "untrusted for boot: it says itself that its vTPM was attached after it had started, so "
            "no firmware can have measured into it");
    if (a.shown.firmware_log.empty())
        return a.fail("firmware-log", "a firmware's log is expected, and there is none");
    const firmware_log shown = parse_firmware_log(a.shown.firmware_log, a.bank());
    if (!shown.problem.empty())
        return a.fail("firmware-log", shown.problem);
    a.pass("firmware-log",
           fmt::format("the {} events of the firmware's log are well formed", shown.events.size()));
    const auto replayed = shown.replay(a.bank());
    for (const auto& [pcr, value] : replayed)
        check_leads_to(a, pcr, value);
    if (a.reference.firmware_log.empty())
        return a.fail("firmware-reference", fmt::format("nothing says what this firmware should measure "
                                                        "(verifier.reference.{}.firmware_log)",
                                                        a.shown.guest));
    const firmware_log approved = parse_firmware_log(a.reference.firmware_log, a.bank());
    if (!approved.problem.empty())
        return a.fail("firmware-reference", "the reference cannot be read: " + approved.problem);
    const auto expected = approved.replay(a.bank());
    std::set<std::uint32_t> pcrs;
    for (const auto* values : {&replayed, &expected})
        for (const auto& [pcr, value] : *values)
            pcrs.insert(pcr);
    for (const std::uint32_t pcr : pcrs)
        check_value(a, pcr, value_of(expected, pcr, a.bank()));
    for (const std::uint32_t pcr : pcrs)
        check_events(a, pcr, shown, approved);
    check_untouched(a, pcrs);
}

}  // namespace vtwin::models::remote
