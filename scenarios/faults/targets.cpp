#include "scenarios/faults/targets.h"

namespace vtwin::scenario {

std::vector<std::string> target_domains(const fault& what, const models::run_config& config,
                                        wire_class which) {
    std::vector<std::string> domains;
    for (const auto& each : wires_of(config))
        if (each.which == which && glob_matches(what.target, each.name))
            domains.push_back(which == wire_class::domain ? each.name
                                                          : each.name.substr(0, each.name.rfind('.')));
    return domains;
}

models::chance_stream effect_chance(const fault& what, const models::run_config& config) {
    return {config.seed, "fault effect." + what.name};
}

}  // namespace vtwin::scenario
