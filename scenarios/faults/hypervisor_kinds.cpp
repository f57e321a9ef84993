#include "scenarios/faults/hypervisor_kinds.h"

#include <iterator>

namespace vtwin::scenario {

std::vector<kind_declaration> declarations(std::vector<hypervisor_kind> table) {
    std::vector<kind_declaration> all;
    for (auto& each : table) {
        each.declared.make = [make = each.make](const fault& what, const fault_services& services) {
            return make(what, services.hypervisor);
        };
        all.push_back(std::move(each.declared));
    }
    return all;
}

std::unique_ptr<fault_effect> make_hypervisor_effect(const fault& what, const hypervisor_view& where) {
    for (auto* const table : {memory_table, ring_table, grant_table_kinds, event_channel_kinds})
        for (const auto& each : table())
            if (each.declared.name == what.kind)
                return each.make(what, where);
    return nullptr;
}

models::chance_stream chance_of(const fault& what, const hypervisor_view& where) {
    return {where.seed(), "effect of fault " + what.name};
}

std::vector<kind_declaration> memory_kinds() {
    return declarations(memory_table());
}

std::vector<kind_declaration> ring_kinds() {
    return declarations(ring_table());
}

std::vector<kind_declaration> hypercall_kinds() {
    auto all = declarations(grant_table_kinds());
    auto events = declarations(event_channel_kinds());
    all.insert(all.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    return all;
}

}  // namespace vtwin::scenario
