#include "scenarios/cli/verify_command.h"

#include <filesystem>
#include <memory>

#include "models/remote/evidence_files.h"
#include "scenarios/config/files.h"
#include "scenarios/config/scenario.h"
#include "scenarios/report/verdict_text.h"
#include "scenarios/runner/run.h"

namespace vtwin::scenario {
namespace {

namespace fs = std::filesystem;

std::map<std::string, models::bytes> evidence_below(const fs::path& directory) {
    std::map<std::string, models::bytes> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file())
            continue;
        auto read = read_file(entry.path().string());
        if (!read.content)
            throw user_error({entry.path().string()}, "", read.reason);
        files[entry.path().lexically_relative(directory).generic_string()] = std::move(*read.content);
    }
    return files;
}

/// True when everything holds.
bool show(const models::checked_evidence& checked, std::ostream& out) {
    if (!checked.problem.empty()) {
        out << "evidence " << checked.folder << ": UNREADABLE: " << checked.problem << '\n';
        return false;
    }
    out << "evidence " << checked.folder << ": " << (checked.outcome.trusted ? "TRUSTED" : "UNTRUSTED")
        << (checked.altered.empty() ? "" : ", ALTERED") << '\n';
    out << report::verdict_reasons(checked.outcome);
    for (const auto& file : checked.altered)
        out << "  ALTERED " << file << ": not what evidence.json says\n";
    return checked.outcome.trusted && checked.altered.empty();
}

int verify(const fs::path& run, std::ostream& out) {
    const fs::path evidence = run / "evidence", scenario = run / "scenario.resolved.toml";
    for (const auto& needed : {scenario, evidence})
        if (!fs::exists(needed))
            throw user_error({run.string()}, "", "no output of a run: there is no " + needed.string());
    const auto policy = load_scenario(scenario.string()).config.verifier;
    const auto all = models::check_evidence_files(evidence_below(evidence), policy);
    if (all.empty())
        throw user_error({evidence.string()}, "", "no guest was attested: there is nothing to verify");
    bool held = true;
    for (const auto& checked : all)
        held = show(checked, out) && held;
    if (const std::string broken = check_fingerprint(run); !broken.empty()) {
        out << "ALTERED " << broken << '\n';
        held = false;
    }
    return static_cast<int>(held ? exit_code::ok : exit_code::expectation_failed);
}

}  // namespace

std::function<std::optional<int>(std::ostream&)> add_verify_command(CLI::App& app) {
    auto directory = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand(
        "verify", "judge the evidence of a run from its files alone, against the run's references");
    command->add_option("RUN", *directory, "output directory of the run")->required();
    return [directory, command](std::ostream& out) -> std::optional<int> {
        if (!command->parsed())
            return std::nullopt;
        return verify(*directory, out);
    };
}

}  // namespace vtwin::scenario
