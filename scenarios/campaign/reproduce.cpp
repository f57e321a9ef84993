#include "scenarios/campaign/reproduce.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

#include "scenarios/config/build_faults.h"
#include "scenarios/runner/forked_child.h"
#include "scenarios/runner/judged_run.h"
#include "scenarios/runner/run_messages.h"
#include "scenarios/schema/problem.h"
#include "scenarios/schema/value_parser.h"
#include "tpm/engine/rsa_memo.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t reproduction_memo_bytes = 64U << 20;
constexpr int reproduction_poll_milliseconds = 100;

std::vector<override_text> settings_of(const world& where) {
    auto all = where.overrides;
    all.push_back({"seed", std::to_string(where.seed), "seed"});
    return all;
}

/// What `--set` takes, as a TOML file has it.
std::string as_toml(const override_text& change) {
    const auto* key = find_key(change.key);
    if (key == nullptr)
        throw user_error({change.option, 0}, change.key, "no key of a scenario");
    const auto parsed = parse_value_text(*key, change.text, std::filesystem::current_path());
    if (const auto* refused = std::get_if<refusal>(&parsed))
        throw user_error({change.option, 0}, change.key, refused->text);
    return print_value(*key, std::get<value>(parsed));
}

/// Runs the scenario in this process and tells what came of it.
void try_scenario(const std::filesystem::path& file, const std::filesystem::path& library,
                  const message_channel& channel) {
    const auto scenario = load_scenario(file.string(), {}, library);
    simulated_world world(scenario.config, scenario.faults, {});
    campaign_message message;
    message.what = campaign_message::kind::result;
    message.run.result = run_and_judge(world).result;
    channel.send(std::move(message));
}

}  // namespace

loaded_scenario scenario_of(const std::string& base, const world& where, const planned_run& run,
                            const std::filesystem::path& library) {
    auto made = load_scenario(base, settings_of(where), library);
    made.faults = run.faults;
    put_faults(made.all, run.faults);
    return made;
}

reduced_scenario reduction_of(const std::string& base, const world& where, const planned_run& run) {
    reduced_scenario made;
    const bool is_path = base.find('/') != std::string::npos || base.ends_with(".toml");
    made.base = is_path ? std::filesystem::absolute(base).lexically_normal().string() : base;
    for (const auto& change : settings_of(where))
        made.changes.push_back({change.key, as_toml(change)});
    made.faults = run.faults;
    return made;
}

shrinkable_parts parts_of(const loaded_scenario& scenario) {
    shrinkable_parts parts;
    for (const auto& guest : scenario.config.machine.guests)
        parts.guests.push_back({guest.name, guest.vtpm, !guest.ima_files.empty(), guest.attestations});
    for (const auto& each : scenario.expectations)
        parts.expectations.push_back(each.guest);
    return parts;
}

scenario_trial::scenario_trial(const std::filesystem::path& library) : m_library(library) {
    tpm::rsa_memo::share(reproduction_memo_bytes);
    auto pattern = (std::filesystem::temp_directory_path() / "vtwin-shrink-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), "no folder for the candidates");
    m_folder = pattern;
}

scenario_trial::~scenario_trial() {
    std::error_code ignored;
    std::filesystem::remove_all(m_folder, ignored);
}

std::optional<failure> scenario_trial::operator()(const std::string& text) const {
    const auto file = m_folder / "candidate.toml";
    std::ofstream(file) << text;
    message_channel channel;
    forked_child child([&] {
        try_scenario(file, m_library, channel);
        return 0;
    });
    std::optional<failure> seen;
    for (;;) {
        if (const auto message = channel.receive(reproduction_poll_milliseconds))
            seen = failure_of(message->run.result);
        if (child.ended())
            break;
    }
    if (const auto message = channel.receive(0))
        seen = failure_of(message->run.result);
    return seen;
}

}  // namespace vtwin::scenario
