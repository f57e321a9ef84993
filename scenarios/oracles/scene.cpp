#include "scenarios/oracles/scene.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

bool blank(const models::bytes& content) {
    return std::ranges::all_of(content, [](std::byte octet) { return octet == std::byte{0}; });
}

}  // namespace

scene scene_of(const models::run_config& config) {
    constexpr std::uint64_t sector = 512;
    scene made;
    made.manager = config.machine.manager.name;
    made.manager_has_state = !blank(config.machine.manager.disk.content);
    for (const auto& each : config.machine.vtpms) {
        const auto* octets = reinterpret_cast<const char*>(each.uuid.octets.data());
        made.vtpms[each.name] = {std::string(octets, each.uuid.octets.size()), each.disk.size / sector,
                                 !blank(each.disk.content)};
        if (each.administrator)
            made.administrator = each.name;
    }
    for (const auto& each : config.machine.guests)
        made.guests[each.name] = {each.vtpm, each.attach_after.has_value()};
    return made;
}

}  // namespace vtwin::scenario
