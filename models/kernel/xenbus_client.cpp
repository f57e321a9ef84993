#include "models/kernel/xenbus_client.h"

#include <charconv>

#include "models/kernel/kernel.h"

namespace vtwin::models {

using xen::guest_addr;

namespace {

// public/io/xs_wire.h
constexpr std::uint64_t ring_size = 1024, req_ring = 0, rsp_ring = 1024;
constexpr std::uint64_t req_cons = 2048, req_prod = 2052, rsp_cons = 2056, rsp_prod = 2060;
constexpr std::size_t header_size = 16;

enum wire_type : std::uint32_t {
    xs_directory = 1,
    xs_read = 2,
    xs_watch = 4,
    xs_unwatch = 5,
    xs_transaction_start = 6,
    xs_transaction_end = 7,
    xs_write = 11,
    xs_mkdir = 12,
    xs_rm = 13,
    xs_set_perms = 14,
    xs_watch_event = 15,
    xs_error = 16,
};

constexpr std::pair<std::string_view, xen::errno_t> error_names[] = {
    {"EINVAL", xen::errno_t::einval},       {"EACCES", xen::errno_t::eacces},
    {"EEXIST", xen::errno_t::eexist},       {"EISDIR", xen::errno_t::eisdir},
    {"ENOENT", xen::errno_t::enoent},       {"ENOMEM", xen::errno_t::enomem},
    {"ENOSPC", xen::errno_t::enospc},       {"EIO", xen::errno_t::eio},
    {"ENOTEMPTY", xen::errno_t::enotempty}, {"ENOSYS", xen::errno_t::enosys},
    {"EROFS", xen::errno_t::erofs},         {"EBUSY", xen::errno_t::ebusy},
    {"EAGAIN", xen::errno_t::eagain},       {"EISCONN", xen::errno_t::eisconn},
    {"E2BIG", xen::errno_t::e2big},         {"EPERM", xen::errno_t::eperm},
};

// A name that is not in the list reads as EINVAL, as both kernels do.
xen::errno_t error_by_name(std::string_view name) {
    for (const auto& [text, code] : error_names) {
        if (text == name) {
            return code;
        }
    }
    return xen::errno_t::einval;
}

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
        out += static_cast<char>(value >> shift);
    }
}

std::uint32_t get_u32(std::span<const std::byte> raw, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value |= std::to_integer<std::uint32_t>(raw[at + i]) << (8 * i);
    }
    return value;
}

std::string terminated(std::string_view text) {
    std::string result(text);
    result += '\0';
    return result;
}

std::string_view without_terminator(std::string_view text) {
    return text.substr(0, text.find('\0'));
}

}  // namespace

// ---- watch queues

void watch_queue::push(watch_event event) {
    if (m_order == order::newest_first) {
        m_events.push_front(std::move(event));
    } else {
        m_events.push_back(std::move(event));
    }
    m_changed.wake();
}

std::optional<watch_event> watch_queue::poll() {
    if (m_events.empty()) {
        return std::nullopt;
    }
    watch_event event = std::move(m_events.front());
    m_events.pop_front();
    return event;
}

watch_event watch_queue::next() {
    m_changed.wait_for([this] { return !m_events.empty(); });
    return *poll();
}

std::optional<watch_event> watch_queue::next_within(const sc_core::sc_time& timeout) {
    const bool arrived = m_changed.wait_for([this] { return !m_events.empty(); }, timeout);
    return arrived ? poll() : std::nullopt;
}

// ---- requests

xenbus_client::xenbus_client(kernel& owner)
    : m_kernel(owner), m_ring(owner), m_replies(owner), m_sending(owner) {
    const xen::evtchn_port port = m_kernel.info().store_port;
    m_kernel.bind_handler(port, [this] { m_ring.wake(); });
    m_kernel.unmask(port);
    m_kernel.spawn("xenstore", [this] { receive_loop(); });
}

std::uint32_t xenbus_client::claim_id() {
    m_replies.wait_for([this] { return m_pending.size() < max_requests; });
    while (m_pending.contains(m_next_id)) {
        m_next_id = (m_next_id + 1) % max_requests;
    }
    const std::uint32_t id = m_next_id;
    m_pending.emplace(id, pending_request{});
    m_next_id = (m_next_id + 1) % max_requests;
    return id;
}

xs_reply xenbus_client::request(std::uint32_t type, std::string_view payload, xs_transaction tx) {
    if (payload.size() > max_payload) {
        return {xen::errno_t::e2big, {}};
    }
    const std::uint32_t id = claim_id();
    std::string message;
    put_u32(message, type);
    put_u32(message, id);
    put_u32(message, xen::to_underlying(tx));
    put_u32(message, static_cast<std::uint32_t>(payload.size()));
    message += payload;
    m_sending.lock();
    send_bytes(message);
    m_sending.unlock();
    pending_request& mine = m_pending.at(id);
    m_replies.wait_for([&] { return mine.answered; });
    const pending_request reply = std::move(mine);
    m_pending.erase(id);
    m_replies.wake();
    if (reply.type == xs_error) {
        return {error_by_name(without_terminator(reply.payload)), {}};
    }
    return {reply.type == type ? xen::errno_t::ok : xen::errno_t::eio, reply.payload};
}

void xenbus_client::send_bytes(std::string_view data) {
    const guest_addr page = m_kernel.info().store_page;
    auto rest = std::as_bytes(std::span(data));
    while (!rest.empty()) {
        const std::uint32_t producer = m_kernel.read_u32(page + req_prod);
        std::uint64_t space = 0;
        m_ring.wait_for([&] {
            space = ring_size - (producer - m_kernel.read_u32(page + req_cons));
            return space > 0 && space <= ring_size;
        });
        const std::uint64_t position = producer % ring_size;
        const std::size_t chunk = std::min({space, ring_size - position, std::uint64_t{rest.size()}});
        m_kernel.copy_out(page + req_ring + position, rest.first(chunk));
        m_kernel.write_u32(page + req_prod, producer + static_cast<std::uint32_t>(chunk));
        rest = rest.subspan(chunk);
        // A message that wraps is published in two steps but announced once, unless the ring is full.
        if (rest.empty() || chunk == space) {
            m_kernel.notify(m_kernel.info().store_port);
        }
    }
}

// ---- replies

std::size_t xenbus_client::available() {
    const guest_addr page = m_kernel.info().store_page;
    return m_kernel.read_u32(page + rsp_prod) - m_kernel.read_u32(page + rsp_cons);
}

void xenbus_client::take_bytes(std::span<std::byte> out) {
    const guest_addr page = m_kernel.info().store_page;
    while (!out.empty()) {
        if (available() == 0) {
            // The server may wait for room in the ring.
            m_kernel.notify(m_kernel.info().store_port);
            m_ring.wait_for([this] { return available() > 0; });
        }
        const std::uint32_t consumer = m_kernel.read_u32(page + rsp_cons);
        const std::uint64_t position = consumer % ring_size;
        const std::size_t chunk =
            std::min({std::uint64_t{available()}, ring_size - position, std::uint64_t{out.size()}});
        m_kernel.copy_in(page + rsp_ring + position, out.first(chunk));
        m_kernel.write_u32(page + rsp_cons, consumer + static_cast<std::uint32_t>(chunk));
        out = out.subspan(chunk);
    }
}

void xenbus_client::receive_loop() {
    while (true) {
        if (available() == 0) {
            m_ring.wait_for([this] { return available() > 0; });
        }
        std::array<std::byte, header_size> header;
        take_bytes(header);
        const std::uint32_t length = get_u32(header, 12);
        if (length > max_payload) {
            m_kernel.panic("message of impossible length from the store");
        }
        std::string payload(length, '\0');
        take_bytes(std::as_writable_bytes(std::span(payload)));
        dispatch(get_u32(header, 0), get_u32(header, 4), std::move(payload));
        if (available() == 0) {
            m_kernel.notify(m_kernel.info().store_port);
        }
    }
}

void xenbus_client::dispatch(std::uint32_t type, std::uint32_t id, std::string payload) {
    if (type == xs_watch_event) {
        deliver_event(payload);
        return;
    }
    const auto found = m_pending.find(id);
    if (found == m_pending.end()) {
        m_kernel.log(kernel::level::warning, "xenbus: reply to a request that nobody made");
        return;
    }
    found->second.answered = true;
    found->second.type = type;
    found->second.payload = std::move(payload);
    m_replies.wake();
}

void xenbus_client::deliver_event(std::string_view payload) {
    const std::string_view path = without_terminator(payload);
    if (path.size() + 1 > payload.size()) {
        return;
    }
    const std::string_view token = without_terminator(payload.substr(path.size() + 1));
    for (const registered_watch& watch : m_watches) {
        if (watch.token == token) {
            watch.queue->push({std::string(path), std::string(token)});
            return;
        }
    }
}

// ---- operations

xs_reply xenbus_client::read(const std::string& path, xs_transaction tx) {
    return request(xs_read, terminated(path), tx);
}

xs_reply xenbus_client::write(const std::string& path, std::string_view value, xs_transaction tx) {
    return request(xs_write, terminated(path) + std::string(value), tx);
}

xs_reply xenbus_client::make_directory(const std::string& path, xs_transaction tx) {
    return request(xs_mkdir, terminated(path), tx);
}

xs_reply xenbus_client::remove(const std::string& path, xs_transaction tx) {
    return request(xs_rm, terminated(path), tx);
}

xs_reply xenbus_client::directory(const std::string& path, std::vector<std::string>& names,
                                  xs_transaction tx) {
    xs_reply reply = request(xs_directory, terminated(path), tx);
    names.clear();
    std::string_view rest = reply.value;
    while (!rest.empty()) {
        const std::string_view name = without_terminator(rest);
        names.emplace_back(name);
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    return reply;
}

xs_reply xenbus_client::set_permissions(const std::string& path, const std::vector<std::string>& permissions,
                                        xs_transaction tx) {
    std::string payload = terminated(path);
    for (const std::string& permission : permissions) {
        payload += terminated(permission);
    }
    return request(xs_set_perms, payload, tx);
}

xs_reply xenbus_client::watch(const std::string& path, const std::string& token, watch_queue& queue) {
    // Registered first: the initial event may be read before the reply is looked at.
    m_watches.push_back({path, token, &queue});
    xs_reply reply = request(xs_watch, terminated(path) + terminated(token), xs_transaction::none);
    if (!reply) {
        std::erase_if(m_watches,
                      [&](const registered_watch& w) { return w.path == path && w.token == token; });
    }
    return reply;
}

xs_reply xenbus_client::unwatch(const std::string& path, const std::string& token) {
    xs_reply reply = request(xs_unwatch, terminated(path) + terminated(token), xs_transaction::none);
    // Events on their way are dropped from now on.
    const auto found = std::ranges::find_if(
        m_watches, [&](const registered_watch& w) { return w.path == path && w.token == token; });
    if (found != m_watches.end()) {
        m_watches.erase(found);
    }
    return reply;
}

xs_reply xenbus_client::transaction_start(xs_transaction& tx) {
    xs_reply reply = request(xs_transaction_start, std::string_view("\0", 1), xs_transaction::none);
    std::uint32_t id = 0;
    std::from_chars(reply.value.data(), reply.value.data() + reply.value.size(), id);
    tx = xs_transaction{id};
    return reply;
}

xs_reply xenbus_client::transaction_end(xs_transaction tx, bool commit) {
    return request(xs_transaction_end, terminated(commit ? "T" : "F"), tx);
}

bool xenbus_client::transaction(const std::function<bool(xs_transaction)>& body, unsigned attempts) {
    for (unsigned attempt = 1;; ++attempt) {
        xs_transaction tx{};
        if (!transaction_start(tx)) {
            return false;
        }
        const bool commit = body(tx);
        const xs_reply end = transaction_end(tx, commit);
        if (end.error != xen::errno_t::eagain || !commit) {
            return commit && end;
        }
        if (attempts != 0 && attempt >= attempts) {
            return false;
        }
    }
}

std::optional<std::int64_t> xenbus_client::read_integer(const std::string& path, xs_transaction tx) {
    const xs_reply reply = read(path, tx);
    std::int64_t number = 0;
    const char* const begin = reply.value.data();
    if (!reply || std::from_chars(begin, begin + reply.value.size(), number).ec != std::errc{}) {
        return std::nullopt;
    }
    return number;
}

xen::xenbus_state xenbus_client::read_state(const std::string& path) {
    const auto number = read_integer(path);
    if (!number || *number < 0 || *number > static_cast<int>(xen::xenbus_state::reconfigured)) {
        return xen::xenbus_state::unknown;
    }
    return static_cast<xen::xenbus_state>(*number);
}

std::string state_text(xen::xenbus_state state) {
    return std::to_string(static_cast<int>(state));
}

}  // namespace vtwin::models
