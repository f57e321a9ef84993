#include "hypervisor/xenstore/watch_list.h"

#include <algorithm>

namespace vtwin::xen {

bool watch_list::add(store_watch watch) {
    auto& here = m_by_path[watch.path];
    for (const auto& other : here) {
        if (other->connection == watch.connection && other->token == watch.token) {
            return false;
        }
    }
    watch.sequence = m_next_sequence++;
    m_paths_of[watch.connection].push_back(watch.path);
    here.push_back(std::make_unique<store_watch>(std::move(watch)));
    return true;
}

bool watch_list::remove(std::uint32_t connection, std::string_view path, std::string_view token) {
    const auto here = m_by_path.find(path);
    if (here == m_by_path.end()) {
        return false;
    }
    auto& list = here->second;
    const auto at = std::find_if(list.begin(), list.end(), [&](const auto& watch) {
        return watch->connection == connection && watch->token == token;
    });
    if (at == list.end()) {
        return false;
    }
    auto& paths = m_paths_of[connection];
    paths.erase(std::find(paths.begin(), paths.end(), path));
    list.erase(at);
    if (list.empty()) {
        m_by_path.erase(here);
    }
    return true;
}

void watch_list::remove_all(std::uint32_t connection) {
    const auto paths = m_paths_of.extract(connection);
    if (paths.empty()) {
        return;
    }
    for (const auto& path : paths.mapped()) {
        const auto here = m_by_path.find(path);
        if (here == m_by_path.end()) {
            continue;
        }
        std::erase_if(here->second,
                      [connection](const auto& watch) { return watch->connection == connection; });
        if (here->second.empty()) {
            m_by_path.erase(here);
        }
    }
}

std::size_t watch_list::count(std::uint32_t connection) const {
    const auto at = m_paths_of.find(connection);
    return at == m_paths_of.end() ? 0 : at->second.size();
}

std::vector<const store_watch*> watch_list::matching(std::string_view path, announce to) const {
    std::vector<const store_watch*> found;
    std::uint64_t levels = 0;
    for (auto at = path; !at.empty(); at = parent_path(at), ++levels) {
        const auto here = m_by_path.find(at);
        if (here != m_by_path.end()) {
            for (const auto& watch : here->second) {
                if (!watch->depth || levels <= *watch->depth) {
                    found.push_back(watch.get());
                }
            }
        }
        if (to == announce::exact) {
            break;
        }
    }
    std::sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
        return a->connection != b->connection ? a->connection < b->connection : a->sequence < b->sequence;
    });
    return found;
}

}  // namespace vtwin::xen
