#include "scenarios/faults/ring_registry.h"

#include <algorithm>

namespace vtwin::scenario {

void ring_registry::set_pairs(const std::vector<ring_pair>& pairs) {
    m_pairs.clear();
    std::ranges::copy_if(pairs, std::back_inserter(m_pairs),
                         [&](const auto& pair) { return m_hub.find(pair.front + ".ring") != nullptr; });
}

bool ring_registry::concerns(std::string_view domain) const {
    return std::ranges::any_of(
        m_pairs, [domain](const auto& pair) { return pair.front == domain || pair.back == domain; });
}

std::vector<std::shared_ptr<ring_page>> ring_registry::met_by(std::string_view pattern) const {
    std::vector<std::shared_ptr<ring_page>> found;
    for (const auto& [frame, page] : m_pages)
        if (glob_matches(pattern, page->on->name()))
            found.push_back(page);
    return found;
}

void ring_registry::write(const xen::grant_map_change& what) {
    if (!what.mapped) {
        const auto found = m_pages.find(what.frame);
        if (found != m_pages.end() && found->second->back_id == what.mapper && --found->second->mappings == 0)
            m_pages.erase(found);
        return;
    }
    const ring_pair ends{m_name_of(what.granter), m_name_of(what.mapper)};
    if (std::ranges::count(m_pairs, ends) == 0)
        return;
    auto& page = m_pages[what.frame];
    if (!page) {
        auto* const on = m_hub.find(ends.front + ".ring");
        page = std::make_shared<ring_page>(ring_page{on, ends.front, what.granter, what.mapper, what.frame});
    }
    ++page->mappings;
}

}  // namespace vtwin::scenario
