#include "scenarios/runner/run.h"

#include <fmt/format.h>

#include "scenarios/report/verdict_text.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/schema/writer.h"

namespace vtwin::scenario {
namespace {

/// Simulated milliseconds, domain, text; exact to the nanosecond.
std::string timeline_text(const timeline_line& line) {
    std::uint64_t ns = line.at.value() / 1000;
    return fmt::format("{:>8}.{:06} ms  {:<12}  {}\n", ns / 1'000'000, ns % 1'000'000, line.domain,
                       line.text);
}

void print_verdicts(const std::vector<models::verdict>& verdicts, std::ostream& out) {
    for (const models::verdict& verdict : verdicts)
        out << "verdict  " << report::verdict_title(verdict) << '\n' << report::verdict_reasons(verdict);
}

void print_time(const simulation_outputs& outputs, std::ostream& out) {
    if (outputs.where_time_went.empty())
        return;
    sc_core::sc_time sum;
    for (const time_share& share : outputs.where_time_went)
        sum += share.total;
    out << "where the time of the TPM commands went\n";
    for (const time_share& share : outputs.where_time_went) {
        // Tenths of a percent, rounded down: integers print alike everywhere.
        auto permille = sum.value() == 0 ? 0
                                         : static_cast<std::uint64_t>(static_cast<unsigned __int128>(1000) *
                                                                      share.total.value() / sum.value());
        out << fmt::format("  {:<12} {:>14}.{:06} ms  {:>3}.{} %\n", share.where,
                           share.total.value() / 1'000'000'000, share.total.value() / 1000 % 1'000'000,
                           permille / 10, permille % 10);
    }
}

bool print_expectations(const std::vector<expectation_result>& results, std::ostream& out) {
    bool all = true;
    for (const expectation_result& result : results) {
        out << "expected " << result.expected.guest << ": "
            << (result.expected.trusted ? "trusted" : "untrusted");
        for (const std::string& check : result.expected.failed_checks)
            out << ", " << check << " failed";
        out << (result.held ? "  held" : "  DID NOT HOLD; seen: " + result.seen) << '\n';
        all = all && result.held;
    }
    return all;
}

bool print_outcome(const simulation_outputs& outputs, const std::vector<outcome_result>& results,
                   std::ostream& out) {
    if (outputs.injection) {
        const auto& injection = *outputs.injection;
        out << fmt::format("outcome      {} {}: {}\n", code_of(injection.result.worst),
                           name_of(injection.result.worst), injection.result.summary);
        for (const violation& each : injection.result.violations)
            out << fmt::format("  broken  {} ({}) at {}: {}\n", each.invariant, each.subject,
                               print_seconds(each.at), each.text);
    }
    bool all = true;
    for (const outcome_result& result : results) {
        out << "expected " << result.expected
            << (result.held ? "  held" : "  DID NOT HOLD; seen: " + result.seen) << '\n';
        all = all && result.held;
    }
    return all;
}

std::string timeline_file(const std::vector<timeline_line>& lines) {
    std::string text;
    for (const timeline_line& line : lines)
        text += timeline_text(line);
    return text;
}

/// Writes everything; the fingerprint last, over all that was written.
std::string write_outputs(const loaded_scenario& what, const simulation_outputs& outputs,
                          const std::vector<expectation_result>& expectations,
                          const std::vector<outcome_result>& about_outcome, output_directory& directory) {
    directory.write("scenario.resolved.toml", write_settings(what.all));
    directory.write("timeline.txt", timeline_file(outputs.timeline));
    for (const output_file& file : outputs.files)
        directory.write(file.path, file.content);
    if (outputs.injection)
        directory.write("explanation.txt", outputs.injection->explanation);
    std::string mark = fingerprint(directory, result_json(what, outputs, expectations, about_outcome, ""));
    directory.write("result.json", result_json(what, outputs, expectations, about_outcome, mark));
    return mark;
}

}  // namespace

run_result run(const loaded_scenario& what, const run_options& options, const simulation& simulate,
               std::ostream& out) {
    run_result result;
    output_directory directory(options.out.empty() ? std::filesystem::path("out") / what.name : options.out);
    simulation_options simulation_options;
    simulation_options.vcd = options.vcd;
    simulation_options.pcapng = options.pcapng;
    simulation_options.perfetto = options.perfetto;
    simulation_options.live = options.live;
    simulation_options.interrupted = options.interrupted;
    simulation_options.trace_directory = directory.working_place();
    if (!options.quiet)
        simulation_options.on_line = [&out](const timeline_line& line) { out << timeline_text(line); };

    simulation_options.faults = what.faults;
    simulation_outputs outputs = simulate(what.config, simulation_options);

    // A scenario that says what its faults come to says nothing about verdicts that they spoil.
    if (!what.outcome.stated() || what.faults.empty())
        result.expectations = check_expectations(what.expectations, outputs.verdicts);
    const auto about_outcome = check_outcome(what, outputs);
    result.fingerprint = write_outputs(what, outputs, result.expectations, about_outcome, directory);
    result.injection = outputs.injection;
    print_verdicts(outputs.verdicts, out);
    if (!options.quiet)
        print_time(outputs, out);
    bool held = print_expectations(result.expectations, out);
    held = print_outcome(outputs, about_outcome, out) && held;
    if (!outputs.finished && what.outcome.stated()) {
        out << "not finished: " << outputs.problem << '\n';
        directory.commit();
    } else if (!outputs.finished) {
        out << "NOT FINISHED: " << outputs.problem << " (time_limit " << print_seconds(what.config.time_limit)
            << ")\n";
        directory.keep_incomplete("the run did not come to its end: " + outputs.problem);
        held = false;
    } else {
        directory.commit();
    }
    result.out = directory.final_place();
    result.code = held ? exit_code::ok : exit_code::expectation_failed;
    out << "simulated    " << print_seconds(outputs.simulated) << '\n'
        << "fingerprint  " << result.fingerprint << '\n'
        << "output       " << result.out.string() << '\n';
    return result;
}

}  // namespace vtwin::scenario
