#include "models/drivers/linux_tpmfront.h"

#include "models/drivers/linux_errno.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

using sc_core::sc_time;
using xen::errno_t;
using xen::page_size;
using xen::xenbus_state;

linux_tpmfront::linux_tpmfront(kernel& owner, linux_xenbus& bus, const behaviour_set& behaviours,
                               driver_params params)
    : m_kernel(owner),
      m_bus(bus),
      m_behaviours(behaviours),
      m_params(std::move(params)),
      m_chip(owner, *this, m_params),
      m_irq(owner),
      m_registered(owner) {}

// ---- XenBus

int linux_tpmfront::probe(xenbus_device& device) {
    m_chip.reset();
    if (const int result = set_up_ring(device); result != 0) {
        return result;
    }
    // No wait for the backend: the first command may be in the page before anybody has mapped it.
    if (m_params.linux_probes_tpm20) {
        (void)m_chip.probe_tpm20();
    }
    (void)(m_chip.is_tpm20() ? m_chip.start_tpm20() : m_chip.get_timeouts());
    const int result = m_chip.register_chip();
    m_registered.wake();
    return result;
}

int linux_tpmfront::set_up_ring(xenbus_device& device) {
    m_ring = m_kernel.alloc_page();
    m_kernel.zero_page(*m_ring);
    m_page_locality = 0;
    m_page = tpmif_page(m_kernel, xen::address_of(*m_ring));
    const auto ref = m_kernel.grants().grant_access(device.other_end_id, *m_ring);
    if (!ref) {
        return error(errno_t::enospc);
    }
    m_ref = *ref;
    if (const int result =
            m_kernel.ports.hypercall->evtchn_alloc_unbound(xen::domid_self, device.other_end_id, m_port);
        result != 0) {
        return result;
    }
    m_kernel.bind_handler(m_port, [this] { on_event(); });
    m_kernel.unmask(m_port);
    xenbus_client& store = m_kernel.xenbus();
    const bool written = store.transaction([&](xs_transaction tx) {
        return store.write(device.node + "/ring-ref", std::to_string(xen::to_underlying(m_ref)), tx) &&
               store.write(device.node + "/event-channel", std::to_string(xen::to_underlying(m_port)), tx) &&
               store.write(device.node + "/feature-protocol-v2", "1", tx);
    });
    if (!written) {
        m_bus.fatal(device, static_cast<int>(errno_t::eio), "writing ring data");
        return error(errno_t::eio);
    }
    m_bus.switch_state(device, xenbus_state::initialised);
    return 0;
}

void linux_tpmfront::remove(xenbus_device& device) {
    m_chip.unregister_chip();
    const xen::gfn_t ring = *m_ring;
    if (m_behaviours.hardened(behaviour::linux_tpmfront_ring_freed_before_irq_unbound)) {
        m_kernel.unbind(m_port);
        m_ring.reset();
        m_kernel.grants().end_access_deferred(m_ref, ring);
        return;
    }
    // The handler stays bound while the page goes away: an event in between finds a null pointer.
    m_kernel.grants().end_access_deferred(m_ref, ring);
    m_ring.reset();
    m_kernel.charge(m_kernel.costs().irq_handler);
    m_kernel.pay();
    m_kernel.unbind(m_port);
}

void linux_tpmfront::other_end_changed(xenbus_device& device, xenbus_state state) {
    switch (state) {
        case xenbus_state::initialised:
        case xenbus_state::connected:
            if (device.state == xenbus_state::connected) {
                return;
            }
            if (m_kernel.xenbus().read_integer(device.other_end + "/feature-protocol-v2").value_or(0) == 0) {
                m_bus.fatal(device, static_cast<int>(errno_t::einval), "vTPM protocol 2 required");
                return;
            }
            m_bus.switch_state(device, xenbus_state::connected);
            break;
        case xenbus_state::closing:
        case xenbus_state::closed:
            m_bus.unregister(device);
            break;
        default:
            break;
    }
}

// Interrupt context.
void linux_tpmfront::on_event() {
    if (!m_ring) {
        m_kernel.panic("xen-tpmfront: event after the ring was released: null pointer");
    }
    const tpmif_state state = m_page.state();
    if (state == tpmif_state::idle || state == tpmif_state::finish) {
        m_irq.wake();
    }
}

// ---- driver operations

std::uint8_t linux_tpmfront::status() {
    switch (m_page.state()) {
        case tpmif_state::idle:
            return status_idle | status_canceled;
        case tpmif_state::finish:
            return status_idle | status_result;
        case tpmif_state::submit:
        case tpmif_state::cancel:
            return status_running;
        default:
            return 0;
    }
}

// Looks at once, then after every poll period until the time is over; the last look comes at or after its
// end.
bool linux_tpmfront::wait_for_status(std::uint8_t mask, const sc_time& timeout) {
    const auto reached = [&] { return (status() & mask) == mask; };
    if (m_behaviours.hardened(behaviour::linux_tpmfront_poll_quantum_5ms)) {
        return m_irq.wait_for(reached, timeout);
    }
    if (reached()) {
        return true;
    }
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + timeout;
    do {
        m_kernel.sleep(m_params.linux_status_poll);
        if (reached()) {
            return true;
        }
    } while (m_kernel.now() < stop);
    return false;
}

void linux_tpmfront::cancel() {
    m_page.set_state(tpmif_state::cancel);
    m_kernel.notify(m_port);
}

int linux_tpmfront::send(byte_view command) {
    const std::uint32_t offset = m_page.data_offset();
    if (offset > page_size || offset + command.size() > page_size) {
        return error(errno_t::einval);
    }
    if (!wait_for_status(status_idle, m_chip.timeout_c())) {
        cancel();
        return error(errno_t::etime);
    }
    m_page.copy_out(offset, command);
    m_page.set_length(static_cast<std::uint32_t>(command.size()));
    if (m_page_locality != m_locality) {
        m_page.set_locality(m_locality);
        m_page_locality = m_locality;
    }
    m_page.set_state(tpmif_state::submit);
    m_kernel.notify(m_port);
    std::uint32_t ordinal = 0;
    for (std::size_t i = 0; i < 4 && tpm::packet::code_at + i < command.size(); ++i) {
        ordinal = (ordinal << 8) | std::to_integer<std::uint32_t>(command[tpm::packet::code_at + i]);
    }
    if (!wait_for_status(status_idle, m_chip.duration_of(ordinal))) {
        cancel();
        return error(errno_t::etime);
    }
    return 0;
}

int linux_tpmfront::receive(std::span<std::byte> buffer) {
    // Read once: the backend may go on writing.
    const std::uint32_t offset = m_page.data_offset();
    std::size_t length = m_page.length();
    if (m_page.state() == tpmif_state::idle) {
        return error(errno_t::ecanceled);
    }
    if (!wait_for_status(status_result, m_chip.timeout_c())) {
        cancel();
        return error(errno_t::etime);
    }
    if (offset > page_size) {
        return error(errno_t::eio);
    }
    length = std::min({length, page_size - offset, buffer.size()});
    m_page.copy_in(offset, buffer.first(length));
    return static_cast<int>(length);
}

// ---- programs

void linux_tpmfront::wait_until_present() {
    m_registered.wait_for([this] { return present(); });
}

transport_result linux_tpmfront::transmit(byte_view command) {
    transport_result result;
    const int length = transmit(command, result.response);
    if (length >= 0) {
        return result;
    }
    switch (length) {
        case error(errno_t::ecanceled):
            result.error = transport_error::cancelled;
            break;
        case error(errno_t::etime):
            result.error = transport_error::timed_out;
            break;
        case error(errno_t::e2big):
            result.error = transport_error::too_long;
            break;
        case broken_pipe:
            result.error = transport_error::not_connected;
            break;
        default:
            result.error = transport_error::io;
            break;
    }
    return result;
}

}  // namespace vtwin::models
