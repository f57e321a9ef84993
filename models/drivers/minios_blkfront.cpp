// XenBus side and ring of blkfront.
#include "models/drivers/minios_blkfront.h"

#include "hypervisor/types.h"

namespace vtwin::models {

using xen::xenbus_state;

namespace {

constexpr std::uint64_t req_prod_at = 0, req_event_at = 4, rsp_prod_at = 8, rsp_event_at = 12,
                        entries_at = 64, entry_size = 112, first_segment_at = 24, segment_size = 8;
constexpr std::size_t response_size = 16;
// The id of a request is the address of its control block on the heap; any distinct addresses serve.
constexpr std::uint64_t first_id = 0x200000, id_step = 0x100;
constexpr std::uint8_t op_barrier = 2, op_flush = 3;
constexpr std::uint64_t vdisk_readonly = 4;

void put_le(std::span<std::byte> out, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        out[at + i] = static_cast<std::byte>(value >> (8 * i));
    }
}

std::uint64_t get_le(byte_view data, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value |= std::to_integer<std::uint64_t>(data[at + i]) << (8 * i);
    }
    return value;
}

}  // namespace

minios_blkfront::minios_blkfront(kernel& owner, const behaviour_set& behaviours)
    : m_kernel(owner),
      m_behaviours(behaviours),
      m_events(owner, watch_queue::order::newest_first),
      m_changed(owner) {}

// ---- XenBus

bool minios_blkfront::init(const std::string& node) {
    m_node = node;
    m_ring_page.reset();
    m_bounce.reset();
    m_outstanding.clear();
    m_req_prod = m_rsp_cons = 0;
    m_next_id = first_id;
    xenbus_client& store = m_kernel.xenbus();
    const auto backend = store.read_integer(node + "/backend-id");
    m_backend = static_cast<xen::domid_t>(backend.value_or(0));
    if (!backend || !publish()) {
        m_kernel.log(kernel::level::error, "blkfront: no backend for " + node);
        return false;
    }
    const xs_reply path = store.read(node + "/backend");
    const xs_reply mode = store.read(path.value + "/mode");
    m_backend_path = path.value;
    m_writable = mode.value == "w";
    const std::string state_path = m_backend_path + "/state";
    if (!path || !store.watch(state_path, state_path, m_events) ||
        !wait_for_backend(xenbus_state::connected)) {
        m_kernel.log(kernel::level::error, "blkfront: backend refused " + node);
        return false;
    }
    read_parameters();
    m_kernel.unmask(m_port);
    store.write(m_node + "/state", state_text(xenbus_state::connected));
    return true;
}

bool minios_blkfront::publish() {
    xenbus_client& store = m_kernel.xenbus();
    m_handle = static_cast<std::uint16_t>(store.read_integer(m_node + "/virtual-device").value_or(0));
    if (m_kernel.ports.hypercall->evtchn_alloc_unbound(xen::domid_self, m_backend, m_port) != 0) {
        return false;
    }
    m_kernel.bind_handler(m_port, [this] { m_changed.wake(); });
    m_ring_page = m_kernel.alloc_page();
    m_bounce = m_kernel.alloc_page();
    m_kernel.zero_page(*m_ring_page);
    m_kernel.write_u32(xen::address_of(*m_ring_page) + req_event_at, 1);
    m_kernel.write_u32(xen::address_of(*m_ring_page) + rsp_event_at, 1);
    const auto ref = m_kernel.grants().grant_access(m_backend, *m_ring_page);
    if (!ref) {
        return false;
    }
    m_ring_ref = *ref;
    return store.transaction([&](xs_transaction tx) {
        return store.write(m_node + "/ring-ref", std::to_string(xen::to_underlying(m_ring_ref)), tx) &&
               store.write(m_node + "/event-channel", std::to_string(xen::to_underlying(m_port)), tx) &&
               store.write(m_node + "/protocol", "x86_64-abi", tx) &&
               store.write(m_node + "/state", state_text(xenbus_state::initialised), tx);
    });
}

// Without limit; false when the backend goes away instead.
bool minios_blkfront::wait_for_backend(xenbus_state wanted) {
    while (true) {
        const xenbus_state state = m_kernel.xenbus().read_state(m_backend_path + "/state");
        if (state == wanted) {
            return true;
        }
        if (state == xenbus_state::unknown || state > wanted) {
            return false;
        }
        m_events.next();
    }
}

void minios_blkfront::read_parameters() {
    xenbus_client& store = m_kernel.xenbus();
    const auto number = [&](const char* key, std::int64_t otherwise) {
        return static_cast<std::uint64_t>(store.read_integer(m_backend_path + "/" + key).value_or(otherwise));
    };
    m_writable = m_writable && (number("info", 0) & vdisk_readonly) == 0;
    m_sectors = number("sectors", 0);
    m_sector_size = static_cast<std::uint32_t>(number("sector-size", 512));
    m_barrier = number("feature-barrier", 0) != 0;
    m_flush = number("feature-flush-cache", 0) != 0;
    if (m_sector_size == 0 || xen::page_size % m_sector_size != 0) {
        m_kernel.panic("blkfront: impossible sector size");
    }
}

void minios_blkfront::shutdown() {
    if (!m_ring_page) {
        return;
    }
    xenbus_client& store = m_kernel.xenbus();
    const std::string state_path = m_backend_path + "/state";
    store.write(m_node + "/state", state_text(xenbus_state::closing));
    (void)wait_for_backend(xenbus_state::closing);
    store.write(m_node + "/state", state_text(xenbus_state::closed));
    (void)wait_for_backend(xenbus_state::closed);
    store.write(m_node + "/state", state_text(xenbus_state::initialising));
    store.unwatch(state_path, state_path);
    m_kernel.unbind(m_port);
    if (!m_kernel.grants().end_access(m_ring_ref)) {
        m_kernel.log(kernel::level::warning, "blkfront: ring still in use by the backend");
    }
    m_kernel.free_page(*m_ring_page);
    m_kernel.free_page(*m_bounce);
    m_ring_page.reset();
    m_bounce.reset();
    store.remove(m_node + "/ring-ref");
    store.remove(m_node + "/event-channel");
}

// ---- ring

std::uint64_t minios_blkfront::submit(std::uint8_t operation, std::uint64_t sector,
                                      std::span<const segment> segments) {
    while (m_req_prod - m_rsp_cons >= ring_entries) {
        poll_responses();
        if (m_req_prod - m_rsp_cons >= ring_entries) {
            m_changed.wait();
        }
    }
    const std::uint64_t id = m_next_id;
    m_next_id += id_step;
    m_outstanding[id] = {};
    std::array<std::byte, entry_size> entry{};
    entry[0] = static_cast<std::byte>(operation);
    entry[1] = static_cast<std::byte>(segments.size());
    put_le(entry, 2, m_handle, 2);
    put_le(entry, 8, id, 8);
    put_le(entry, 16, sector, 8);
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const std::size_t at = first_segment_at + i * segment_size;
        put_le(entry, at, xen::to_underlying(segments[i].ref), 4);
        entry[at + 4] = static_cast<std::byte>(segments[i].first);
        entry[at + 5] = static_cast<std::byte>(segments[i].last);
    }
    const xen::guest_addr ring = xen::address_of(*m_ring_page);
    m_kernel.copy_out(ring + entries_at + (m_req_prod % ring_entries) * entry_size, entry);
    ++m_req_prod;
    m_kernel.write_u32(ring + req_prod_at, m_req_prod);
    // RING_PUSH_REQUESTS_AND_CHECK_NOTIFY
    if (m_req_prod - m_kernel.read_u32(ring + req_event_at) < 1) {
        m_kernel.notify(m_port);
    }
    return id;
}

// One request, waited for. The status as the backend gave it.
bool minios_blkfront::request(std::uint8_t operation, std::uint64_t sector,
                              std::span<const segment> segments) {
    const std::uint64_t id = submit(operation, sector, segments);
    while (true) {
        poll_responses();
        const completion& mine = m_outstanding.at(id);
        if (mine.done) {
            const bool ok = mine.status == 0;
            m_outstanding.erase(id);
            if (!ok) {
                m_kernel.log(kernel::level::error,
                             fmt::format("blkfront: operation {} at {} failed", operation, sector));
            }
            return ok;
        }
        m_changed.wait();
    }
}

void minios_blkfront::poll_responses() {
    const xen::guest_addr ring = xen::address_of(*m_ring_page);
    do {
        const std::uint32_t producer = m_kernel.read_u32(ring + rsp_prod_at);
        // A backend that claims more than was asked for is not followed beyond that.
        while (m_rsp_cons != producer && m_rsp_cons != m_req_prod) {
            take_response(m_rsp_cons++);
        }
        m_kernel.write_u32(ring + rsp_event_at, m_rsp_cons + 1);
    } while (m_rsp_cons != m_req_prod && m_kernel.read_u32(ring + rsp_prod_at) != m_rsp_cons);
}

void minios_blkfront::take_response(std::uint32_t index) {
    std::array<std::byte, response_size> raw;
    m_kernel.copy_in(xen::address_of(*m_ring_page) + entries_at + (index % ring_entries) * entry_size, raw);
    const std::uint64_t id = get_le(raw, 0, 8);
    const auto found = m_outstanding.find(id);
    if (found == m_outstanding.end()) {
        if (m_behaviours.faithful(behaviour::blkfront_response_id_is_pointer)) {
            m_kernel.panic(fmt::format("blkfront: callback through a wild pointer {:#x}", id));
        }
        m_kernel.log(kernel::level::warning, "blkfront: response to no request dropped");
        return;
    }
    found->second = {true, static_cast<std::int16_t>(get_le(raw, 10, 2))};
}

bool minios_blkfront::flush() {
    if (!m_flush && !m_barrier) {
        return true;
    }
    return passed_on(request(m_flush ? op_flush : op_barrier, 0, {}));
}

}  // namespace vtwin::models
