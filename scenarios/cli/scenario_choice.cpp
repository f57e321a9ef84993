#include "scenarios/cli/scenario_choice.h"

namespace vtwin::scenario {

void scenario_choice::add_to(CLI::App& command) {
    command.add_option("SCENARIO", file, "path of a scenario file, or the name of one in the library")
        ->required();
    command.add_option("--set", changes, "KEY=VALUE: overrides one key of the scenario; repeatable")
        ->allow_extra_args(false);
    command.add_option("--seed", seed, "the seed, as --set seed=N");
}

loaded_scenario scenario_choice::load() const {
    std::vector<override_text> parsed;
    for (const std::string& change : changes)
        parsed.push_back(parse_override(change));
    if (!seed.empty())
        parsed.push_back({"seed", seed, "--seed"});
    return load_scenario(file, parsed);
}

}  // namespace vtwin::scenario
