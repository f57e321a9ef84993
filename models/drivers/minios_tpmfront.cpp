#include "models/drivers/minios_tpmfront.h"

namespace vtwin::models {

using xen::xenbus_state;

minios_tpmfront::minios_tpmfront(kernel& owner, const behaviour_set& behaviours, driver_params params)
    : m_kernel(owner),
      m_behaviours(behaviours),
      m_params(std::move(params)),
      m_events(owner, watch_queue::order::newest_first),
      m_answered(owner) {}

bool minios_tpmfront::init(const std::string& node) {
    m_node = node;
    m_published = m_watching = m_connected = m_waiting = false;
    m_frame.reset();
    m_port = {};
    xenbus_client& store = m_kernel.xenbus();
    const auto backend = store.read_integer(node + "/backend-id");
    const xs_reply path = store.read(node + "/backend");
    if (!backend || !path) {
        m_kernel.log(kernel::level::error, "tpmfront: no backend for " + node);
        return false;
    }
    m_backend = static_cast<xen::domid_t>(*backend);
    m_backend_path = path.value;
    const bool up = publish() && watch_backend() &&
                    wait_for_backend([](xenbus_state s) { return s == xenbus_state::connected; },
                                     [](xenbus_state s) {
                                         return s == xenbus_state::unknown || s == xenbus_state::closing ||
                                                s == xenbus_state::closed;
                                     });
    if (!up || store.read(m_backend_path + "/feature-protocol-v2").value != "1") {
        m_kernel.log(kernel::level::error, "tpmfront: backend refused " + node);
        shutdown();
        return false;
    }
    m_connected = true;
    return true;
}

bool minios_tpmfront::publish() {
    xenbus_client& store = m_kernel.xenbus();
    if (!store.write(m_node + "/feature-protocol-v2", "1")) {
        return false;
    }
    m_frame = m_kernel.alloc_page();
    m_kernel.zero_page(*m_frame);
    m_page = tpmif_page(m_kernel, xen::address_of(*m_frame));
    const auto ref = m_kernel.grants().grant_access(m_backend, *m_frame);
    if (!ref) {
        m_kernel.free_page(*m_frame);
        m_frame.reset();
        return false;
    }
    m_ref = *ref;
    m_published = true;
    if (m_kernel.ports.hypercall->evtchn_alloc_unbound(xen::domid_self, m_backend, m_port) != 0) {
        return false;
    }
    m_kernel.bind_handler(m_port, [this] { on_event(); });
    m_kernel.unmask(m_port);
    const unsigned attempts =
        m_behaviours.faithful(behaviour::tpmfront_publish_retries_unbounded) ? 0 : m_params.hardened_attempts;
    const bool written = store.transaction(
        [&](xs_transaction tx) {
            return store.write(m_node + "/ring-ref", std::to_string(xen::to_underlying(m_ref)), tx) &&
                   store.write(m_node + "/event-channel", std::to_string(xen::to_underlying(m_port)), tx);
        },
        attempts);
    if (written) {
        set_state(xenbus_state::connected);
    }
    return written;
}

bool minios_tpmfront::watch_backend() {
    const std::string path = m_backend_path + "/state";
    m_watching = static_cast<bool>(m_kernel.xenbus().watch(path, path, m_events));
    return m_watching;
}

bool minios_tpmfront::wait_for_backend(const std::function<bool(xenbus_state)>& accept,
                                       const std::function<bool(xenbus_state)>& refuse) {
    const std::string path = m_backend_path + "/state";
    while (true) {
        const xenbus_state state = m_kernel.xenbus().read_state(path);
        if (accept(state)) {
            return true;
        }
        if (refuse(state)) {
            return false;
        }
        if (m_behaviours.faithful(behaviour::tpmfront_waits_without_timeout)) {
            m_events.next();
        } else if (!m_events.next_within(m_params.hardened_wait)) {
            m_kernel.log(kernel::level::error, "tpmfront: backend does not answer");
            return false;
        }
    }
}

void minios_tpmfront::set_state(xenbus_state state) {
    m_kernel.xenbus().write(m_node + "/state", state_text(state));
}

void minios_tpmfront::set_locality(std::uint8_t locality) {
    if (m_frame) {
        m_page.set_locality(locality);
    }
}

// Interrupt context.
void minios_tpmfront::on_event() {
    if (!m_waiting) {
        return;
    }
    const tpmif_state state = m_page.state();
    if (state == tpmif_state::finish || state == tpmif_state::idle) {
        m_waiting = false;
        m_answered.wake();
    }
}

transport_result minios_tpmfront::transmit(byte_view command) {
    constexpr std::uint64_t room = xen::page_size - tpmif_page::header_size;
    if (!m_connected) {
        return {transport_error::not_connected, {}};
    }
    if (command.size() > room) {
        return {transport_error::too_long, {}};
    }
    m_page.copy_out(tpmif_page::header_size, command);
    m_page.set_length(static_cast<std::uint32_t>(command.size()));
    m_page.set_state(tpmif_state::submit);
    m_waiting = true;
    m_kernel.notify(m_port);
    if (!wait_for_answer()) {
        return {transport_error::timed_out, {}};
    }
    if (m_page.state() != tpmif_state::finish) {
        return {transport_error::cancelled, {}};
    }
    const std::uint32_t length = m_page.length();
    if (length > room) {
        m_kernel.log(kernel::level::error,
                     fmt::format("tpmfront: response of {} bytes does not fit", length));
        return {transport_error::too_long, {}};
    }
    transport_result result{transport_error::none, bytes(length)};
    m_page.copy_in(tpmif_page::header_size, result.response);
    return result;
}

bool minios_tpmfront::wait_for_answer() {
    const auto answered = [this] { return !m_waiting; };
    if (m_behaviours.faithful(behaviour::tpmfront_waits_without_timeout)) {
        m_answered.wait_for(answered);
        return true;
    }
    if (m_answered.wait_for(answered, m_params.hardened_wait)) {
        return true;
    }
    m_kernel.log(kernel::level::error, "tpmfront: no answer, cancelling");
    m_page.set_state(tpmif_state::cancel);
    m_kernel.notify(m_port);
    // The cancelled request may still end in FINISH: the page is not used again before the backend let it go.
    if (!m_answered.wait_for(answered, m_params.hardened_wait)) {
        m_connected = false;
    }
    m_waiting = false;
    return false;
}

void minios_tpmfront::shutdown() {
    if (m_published) {
        xenbus_client& store = m_kernel.xenbus();
        set_state(xenbus_state::closing);
        store.remove(m_node + "/event-channel");
        store.remove(m_node + "/ring-ref");
        set_state(xenbus_state::closed);
        if (m_watching || watch_backend()) {
            wait_for_backend(
                [](xenbus_state s) {
                    return s == xenbus_state::closed || s == xenbus_state::init_wait ||
                           s == xenbus_state::unknown;
                },
                [](xenbus_state) { return false; });
            store.unwatch(m_backend_path + "/state", m_backend_path + "/state");
            m_watching = false;
        }
        set_state(xenbus_state::initialising);
    }
    release();
}

void minios_tpmfront::release() {
    m_connected = m_published = false;
    if (!m_frame) {
        return;
    }
    if (m_port != xen::evtchn_port{}) {
        m_kernel.unbind(m_port);
        m_port = {};
    }
    const bool ended = m_kernel.grants().end_access(m_ref);
    if (!ended) {
        m_kernel.log(kernel::level::warning, "tpmfront: page still in use by the backend");
    }
    // A hardened driver keeps a page that the peer may still write.
    if (ended || m_behaviours.faithful(behaviour::tpmfront_page_freed_while_granted)) {
        m_kernel.free_page(*m_frame);
    }
    m_frame.reset();
}

}  // namespace vtwin::models
