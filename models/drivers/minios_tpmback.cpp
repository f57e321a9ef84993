// The data path of tpmback: event handler, fetch, answer.
#include "models/drivers/minios_tpmback.h"

namespace vtwin::models {

using xen::page_size;

namespace {

/// What a hardened backend answers to a request that it cannot hand on: TPM 1.2 response TPM_FAIL.
constexpr std::array<std::byte, 10> failure_response{
    std::byte{0x00}, std::byte{0xC4}, std::byte{0}, std::byte{0}, std::byte{0},
    std::byte{10},   std::byte{0},    std::byte{0}, std::byte{0}, std::byte{9}};

constexpr int no_such_interface = -static_cast<int>(xen::errno_t::esrch);
constexpr int not_a_peer = -static_cast<int>(xen::errno_t::einval);

}  // namespace

minios_tpmback::minios_tpmback(kernel& owner, const behaviour_set& behaviours)
    : m_kernel(owner),
      m_behaviours(behaviours),
      m_events(owner, watch_queue::order::newest_first),
      m_changed(owner) {}

minios_tpmback::~minios_tpmback() = default;

std::shared_ptr<minios_tpmback::interface> minios_tpmback::find(interface_id id) const {
    const auto found = m_interfaces.find(id);
    return found == m_interfaces.end() ? nullptr : found->second;
}

bool minios_tpmback::connected(xen::domid_t domid, std::uint32_t handle) const {
    const auto which = find({domid, handle});
    return which != nullptr && which->status == interface::link::connected;
}

std::optional<uuid_t> minios_tpmback::uuid(xen::domid_t domid, std::uint32_t handle) const {
    const auto which = find({domid, handle});
    return which == nullptr ? std::nullopt : std::optional(which->uuid);
}

// Interrupt context.
void minios_tpmback::on_event(interface& which) {
    switch (which.page.state()) {
        case tpmif_state::submit:
            if (!which.request_ready) {
                which.delivered = false;
                if (m_behaviours.hardened(behaviour::tpmback_locality_sampled_at_fetch)) {
                    which.submitted_locality = which.page.locality();
                }
            }
            which.request_ready = true;
            m_request_ready = true;
            m_changed.wake();
            break;
        case tpmif_state::cancel:
            // A request that is queued or being executed is not aborted: it will end in FINISH.
            if (!which.request_ready) {
                which.page.set_state(tpmif_state::idle);
                m_kernel.notify(which.port);
            }
            break;
        default:
            break;
    }
}

bool minios_tpmback::awaits_fetch(const interface& which) const {
    return which.request_ready &&
           !(which.delivered && m_behaviours.hardened(behaviour::tpmback_second_fetch_returns_same_request));
}

void minios_tpmback::recompute_ready() {
    m_request_ready =
        std::ranges::any_of(m_interfaces, [](const auto& entry) { return entry.second->request_ready; });
}

void minios_tpmback::clear_request(interface& which) {
    which.request_ready = which.delivered = false;
    recompute_ready();
}

// The first in array order; hardened: the first after the one served last, in a circle.
minios_tpmback::interface* minios_tpmback::pick() {
    const auto ready_from = [this](auto from, auto to) -> interface* {
        const auto found =
            std::find_if(from, to, [this](const auto& entry) { return awaits_fetch(*entry.second); });
        return found == to ? nullptr : found->second.get();
    };
    if (m_behaviours.hardened(behaviour::tpmback_lowest_domid_served_first)) {
        if (interface* next = ready_from(m_interfaces.upper_bound(m_last_served), m_interfaces.end())) {
            return next;
        }
    }
    return ready_from(m_interfaces.begin(), m_interfaces.end());
}

std::optional<tpm_request> minios_tpmback::next_request() {
    while (true) {
        m_changed.wait_for([this] { return m_closed || (m_request_ready && pick() != nullptr); });
        if (m_closed) {
            return std::nullopt;
        }
        interface& which = *pick();
        m_last_served = which.id;
        auto request = fetch(which);
        if (request || m_behaviours.faithful(behaviour::tpmback_bad_length_never_cleared)) {
            return request;
        }
        refuse_request(which);
    }
}

// Interrupts are off meanwhile, but the frontend may store between any two accesses.
std::optional<tpm_request> minios_tpmback::fetch(interface& which) {
    m_kernel.mask_upcalls(true);
    const std::uint32_t length = which.page.length();
    const std::uint8_t locality = m_behaviours.hardened(behaviour::tpmback_locality_sampled_at_fetch)
                                      ? which.submitted_locality
                                      : which.page.locality();
    const std::uint32_t offset = which.page.data_offset();
    std::optional<tpm_request> request;
    const bool wraps = m_behaviours.faithful(behaviour::tpmback_length_check_wraps);
    const bool fits = wraps ? offset + length <= page_size : length <= page_size - offset;
    if (!fits) {
        m_kernel.log(kernel::level::error, fmt::format("tpmback: request of {} bytes does not fit", length));
    } else if (length > page_size) {
        m_kernel.log(kernel::level::error,
                     fmt::format("tpmback: no memory for a request of {} bytes", length));
    } else {
        request = tpm_request{which.id.first, which.id.second, locality, bytes(length)};
        m_kernel.pay();
        which.page.copy_in(offset, request->command);
        which.delivered = true;
        which.fetched_offset = offset;
    }
    m_kernel.mask_upcalls(false);
    // A caller that tries again at once must not do so in no time.
    m_kernel.charge(m_kernel.costs().command_dispatch);
    m_kernel.pay();
    return request;
}

void minios_tpmback::refuse_request(interface& which) {
    finish(which, tpmif_page::header_size, failure_response);
}

void minios_tpmback::respond(const tpm_request& request, byte_view response) {
    const auto which = find({request.domid, request.handle});
    const bool known = which != nullptr && which->request_ready;
    const bool same_session =
        known &&
        (which->delivered || m_behaviours.faithful(behaviour::tpmback_page_used_after_frontend_close));
    if (!same_session) {
        m_kernel.log(kernel::level::warning, "tpmback: answer to nobody dropped");
        return;
    }
    const bool early_length = m_behaviours.faithful(behaviour::tpmback_oversize_reply_wedges_request);
    if (early_length) {
        which->page.set_length(static_cast<std::uint32_t>(response.size()));
    }
    const std::uint32_t offset = m_behaviours.faithful(behaviour::tpmback_extra_pages_read_twice)
                                     ? which->page.data_offset()
                                     : which->fetched_offset;
    if (response.size() <= page_size - offset) {
        finish(*which, offset, response);
        return;
    }
    m_kernel.log(kernel::level::error,
                 fmt::format("tpmback: response of {} bytes does not fit", response.size()));
    if (!early_length) {
        finish(*which, tpmif_page::header_size, failure_response);
    } else if (m_behaviours.hardened(behaviour::tpmback_failed_reply_allows_replay)) {
        clear_request(*which);
    } else {
        which->delivered = false;
    }
}

void minios_tpmback::finish(interface& which, std::uint32_t offset, byte_view response) {
    which.page.set_length(static_cast<std::uint32_t>(response.size()));
    which.page.copy_out(offset, response);
    m_kernel.pay();
    // While the copy was paid for, the listener cannot have run, so the interface is still the same.
    clear_request(which);
    which.page.set_state(tpmif_state::finish);
    m_kernel.notify(which.port);
}

int minios_tpmback::peer_label(xen::domid_t domid, std::uint32_t handle, std::size_t capacity,
                               std::string& label) {
    const auto which = find({domid, handle});
    if (which == nullptr) {
        return no_such_interface;
    }
    if (m_behaviours.hardened(behaviour::tpmback_peer_label_from_stale_port)) {
        xen::evtchn_status status;
        const bool asked =
            which->status == interface::link::connected &&
            m_kernel.ports.hypercall->evtchn_get_status(xen::domid_self, which->port, status) == 0;
        if (!asked || status.status != xen::evtchn_status::kind::interdomain || status.dom != domid) {
            return not_a_peer;
        }
    }
    return m_kernel.ports.hypercall->xsm_peer_label(which->port, capacity, label);
}

}  // namespace vtwin::models
