#include "scenarios/runner/simulate.h"

#include "models/platform/platform.h"
#include "models/remote/evidence_files.h"

namespace vtwin::scenario {
namespace {

std::string text_of(const models::timeline_entry& entry) {
    using level = models::stubdom_services_if::level;
    const char* mark = entry.severity == level::error     ? "ERROR: "
                       : entry.severity == level::warning ? "warning: "
                                                          : "";
    return mark + entry.text;
}

std::vector<output_file> evidence_of(const models::remote_parties& parties) {
    std::vector<output_file> files;
    for (const auto& [path, content] : models::evidence_files(parties))
        files.push_back(
            {"evidence/" + path, {reinterpret_cast<const char*>(content.data()), content.size()}});
    return files;
}

}  // namespace

simulation_outputs simulate(const models::run_config& config, const simulation_options& options) {
    simulation_outputs outputs;
    const auto hear = [&](const models::timeline_entry& entry) {
        if (entry.severity == models::stubdom_services_if::level::debug)
            return;
        outputs.timeline.push_back({entry.at, entry.domain, text_of(entry)});
        if (options.on_line)
            options.on_line(outputs.timeline.back());
    };
    models::platform platform("machine", config, hear);
    const auto& outcome = platform.run();
    outputs.finished = outcome.finished;
    outputs.simulated = sc_core::sc_time_stamp();
    for (const auto& attestation : outcome.attestations) {
        if (attestation.completed) {
            outputs.verdicts.push_back(attestation.result);
            continue;
        }
        models::verdict none;
        none.guest = attestation.guest;
        none.reasons.push_back({"attestation", false, attestation.guest + ": " + attestation.problem});
        outputs.verdicts.push_back(std::move(none));
    }
    outputs.files = evidence_of(platform.parties());
    return outputs;
}

}  // namespace vtwin::scenario
