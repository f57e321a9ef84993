#include "hypervisor/xenstore/store_client.h"

#include "hypervisor/xenstore/xenstored.h"

namespace vtwin::xen {

namespace {

std::string one_path(std::string_view path) {
    return std::string(path) + '\0';
}

std::string path_and_token(std::string_view path, std::string_view token) {
    auto payload = one_path(path);
    payload += token;
    payload += '\0';
    return payload;
}

}  // namespace

store_client::store_client(xenstored& server, std::string name) : m_server(server), m_name(std::move(name)) {
    m_connection = m_server.attach(*this);
}

store_client::~store_client() {
    m_server.detach(*this);
}

void store_client::deliver(xs_message message) {
    if (message.type != xs_op::watch_event) {
        m_reply = std::move(message);
        m_answered.notify();
        return;
    }
    const auto strings = split_strings(message.payload);
    store_event event{std::string((*strings)[0]), std::string((*strings)[1])};
    if (m_callback) {
        m_callback(event);
        return;
    }
    m_events.push_back(std::move(event));
    m_event_arrived.notify();
}

store_client::answer store_client::request(xs_op op, std::string payload, std::uint32_t tx) {
    sc_assert(!m_waiting);  // two threads would steal each other's replies
    sc_assert(payload.size() <= xs_payload_max);
    m_waiting = true;
    m_reply.reset();
    m_requests.push_back({op, m_next_request++, tx, std::move(payload)});
    m_server.doorbell(m_connection);
    while (!m_reply) {
        sc_core::wait(m_answered);
    }
    m_waiting = false;
    if (m_reply->type == xs_op::error) {
        auto& text = m_reply->payload;
        return {xs_error_value(std::string_view(text).substr(0, text.find('\0'))), {}};
    }
    return {errno_t::ok, std::move(m_reply->payload)};
}

store_client::answer store_client::read(std::string_view path, std::uint32_t tx) {
    return request(xs_op::read, one_path(path), tx);
}

errno_t store_client::write(std::string_view path, std::string_view value, std::uint32_t tx) {
    return request(xs_op::write, one_path(path).append(value), tx).error;
}

errno_t store_client::mkdir(std::string_view path, std::uint32_t tx) {
    return request(xs_op::mkdir, one_path(path), tx).error;
}

errno_t store_client::rm(std::string_view path, std::uint32_t tx) {
    return request(xs_op::rm, one_path(path), tx).error;
}

std::optional<std::vector<std::string>> store_client::directory(std::string_view path, std::uint32_t tx) {
    const auto listed = request(xs_op::directory, one_path(path), tx);
    const auto names = split_strings(listed.text);
    if (!listed || !names) {
        return std::nullopt;
    }
    return std::vector<std::string>(names->begin(), names->end());
}

errno_t store_client::set_perms(std::string_view path, const std::vector<std::string>& perms,
                                std::uint32_t tx) {
    auto payload = one_path(path);
    for (const auto& perm : perms) {
        payload += perm;
        payload += '\0';
    }
    return request(xs_op::set_perms, std::move(payload), tx).error;
}

std::uint32_t store_client::transaction_start() {
    const auto started = request(xs_op::transaction_start, one_path(""));
    const auto end = started.text.find('\0');
    return static_cast<std::uint32_t>(
        parse_decimal(started.text.substr(0, end), ~std::uint32_t{0}).value_or(0));
}

errno_t store_client::transaction_end(std::uint32_t tx, bool commit) {
    return request(xs_op::transaction_end, one_path(commit ? "T" : "F"), tx).error;
}

errno_t store_client::in_transaction(const std::function<bool(std::uint32_t tx)>& body) {
    for (;;) {
        const auto tx = transaction_start();
        if (!body(tx)) {
            transaction_end(tx, false);
            return errno_t::ecanceled;
        }
        const auto error = transaction_end(tx, true);
        if (error != errno_t::eagain) {
            return error;
        }
    }
}

errno_t store_client::watch(std::string_view path, std::string_view token) {
    return request(xs_op::watch, path_and_token(path, token)).error;
}

errno_t store_client::unwatch(std::string_view path, std::string_view token) {
    return request(xs_op::unwatch, path_and_token(path, token)).error;
}

std::optional<store_event> store_client::poll_event() {
    if (m_events.empty()) {
        return std::nullopt;
    }
    auto event = std::move(m_events.front());
    m_events.pop_front();
    return event;
}

std::optional<store_event> store_client::wait_event(const std::optional<sc_core::sc_time>& deadline) {
    while (m_events.empty()) {
        if (!deadline) {
            sc_core::wait(m_event_arrived);
            continue;
        }
        const auto now = sc_core::sc_time_stamp();
        if (now >= *deadline) {
            return std::nullopt;
        }
        sc_core::wait(*deadline - now, m_event_arrived);
    }
    return poll_event();
}

}  // namespace vtwin::xen
