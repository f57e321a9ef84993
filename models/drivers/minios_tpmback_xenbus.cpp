// The control path of tpmback: interfaces are discovered, connected, closed and freed.
#include <charconv>

#include "models/drivers/minios_tpmback.h"

namespace vtwin::models {

using xen::xenbus_state;

namespace {

constexpr std::string_view backend_root = "backend/vtpm";
constexpr std::size_t scan_width = 40;       ///< sscanf("%40s") into 40 bytes: one too few for the terminator
constexpr std::size_t smallest_chunk = 24;   ///< least usable size of an allocation
constexpr unsigned state_read_attempts = 3;  ///< hardened: tries before an unreadable state is left alone

/// Takes a decimal number off the front.
bool take_number(std::string_view& text, std::uint32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

void minios_tpmback::start(callbacks notify) {
    m_callbacks = std::move(notify);
    m_interfaces.clear();
    m_closed = m_request_ready = false;
    m_mappings = 0;
    m_list_capacity = 1;
    while (m_events.poll()) {
    }
    m_kernel.spawn("tpmback-listener", [this] { listen(); });
}

void minios_tpmback::shutdown() {
    m_closed = true;
    while (!m_interfaces.empty()) {
        free_interface(*m_interfaces.begin()->second);
    }
    m_changed.wake();
}

void minios_tpmback::wait_for_frontend() {
    m_changed.wait_for([this] { return m_closed || !m_interfaces.empty(); });
}

void minios_tpmback::listen() {
    const std::string root(backend_root);
    if (!m_kernel.xenbus().watch(root, root, m_events)) {
        m_kernel.log(kernel::level::error, "tpmback: cannot watch " + root);
        return;
    }
    walk(root);
    while (!m_closed) {
        handle_path(m_events.next().path);
    }
}

// What is there already: every path below the root is taken for an event.
void minios_tpmback::walk(const std::string& path) {
    handle_path(path);
    std::vector<std::string> names;
    if (!m_kernel.xenbus().directory(path, names)) {
        return;
    }
    for (const std::string& name : names) {
        walk(path + "/" + name);
    }
}

minios_tpmback::path_event minios_tpmback::classify(const std::string& path) {
    std::string_view rest = path;
    std::uint32_t domid = 0, handle = 0;
    path_event event;
    std::string_view tail;
    if (take_prefix(rest, "backend/vtpm/")) {
        if (!take_number(rest, domid) || !take_prefix(rest, "/") || !take_number(rest, handle)) {
            return event;
        }
        event.what = rest.empty() ? path_event::kind::new_frontend : path_event::kind::none;
        tail = rest.empty() ? rest : rest.substr(1);
    } else if (take_prefix(rest, "/local/domain/")) {
        if (!take_number(rest, domid) || !take_prefix(rest, "/device/vtpm/") || !take_number(rest, handle) ||
            !take_prefix(rest, "/")) {
            return event;
        }
        event.what = rest == "state" ? path_event::kind::state_change : path_event::kind::none;
        tail = rest;
    }
    if (tail.size() >= scan_width && m_behaviours.faithful(behaviour::tpmback_watch_path_scan_overflow)) {
        m_kernel.panic("tpmback: stack overwritten by a path of " + std::to_string(tail.size()) +
                       " characters");
    }
    event.id = {static_cast<xen::domid_t>(domid), handle};
    return event;
}

void minios_tpmback::handle_path(const std::string& path) {
    const path_event event = classify(path);
    // Held while it is worked on: the owner's thread may free it meanwhile.
    const auto known = event.what == path_event::kind::none ? nullptr : find(event.id);
    switch (event.what) {
        case path_event::kind::new_frontend:
            // A node that has gone again raises an event, too. One that is known is ignored even when it is a
            // new directory of the same name.
            if (known == nullptr && m_kernel.xenbus().read(path)) {
                new_frontend(event.id);
            }
            break;
        case path_event::kind::state_change:
            if (known != nullptr) {
                frontend_changed(*known);
            }
            break;
        case path_event::kind::none:
            break;
    }
}

void minios_tpmback::new_frontend(interface_id id) {
    xenbus_client& store = m_kernel.xenbus();
    auto added = std::make_shared<interface>();
    added->id = id;
    added->backend_path = fmt::format("{}/{}/{}", backend_root, xen::to_underlying(id.first), id.second);
    const xs_reply text = store.read(added->backend_path + "/uuid");
    const auto uuid = text ? parse_uuid(text.value) : std::nullopt;
    if (!uuid) {
        m_kernel.log(kernel::level::error, "tpmback: no UUID for " + added->backend_path);
        return;
    }
    added->uuid = *uuid;
    if (!change_state(*added, xenbus_state::init_wait)) {
        return;
    }
    const xs_reply frontend = store.read(added->backend_path + "/frontend");
    if (!frontend) {
        m_kernel.log(kernel::level::error, "tpmback: no frontend for " + added->backend_path);
        return;
    }
    added->frontend_path = frontend.value;
    added->frontend_state_path = frontend.value + "/state";
    interface& which = *added;
    insert(added);
    store.write(which.backend_path + "/feature-protocol-v2", "1");
    store.watch(which.frontend_state_path, which.frontend_state_path, m_events);
    if (m_callbacks.opened) {
        m_callbacks.opened(id.first, id.second, which.uuid);
    }
    m_changed.wake();
}

// The list doubles its capacity, but hands the number of elements to an allocator that counts bytes. What
// lies behind it in the heap is unknown, so the overrun is told and nothing else happens.
void minios_tpmback::insert(std::shared_ptr<interface> added) {
    const interface_id id = added->id;
    m_interfaces[id] = std::move(added);
    if (m_interfaces.size() > m_list_capacity) {
        m_list_capacity *= 2;
    }
    if (m_behaviours.faithful(behaviour::tpmback_interface_list_realloc_in_bytes)) {
        const std::size_t usable = std::max(smallest_chunk, m_list_capacity);
        if (m_interfaces.size() * sizeof(std::uint64_t) > usable) {
            ++m_heap_overruns;
            m_kernel.log(kernel::level::error, "tpmback: interface list written past its allocation");
        }
    }
}

// nullopt: leave the interface alone.
std::optional<xenbus_state> minios_tpmback::frontend_state(interface& which) {
    xenbus_client& store = m_kernel.xenbus();
    if (m_behaviours.faithful(behaviour::tpmback_unreadable_state_frees_interface)) {
        return store.read_state(which.frontend_state_path);
    }
    for (unsigned attempt = 0; attempt < state_read_attempts; ++attempt) {
        const xs_reply reply = store.read(which.frontend_state_path);
        if (reply.error == xen::errno_t::enoent) {
            return xenbus_state::unknown;
        }
        if (reply) {
            const auto state = store.read_state(which.frontend_state_path);
            return state == xenbus_state::unknown ? std::nullopt : std::optional(state);
        }
        m_kernel.yield();
    }
    return std::nullopt;
}

void minios_tpmback::frontend_changed(interface& which) {
    const auto state = frontend_state(which);
    if (!state) {
        return;
    }
    switch (*state) {
        case xenbus_state::initialising:
            break;
        case xenbus_state::initialised:
        case xenbus_state::connected:
            connect(which);
            break;
        case xenbus_state::closing:
            change_state(which, xenbus_state::closing);
            break;
        case xenbus_state::closed: {
            disconnect(which);
            const bool removed = m_behaviours.hardened(behaviour::tpmback_closed_frontend_gets_initwait) &&
                                 m_kernel.xenbus().read_integer(which.backend_path + "/online") == 0;
            change_state(which, removed ? xenbus_state::closed : xenbus_state::init_wait);
            break;
        }
        case xenbus_state::unknown:
            free_interface(which);
            break;
        default:
            m_kernel.log(kernel::level::error, "tpmback: frontend in a state of no meaning");
            break;
    }
}

bool minios_tpmback::ring_has_moved(interface& which) {
    xenbus_client& store = m_kernel.xenbus();
    const auto ref = store.read_integer(which.frontend_path + "/ring-ref");
    const auto port = store.read_integer(which.frontend_path + "/event-channel");
    return ref && port &&
           (static_cast<std::uint32_t>(*ref) != which.ring_ref ||
            static_cast<std::uint32_t>(*port) != which.remote_port);
}

void minios_tpmback::connect(interface& which) {
    if (which.status == interface::link::connected) {
        if (m_behaviours.faithful(behaviour::tpmback_resume_on_same_backend_ignored) ||
            !ring_has_moved(which)) {
            return;
        }
        disconnect(which);
    }
    if (!try_connect(which)) {
        m_kernel.log(kernel::level::error, "tpmback: cannot connect " + which.frontend_path);
        change_state(which, xenbus_state::closed);
    }
}

bool minios_tpmback::try_connect(interface& which) {
    xenbus_client& store = m_kernel.xenbus();
    const auto ref = store.read_integer(which.frontend_path + "/ring-ref");
    if (!ref) {
        return false;
    }
    const auto port = store.read_integer(which.frontend_path + "/event-channel");
    if (!port) {
        return false;
    }
    if (store.read(which.frontend_path + "/feature-protocol-v2").value != "1") {
        return false;
    }
    // Signed text becomes an unsigned number: "-1" is 0xFFFFFFFF.
    if (which.closed ||
        !bind_ring(which, static_cast<std::uint32_t>(*ref), static_cast<std::uint32_t>(*port))) {
        return false;
    }
    const bool ready = static_cast<bool>(store.write(which.backend_path + "/ready", "1"));
    which.status = interface::link::connected;
    if (ready && change_state(which, xenbus_state::connected)) {
        return true;
    }
    const bool keeps_mark = m_behaviours.faithful(behaviour::tpmback_failed_connect_stays_connected);
    disconnect(which);
    if (keeps_mark) {
        which.status = interface::link::connected;
    }
    return false;
}

bool minios_tpmback::bind_ring(interface& which, std::uint32_t ref, std::uint32_t port) {
    if (m_mappings >= max_mappings && m_behaviours.faithful(behaviour::tpmback_fixed_grant_limits)) {
        m_kernel.log(kernel::level::error, "tpmback: no room for another mapping");
        return false;
    }
    xen::gnttab_map_grant_ref map;
    map.ref = xen::grant_ref{ref};
    map.dom = which.id.first;
    if (m_kernel.ports.hypercall->grant_map({&map, 1}) != 0 || map.status != xen::gntst::okay) {
        return false;
    }
    ++m_mappings;
    which.page_address = map.host_addr;
    which.mapping = map.handle;
    which.page = tpmif_page(m_kernel, map.host_addr);
    which.ring_ref = ref;
    which.remote_port = port;
    if (m_kernel.ports.hypercall->evtchn_bind_interdomain(which.id.first, xen::evtchn_port{port},
                                                          which.port) != 0) {
        // Only the page was had: `port` still names a port of an earlier session, by now perhaps another's.
        unmap_page(which);
        return false;
    }
    // Binding has set our own end pending, so the handler looks at the page as soon as the port is unmasked.
    which.status = interface::link::disconnecting;
    m_kernel.bind_handler(which.port, [this, &which] { on_event(which); });
    m_kernel.unmask(which.port);
    return true;
}

void minios_tpmback::unmap_page(interface& which) {
    xen::gnttab_unmap_grant_ref unmap;
    unmap.host_addr = which.page_address;
    unmap.handle = which.mapping;
    (void)m_kernel.ports.hypercall->grant_unmap({&unmap, 1});
    if (m_mappings > 0) {
        --m_mappings;
    }
}

void minios_tpmback::disconnect(interface& which) {
    if (which.status == interface::link::disconnected) {
        return;
    }
    which.status = interface::link::disconnected;
    unmap_page(which);
    m_kernel.unbind(which.port);
    if (m_behaviours.hardened(behaviour::tpmback_page_used_after_frontend_close)) {
        clear_request(which);
    }
}

void minios_tpmback::free_interface(interface& which) {
    if (which.closed) {
        if (m_behaviours.faithful(behaviour::tpmback_double_free_from_two_threads)) {
            m_kernel.panic("tpmback: interface freed twice");
        }
        // The other thread is at it; it needs this one's turn to end.
        m_kernel.yield();
        return;
    }
    which.closed = true;
    const interface_id id = which.id;
    change_state(which, xenbus_state::closing);
    disconnect(which);
    change_state(which, xenbus_state::closed);
    if (m_callbacks.closed) {
        m_callbacks.closed(id.first, id.second);
    }
    xenbus_client& store = m_kernel.xenbus();
    store.unwatch(which.frontend_state_path, which.frontend_state_path);
    const std::string path = which.backend_path;
    m_interfaces.erase(id);
    recompute_ready();
    store.remove(path);
    // A directory made anew while the old interface was still listed has lost its event.
    if (!m_closed && m_behaviours.hardened(behaviour::tpmback_quick_readd_event_lost)) {
        handle_path(path);
    }
}

// False when the store refuses.
bool minios_tpmback::change_state(interface& which, xenbus_state state) {
    xenbus_client& store = m_kernel.xenbus();
    which.state = state;
    if (store.read_integer(which.backend_path + "/state") == static_cast<int>(state)) {
        return true;
    }
    return static_cast<bool>(store.write(which.backend_path + "/state", state_text(state)));
}

}  // namespace vtwin::models
