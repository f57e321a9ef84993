#include "scenarios/faults/hypervisor_view.h"

namespace vtwin::scenario {

hypervisor_view::hypervisor_view(wire_hub& hub)
    : m_hub(hub), m_rings(hub, [this](xen::domid_t id) -> const std::string& { return name_of(id); }) {}

void hypervisor_view::attach(xen::machine& host, const std::vector<ring_pair>& pairs, std::uint64_t seed) {
    sc_assert(!attached());
    m_host = &host;
    m_seed = seed;
    for (const auto& each : host.domains()) {
        constexpr std::string_view prefix = "domain_";
        std::string name = each->basename();
        if (name.starts_with(prefix))
            name.erase(0, prefix.size());
        m_names[each.get()] = name;
        m_domains[std::move(name)] = each.get();
    }
    m_rings.set_pairs(pairs);
    bool any = false;
    for (const auto& [name, domain] : m_domains)
        any = any || m_rings.concerns(name);
    if (any)
        host.grants.bind(m_rings);
}

xen::domain* hypervisor_view::find(std::string_view name) const {
    const auto found = m_domains.find(name);
    return found == m_domains.end() ? nullptr : found->second;
}

const std::string& hypervisor_view::name_of(xen::domid_t id) const {
    static const std::string nobody;
    const auto* const life = m_host != nullptr ? m_host->instance(id) : nullptr;
    if (life == nullptr)
        return nobody;
    const auto found = m_names.find(&life->slot);
    return found == m_names.end() ? nobody : found->second;
}

std::vector<xen::domain*> hypervisor_view::targets(std::string_view pattern, std::string_view ending) const {
    std::vector<xen::domain*> met;
    for (const auto& [name, domain] : m_domains)
        if (glob_matches(pattern, name + std::string(ending)))
            met.push_back(domain);
    return met;
}

}  // namespace vtwin::scenario
