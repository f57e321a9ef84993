// A small campaign beside a small scenario, kinds of fault that need no machine, and an engine that makes its
// results from the plan.
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>

#include "scenarios/campaign/campaign_file.h"
#include "scenarios/campaign/execution.h"
#include "scenarios/campaign/fault_json.h"
#include "scenarios/campaign/identity.h"
#include "tests/scenarios/support.h"

namespace vtwin::scenario::test {

/// Knows the kinds "disk.torn" (with keep, a number below 512) and "domain.kill".
inline fault check_test_fault(fault what, const std::vector<wire_name>& wires,
                              std::vector<fault_problem>& problems) {
    if (what.kind != "disk.torn" && what.kind != "domain.kill")
        problems.push_back({"kind", "'" + what.kind + "' is no kind of fault"});
    if (std::ranges::none_of(wires, [&](const auto& each) { return glob_matches(what.target, each.name); }))
        problems.push_back({"target", "'" + what.target + "' is no wire"});
    for (const auto& [name, value] : what.parameters)
        if (name != "keep")
            problems.push_back({"with." + name, "no such parameter"});
        else if (value.size() > 3 || std::stoul(value) >= 512)
            problems.push_back({"with.keep", "'" + value + "' is too much"});
    if (what.when.on.empty())
        what.when.on = what.target;
    return what;
}

/// Campaign file beside the small scenario; the text is what follows `scenario = "test"`.
class campaign_directory : public small_scenario_directory {
  public:
    explicit campaign_directory(const std::string& text) {
        campaign_file = write("campaign.toml", "scenario = \"test\"\n" + text);
    }
    campaign read() const { return read_campaign(campaign_file, check_test_fault); }
    std::filesystem::path store(const std::string& name = "store") const {
        return path() / (name + ".sqlite");
    }
    std::string campaign_file;
};

/// What is wrong with a campaign's text, "" when nothing; without the path of the file.
inline std::string campaign_mistake(const std::string& text) {
    const campaign_directory folder(text);
    try {
        folder.read();
        return "";
    } catch (const user_error& error) {
        std::string message = error.what();
        const std::string prefix = folder.path().string() + '/';
        for (std::size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
            message.erase(at, prefix.size());
        return message;
    }
}

/// Results that follow from (seed, variant, faults) alone: a class from a digest, none of them O8.
class fake_engine : public execution_if {
  public:
    /// Crossings of every trigger, per seed; 3 when the seed is not named. Variant "b" sees one more.
    std::map<std::uint64_t, std::uint64_t> crossings;
    std::uint64_t rehearsals = 0, runs = 0, calls = 0;
    std::uint64_t fail_after = UINT64_MAX;  ///< runs before the engine throws, as a program that is killed
    outcome_class sound = outcome_class::masked;
    bool backwards = false;  ///< gives results in another order

    rehearsal rehearse(const world& where, const std::vector<trigger>& triggers) override {
        ++rehearsals;
        const auto found = crossings.find(where.seed);
        const auto count = (found == crossings.end() ? 3 : found->second) + (where.variant == "b" ? 1 : 0);
        return {std::vector<std::uint64_t>(triggers.size(), count),
                sc_core::sc_time(1, sc_core::SC_SEC),
                {sound, {}, "as told"}};
    }

    void run(const std::vector<world>& worlds, const std::vector<planned_run>& planned, unsigned,
             const result_sink& sink) override {
        ++calls;
        auto order = planned;
        if (backwards)
            std::ranges::reverse(order);
        for (const auto& each : order) {
            if (runs++ >= fail_after)
                throw std::runtime_error("killed");
            sink(result_of(worlds.at(each.world), each));
        }
    }

    static finished_run result_of(const world& where, const planned_run& run) {
        const auto text = fmt::format("{} {} {}", where.variant, where.seed, write_faults(run.faults));
        finished_run made;
        made.id = run.id;
        made.fingerprint = digest_of(text);
        made.end = sc_core::sc_time(5, sc_core::SC_SEC);
        if (run.faults.empty()) {
            made.result = {outcome_class::masked, {}, "no fault"};
            return made;
        }
        made.result.worst =
            static_cast<outcome_class>(std::stoul(made.fingerprint.substr(0, 4), nullptr, 16) % 8);
        made.faults_begun = made.result.worst == outcome_class::not_activated ? 0 : 1;
        made.result.summary = "it's a \"summary\"";
        if (made.result.worst >= outcome_class::hang)
            made.result.violations.push_back(
                {"I-D1", made.result.worst, sc_core::sc_time(3, sc_core::SC_MS), "v1", "state was lost"});
        return made;
    }
};

}  // namespace vtwin::scenario::test
