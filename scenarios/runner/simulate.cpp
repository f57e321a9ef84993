#include "scenarios/runner/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "models/remote/evidence_files.h"
#include "scenarios/oracles/explain.h"
#include "scenarios/runner/judged_run.h"
#include "scenarios/runner/observed_machine.h"
#include "scenarios/runner/signal_watch.h"
#include "scenarios/schema/problem.h"

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

/// `write` says whether it could.
void write_trace(const std::filesystem::path& file, const std::function<bool(std::ostream&)>& write) {
    std::ofstream out(file, std::ios::binary);
    const bool written = write(out);
    out.close();
    if (!written || !out)
        throw user_error({file.string()}, "", "the trace cannot be written");
}

void write_traces(trace::recorder& recorder, const simulation_options& options) {
    const auto& place = options.trace_directory;
    if (options.vcd) {
        write_trace(place / "trace.vcd", [&](std::ostream& out) { return recorder.write_vcd(out); });
        write_trace(place / "trace.gtkw", [&](std::ostream& out) {
            recorder.write_gtkw(out, "trace.vcd");
            return true;
        });
    }
    if (options.pcapng)
        write_trace(place / "trace.pcapng", [&](std::ostream& out) { return recorder.write_pcapng(out); });
    if (options.perfetto)
        write_trace(place / "trace.json",
                    [&](std::ostream& out) { return recorder.write_trace_events(out); });
}

/// Sums of the hops over all commands of the guests.
std::vector<time_share> shares_of(const std::vector<trace::latency_row>& rows,
                                  const models::run_config& config) {
    std::vector<time_share> shares;
    for (const auto& [name, member] : trace::latency_hops) {
        std::uint64_t sum = 0;
        for (const auto& row : rows)
            if (std::ranges::count(config.machine.guests, row.origin, &models::guest_config::name) != 0)
                sum += row.*member;
        shares.push_back({name, sc_core::sc_time(static_cast<double>(sum), sc_core::SC_NS)});
    }
    return shares;
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
    simulated_world world(config, options.faults, {}, hear);
    auto& platform = world.machine();
    observed_machine observed(
        platform, config, {.waveform = options.vcd, .packets = options.pcapng, .tracks = options.perfetto});
    if (options.live != nullptr)
        options.live->join(world, options.trace_directory);
    else if (options.interrupted)
        platform.on_pause = [&] {
            if (options.interrupted())
                throw run_interrupted();
            return config.time_limit;
        };
    const auto judged = options.live != nullptr ? run_alone(world) : run_and_judge(world);
    const auto& outcome = world.ended();
    outputs.finished = outcome.finished;
    outputs.problem = outcome.problem;
    outputs.violations = judged.record.violations;
    if (!options.faults.empty())
        outputs.injection = {judged.result, judged.record.faults_begun, judged.record.exact,
                             explain(judged.golden, judged.record, options.faults)};
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
    if (options.live != nullptr)
        std::ranges::move(options.live->files(), std::back_inserter(outputs.files));
    auto& recorder = observed.recorder();
    std::ostringstream table;
    recorder.write_latency_csv(table);
    outputs.files.push_back({"latency.csv", table.str()});
    outputs.where_time_went = shares_of(recorder.latency_rows(), config);
    write_traces(recorder, options);
    return outputs;
}

}  // namespace vtwin::scenario
