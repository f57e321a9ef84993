// The watches of all connections, found by path. Source: docs/misc/xenstore.txt (WATCH).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hypervisor/xenstore/store_view.h"

namespace vtwin::xen {

struct store_watch {
    std::uint32_t connection = 0;
    std::string path;  ///< absolute
    std::string token;
    std::size_t prefix = 0;              ///< bytes that events leave out: registered with a relative path
    std::optional<std::uint64_t> depth;  ///< levels below the watched path that still count
    std::uint64_t sequence = 0;          ///< order of registration
};

class watch_list {
  public:
    /// False when the connection already watches this path with this token.
    bool add(store_watch watch);
    /// False when there is no such watch.
    bool remove(std::uint32_t connection, std::string_view path, std::string_view token);
    void remove_all(std::uint32_t connection);
    std::size_t count(std::uint32_t connection) const;

    /// Watches that a change of `path` concerns: by connection number, then in order of registration.
    std::vector<const store_watch*> matching(std::string_view path, announce to) const;

  private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::vector<std::unique_ptr<store_watch>>, hash, std::equal_to<>>
        m_by_path;
    std::map<std::uint32_t, std::vector<std::string>> m_paths_of;  ///< per connection, one entry per watch
    std::uint64_t m_next_sequence = 0;
};

}  // namespace vtwin::xen
