#include "scenarios/cli/verify_command.h"

#include <filesystem>
#include <memory>

#include "models/remote/evidence_files.h"
#include "models/remote/policy_file.h"
#include "scenarios/config/files.h"
#include "scenarios/config/scenario.h"
#include "scenarios/report/text.h"
#include "scenarios/report/verdict_text.h"
#include "scenarios/runner/run.h"

namespace vtwin::scenario {
namespace {

namespace fs = std::filesystem;

struct verify_line {
    std::string run, policy, authorities;
};

models::bytes content_of(const fs::path& file) {
    auto read = read_file(file.string());
    if (!read.content)
        throw user_error({file.string()}, "", read.reason);
    return std::move(*read.content);
}

std::map<std::string, models::bytes> contents_below(const fs::path& directory) {
    std::map<std::string, models::bytes> contents;
    for (const auto& [name, file] : files_below(directory))
        contents[name] = content_of(file);
    return contents;
}

/// What has to be trusted before anything can be judged. Platforms' keys need not be: the CA certified them.
bool is_anchor(const std::string& name) {
    return name == "privacy-ca.pem" || name == "manufacturer.pem" || name == "saa-modulus.bin" ||
           (name.starts_with("configuration-") && name.ends_with(".bin"));
}

/// The authorities' files of a directory instead of those that lie with the evidence.
void take_authorities(const fs::path& directory, std::map<std::string, models::bytes>& files) {
    std::erase_if(files, [](const auto& file) { return is_anchor(file.first); });
    for (auto& [name, content] : contents_below(directory))
        if (is_anchor(name))
            files[name] = std::move(content);
    for (const char* needed : {"privacy-ca.pem", "saa-modulus.bin"})
        if (!files.contains(needed))
            throw user_error({"--authorities " + directory.string()}, "",
                             std::string("there is no ") + needed);
}

/// A run's policy.json, or a scenario: its verifier, and whose verdict it expects.
models::policy_file policy_of(const std::string& file) {
    if (fs::path(file).extension() != ".json") {
        const loaded_scenario loaded = load_scenario(file);
        models::policy_file policy{loaded.config.verifier, {}};
        for (const expectation& expected : loaded.expectations)
            policy.judged.push_back(expected.guest + "-1");
        return policy;
    }
    const models::bytes content = content_of(file);
    auto policy = models::parse_policy_file({reinterpret_cast<const char*>(content.data()), content.size()});
    if (!policy)
        throw user_error({file}, "", "is no policy that a run has left");
    return std::move(*policy);
}

/// True when everything holds.
bool show(const models::checked_evidence& checked, std::ostream& out) {
    if (!checked.problem.empty()) {
        out << "evidence " << report::printable(checked.folder) << ": UNREADABLE: " << checked.problem
            << '\n';
        return false;
    }
    out << "evidence " << report::printable(checked.folder) << ": "
        << (checked.outcome.trusted ? "TRUSTED" : "UNTRUSTED") << (checked.altered.empty() ? "" : ", ALTERED")
        << '\n';
    out << report::verdict_reasons(checked.outcome);
    for (const auto& file : checked.altered)
        out << "  ALTERED " << report::printable(file) << ": not what evidence.json says\n";
    return checked.outcome.trusted && checked.altered.empty();
}

int verify(const verify_line& line, std::ostream& out) {
    const fs::path run = line.run, evidence = run / "evidence", own_policy = evidence / "policy.json";
    std::error_code ignored;
    if (!fs::is_directory(evidence, ignored))
        throw user_error({run.string()}, "",
                         "no output of a run: there is no directory " + evidence.string());
    if (line.policy.empty() && !fs::exists(own_policy, ignored))
        throw user_error({run.string()}, "",
                         "no output of a run: there is no " + own_policy.string() + ", and no --policy");
    const models::policy_file policy = policy_of(line.policy.empty() ? own_policy.string() : line.policy);
    auto files = contents_below(evidence);
    if (!line.authorities.empty())
        take_authorities(line.authorities, files);
    out << "authorities: "
        << (line.authorities.empty() ? "those beside the evidence, believed as they are" : line.authorities)
        << "\nreferences: "
        << (line.policy.empty() ? "those beside the evidence, believed as they are" : line.policy) << '\n';
    const auto all = models::check_evidence_files(files, policy.policy, policy.judged);
    if (all.empty())
        throw user_error({evidence.string()}, "", "no guest was attested: there is nothing to verify");
    bool held = true;
    for (const auto& checked : all)
        held = show(checked, out) && held;
    if (const std::string broken = check_fingerprint(run); !broken.empty()) {
        out << "ALTERED " << report::printable(broken) << '\n';
        held = false;
    }
    return static_cast<int>(held ? exit_code::ok : exit_code::expectation_failed);
}

}  // namespace

std::function<std::optional<int>(std::ostream&)> add_verify_command(CLI::App& app) {
    auto line = std::make_shared<verify_line>();
    CLI::App* command = app.add_subcommand("verify", "judge the evidence of a run again, from its files");
    command->add_option("RUN", line->run, "output directory of the run")->required();
    command->add_option("--policy", line->policy,
                        "what to hold it against: a scenario (its verifier and references), or a run's "
                        "evidence/policy.json; else the run's own");
    command->add_option("--authorities", line->authorities,
                        "directory with privacy-ca.pem, saa-modulus.bin and configuration-*.bin to trust; "
                        "else those of the run itself");
    return [line, command](std::ostream& out) -> std::optional<int> {
        if (!command->parsed())
            return std::nullopt;
        return verify(*line, out);
    };
}

}  // namespace vtwin::scenario
