#include "hypervisor/xenstore/store_server.h"

#include <algorithm>
#include <utility>

namespace vtwin::xen {

namespace {

/// Events that an unprivileged domain leaves unread are dropped after this (xenstored's default).
const sc_core::sc_time event_timeout(20, sc_core::SC_SEC);

}  // namespace

store_server::store_server(store_environment& environment, const store_quotas& quotas)
    : m_environment(environment), m_quotas(quotas) {
    m_tree.on_change([this](std::string_view path, announce to, const std::vector<xs_perm>& perms,
                            const std::vector<xs_perm>& above) { fire(path, to, perms, above); });
}

store_connection& store_server::connect(const store_caller& caller, std::string name) {
    auto connection = std::make_unique<store_connection>();
    connection->id = m_next_connection++;
    connection->name = std::move(name);
    connection->caller = caller;
    return *m_connections.emplace(connection->id, std::move(connection)).first->second;
}

void store_server::reset(store_connection& connection) {
    m_watches.remove_all(connection.id);
    connection.transactions.clear();
    connection.out.clear();
    connection.out_bytes = 0;
}

void store_server::disconnect(store_connection& connection) {
    reset(connection);
    m_connections.erase(connection.id);
}

void store_server::queue(store_connection& to, xs_message message) {
    to.out_bytes += message.wire_size();
    to.out.push_back({std::move(message), sc_core::sc_time_stamp()});
    if (!to.touched) {
        to.touched = true;
        m_touched.push_back(to.id);
    }
}

std::vector<std::uint32_t> store_server::take_touched() {
    for (const auto id : m_touched) {
        if (auto* connection = find(id)) {
            connection->touched = false;
        }
    }
    return std::exchange(m_touched, {});
}

store_connection* store_server::find(std::uint32_t id) const {
    const auto at = m_connections.find(id);
    return at == m_connections.end() ? nullptr : at->second.get();
}

std::optional<xs_message> store_server::take(store_connection& connection) {
    auto& out = connection.out;
    const auto now = sc_core::sc_time_stamp();
    while (!out.empty()) {
        auto next = std::move(out.front());
        out.pop_front();
        connection.out_bytes -= next.message.wire_size();
        const bool stale = !connection.caller.privileged && next.message.type == xs_op::watch_event &&
                           now - next.since >= event_timeout;
        if (!stale) {
            return std::move(next.message);
        }
    }
    return std::nullopt;
}

void store_server::fire(std::string_view path, announce to, const std::vector<xs_perm>& perms,
                        const std::vector<xs_perm>& above) {
    for (const auto* watch : m_watches.matching(path, to)) {
        auto& connection = *m_connections.at(watch->connection);
        if (includes(rights_of(perms, connection.caller), xs_right::read) ||
            includes(rights_of(above, connection.caller), xs_right::read)) {
            queue_event(connection, *watch, path);
        }
    }
}

void store_server::queue_event(store_connection& to, const store_watch& watch, std::string_view path) {
    xs_message event{xs_op::watch_event, 0, 0, {}};
    event.payload.reserve(path.size() + watch.token.size() + 2);
    event.payload.append(path.substr(std::min(watch.prefix, path.size())));
    event.payload += '\0';
    event.payload += watch.token;
    event.payload += '\0';
    if (event.payload.size() > xs_payload_max) {
        return;
    }
    const auto same = [&event](const queued_message& other) {
        return other.message.type == xs_op::watch_event && other.message.payload == event.payload;
    };
    if (path.front() != '@' && std::any_of(to.out.begin(), to.out.end(), same)) {
        return;
    }
    if (!to.caller.privileged && to.out_bytes + event.wire_size() > m_quotas.memory) {
        return;
    }
    queue(to, std::move(event));
}

void store_server::announce_introduced() {
    const auto perms = m_tree.find("@introduceDomain")->perms;
    fire("@introduceDomain", announce::everybody, perms, perms);
}

void store_server::announce_released(domid_t domid) {
    const auto perms = m_tree.find("@releaseDomain")->perms;
    const auto detailed = "@releaseDomain/" + std::to_string(to_underlying(domid));
    for (const auto* watch : m_watches.matching("@releaseDomain", announce::exact)) {
        auto& connection = *m_connections.at(watch->connection);
        if (includes(rights_of(perms, connection.caller), xs_right::read)) {
            const bool by_domain = watch->depth && *watch->depth > 0;
            queue_event(connection, *watch, by_domain ? detailed : "@releaseDomain");
        }
    }
}

}  // namespace vtwin::xen
