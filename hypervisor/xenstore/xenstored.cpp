#include "hypervisor/xenstore/xenstored.h"

#include "hypervisor/xenstore/store_client.h"

namespace vtwin::xen {

xenstored::xenstored(sc_core::sc_module_name name, machine& host, const store_quotas& quotas)
    : sc_module(name), messages("messages"), m_host(host), m_server(*this, quotas) {
    SC_METHOD(step);
    sensitive << m_step;
    dont_initialize();
    m_host.on_stopped([this](domain& which, shutdown_reason reason) {
        const auto at = m_known.find(&which);
        if (at == m_known.end()) {
            return;
        }
        m_deaths.push_back({at->second, reason == shutdown_reason::destroyed});
        if (reason == shutdown_reason::destroyed) {
            m_known.erase(at);
        }
        wake();
    });
}

xenstored::~xenstored() = default;

// ---- connections

std::uint32_t xenstored::attach(store_client& client) {
    auto& connection = m_server.connect({dom0, true, {}}, client.name());
    auto& made = m_channels[connection.id];
    made.connection = connection.id;
    made.client = &client;
    return connection.id;
}

void xenstored::detach(store_client& client) {
    drop(client.m_connection);
}

void xenstored::drop(std::uint32_t connection) {
    m_channels.erase(connection);
    if (auto* known = m_server.find(connection)) {
        m_server.disconnect(*known);
    }
}

bool xenstored::domain_exists(domid_t domid) const {
    return m_host.instance(domid) != nullptr;
}

bool xenstored::introduced(domid_t domid) const {
    return m_introduced.contains(domid);
}

// The ring is found through grant reference 1 as the daemon does; the frame number only tells it apart on the
// wire.
errno_t xenstored::introduce(domid_t domid, gfn_t, evtchn_port port) {
    if (introduced(domid)) {
        return errno_t::ok;
    }
    const auto* which = m_host.find(domid);
    auto ring = std::make_unique<ring_channel>();
    if (which == nullptr || !ring->open(m_host, domid)) {
        return errno_t::einval;
    }
    auto& connection =
        m_server.connect({domid, domid == dom0, {}}, "dom" + std::to_string(to_underlying(domid)));
    const auto id = connection.id;
    auto doorbells = std::make_unique<service_port>(m_host, [this, id] { doorbell(id); });
    if (doorbells->bind_interdomain(domid, port) != 0) {
        m_server.disconnect(connection);
        return errno_t::einval;
    }
    auto& made = m_channels[id];
    made.connection = id;
    made.domid = domid;
    made.ring = std::move(ring);
    made.port = std::move(doorbells);
    m_introduced[domid] = id;
    m_known[which] = domid;
    return errno_t::ok;
}

errno_t xenstored::release(domid_t domid) {
    const auto at = m_introduced.find(domid);
    if (at == m_introduced.end()) {
        return errno_t::enoent;
    }
    drop(at->second);
    m_introduced.erase(at);
    return errno_t::ok;
}

// ---- the server's loop

void xenstored::doorbell(std::uint32_t connection) {
    const auto at = m_channels.find(connection);
    if (at == m_channels.end()) {
        return;
    }
    if (!at->second.ready) {
        at->second.ready = true;
        m_ready.push_back(connection);
    }
    wake();
}

void xenstored::wake() {
    if (m_activity == activity::idle) {
        m_activity = activity::waking;
        m_step.notify(m_host.costs().xenstore_wakeup);
    }
}

void xenstored::step() {
    if (m_activity == activity::serving) {
        publish();
    }
    m_activity = activity::idle;
    take_next();
}

void xenstored::begin_service(const sc_core::sc_time& cost) {
    m_activity = activity::serving;
    m_step.notify(cost);
}

void xenstored::take_next() {
    if (!m_deaths.empty()) {
        const auto dead = m_deaths.front();
        m_deaths.pop_front();
        bury(dead);
        begin_service(m_host.costs().xenstore_request);
        return;
    }
    while (!m_ready.empty()) {
        const auto at = m_channels.find(m_ready.front());
        m_ready.pop_front();
        if (at == m_channels.end()) {
            continue;
        }
        at->second.ready = false;
        if (serve(at->second)) {
            return;
        }
    }
}

/// Takes one request of a connection; false when there is none.
bool xenstored::serve(channel& from) {
    const auto id = from.connection;
    store_request_passage taken;
    auto& request = taken.message;
    flush(from);  // room may have come for earlier output
    if (!next_request(from, request)) {
        return false;
    }
    ++m_served;
    show(from, false, request);
    if (m_wire != nullptr && from.ring) {
        m_wire->request(from.domid, taken);
    }
    auto& connection = *m_server.find(id);
    const auto replied = taken.refused ? m_server.refuse(connection, request, *taken.refused)
                                       : m_server.handle(connection, request);
    from.ready = true;  // look again afterwards: more may be waiting
    m_ready.push_back(id);
    const auto& costs = m_host.costs();
    const auto bytes = static_cast<double>(request.wire_size() + replied);
    begin_service(costs.xenstore_request + bytes * costs.xenstore_per_byte + taken.delay);
    return true;
}

bool xenstored::next_request(channel& from, xs_message& message) {
    if (from.client != nullptr) {
        auto& waiting = from.client->m_requests;
        if (waiting.empty()) {
            return false;
        }
        message = std::move(waiting.front());
        waiting.pop_front();
        return true;
    }
    auto* connection = m_server.find(from.connection);
    if (!connection->caller.privileged && connection->out.size() >= m_server.quotas().outstanding) {
        return false;  // not read any more until the domain takes its replies
    }
    bool progress = false;
    const auto got = from.ring->pull(message, progress);
    if (got == ring_channel::input::broken) {
        m_server.reset(*connection);
    } else if (got == ring_channel::input::none && progress) {
        from.port->send();  // part of a message: its writer may be waiting for room
    }
    return got == ring_channel::input::message;
}

void xenstored::bury(const death& dead) {
    if (dead.destroyed) {
        release(dead.domid);
        m_server.forget_domain(dead.domid);
    }
    m_server.announce_released(dead.domid);
}

void xenstored::publish() {
    for (const auto id : m_server.take_touched()) {
        const auto at = m_channels.find(id);
        if (at != m_channels.end()) {
            flush(at->second);
        }
    }
}

void xenstored::flush(channel& to) {
    auto& connection = *m_server.find(to.connection);
    if (to.client != nullptr) {
        while (auto message = m_server.take(connection)) {
            show(to, true, *message);
            to.client->deliver(std::move(*message));
        }
        return;
    }
    if (to.ring->broken()) {
        to.repeats.clear();
        m_server.reset(connection);
        return;
    }
    bool moved = to.ring->flush();
    while (!to.ring->sending() && !to.ring->broken()) {
        if (!send_out(to)) {
            break;
        }
        moved |= to.ring->flush();
    }
    if (to.ring->broken()) {
        m_server.reset(connection);
    }
    if (moved) {
        to.port->send();
    }
}

/// Hands the next message of a connection to its ring; false when there is none.
bool xenstored::send_out(channel& to) {
    if (!to.repeats.empty()) {
        show(to, true, to.repeats.front());
        to.ring->send(to.repeats.front());
        to.repeats.pop_front();
        return true;
    }
    auto message = m_server.take(*m_server.find(to.connection));
    if (!message) {
        return false;
    }
    store_output_passage passage{std::move(*message)};
    if (m_wire != nullptr && passage.message.type == xs_op::watch_event) {
        m_wire->event(to.domid, passage);
    } else if (m_wire != nullptr) {
        m_wire->reply(to.domid, passage);
    }
    to.repeats.assign(passage.copies, passage.message);
    return to.repeats.empty() || send_out(to);
}

void xenstored::show(const channel& which, bool out, const xs_message& message) {
    if (messages.observed()) {
        const auto& name = m_server.find(which.connection)->name;
        messages.publish({sc_core::sc_time_stamp(), which.domid, name, out, message.type, message.req_id,
                          message.tx_id, message.payload});
    }
}

}  // namespace vtwin::xen
