#include "hypervisor/grant/grant_table.h"

#include <utility>

#include "hypervisor/bytes.h"

namespace vtwin::xen {

namespace {
constexpr int cas_attempts = 5;           // then the granter counts as misbehaving
constexpr std::uint8_t pin_limit = 0x80;  // a counter with bit 7 set takes no further pin
}  // namespace

grant_table::grant_table(machine_memory& memory, domid_t owner, std::uint32_t max_frames)
    : m_memory(memory), m_owner(owner), m_max_frames(max_frames) {}

bool grant_table::grow(std::uint32_t nr_frames) {
    if (nr_frames > m_max_frames)
        return false;
    while (m_frames.size() < nr_frames)
        m_frames.push_back(m_memory.allocate(m_owner));
    m_active.resize(entries());
    return true;
}

std::byte* grant_table::entry(grant_ref ref) {
    const auto index = to_underlying(ref);
    return m_memory.page(m_frames[index / grants_per_frame]) + (index % grants_per_frame) * grant_entry_size;
}

void grant_table::set_entry(grant_ref ref, std::uint16_t flags, domid_t allowed, gfn_t gfn) {
    auto* at = entry(ref);
    store_le<std::uint16_t>(at + 2, to_underlying(allowed));
    store_le<std::uint32_t>(at + 4, static_cast<std::uint32_t>(to_underlying(gfn)));
    store_le<std::uint16_t>(at, flags);
}

std::uint16_t grant_table::flags(grant_ref ref) {
    return load_le<std::uint16_t>(entry(ref));
}

bool grant_table::exchange32(std::byte* word, std::uint32_t& expected, std::uint32_t desired) {
    const auto old = load_le<std::uint32_t>(word);
    if (old == expected)
        store_le<std::uint32_t>(word, desired);
    return std::exchange(expected, old) == old;
}

gntst grant_table::pin(domid_t user, grant_ref ref, pin_request what, address_space* space, mfn_t& frame) {
    if (to_underlying(ref) >= entries())
        return gntst::bad_gntref;
    auto& active = m_active[to_underlying(ref)];
    if ((active.pinned() && active.user != user) || counter_full(active, what))
        return gntst::general_error;

    gfn_t gfn{};
    const bool validate = !active.pinned() || (!what.read_only && !active.write_pinned());
    if (validate && !mark_in_use(ref, user, active, what.read_only, gfn))
        return gntst::general_error;

    auto status = gntst::okay;
    if (space == nullptr) {
        status = gntst::general_error;
    } else if (!active.pinned()) {
        // The accepted values live on in the active entry: later changes of the shared one have no effect.
        const auto own = space->own_frame(gfn);
        if (own)
            active = {{0, 0, 0, 0}, user, *own};
        else
            status = gntst::bad_page;
    }
    if (status != gntst::okay) {
        clear_unused(ref, active);
        return status;
    }
    count(active, what, 1);
    frame = active.frame;
    return gntst::okay;
}

void grant_table::unpin(grant_ref ref, pin_request what) {
    auto& active = m_active[to_underlying(ref)];
    count(active, what, -1);
    clear_unused(ref, active);
}

bool grant_table::counter_full(const active_entry& entry, pin_request what) {
    return (what.host && entry.pin[what.read_only ? host_read : host_write] >= pin_limit) ||
           (what.device && entry.pin[what.read_only ? device_read : device_write] >= pin_limit);
}

void grant_table::count(active_entry& entry, pin_request what, int step) {
    const auto add = [&](std::uint8_t& counter) {
        sc_assert(step > 0 || counter > 0);
        counter = static_cast<std::uint8_t>(counter + step);
        m_total_pins += static_cast<std::uint32_t>(step);
        step > 0 ? m_memory.acquire(entry.frame) : m_memory.release(entry.frame);
    };
    if (what.host)
        add(entry.pin[what.read_only ? host_read : host_write]);
    if (what.device)
        add(entry.pin[what.read_only ? device_read : device_write]);
}

bool grant_table::mark_in_use(grant_ref ref, domid_t user, const active_entry& active, bool read_only,
                              gfn_t& gfn) {
    auto* at = entry(ref);
    auto seen = load_le<std::uint32_t>(at);  // flags in the low half, domid above
    gfn = gfn_t{load_le<std::uint32_t>(at + 4)};
    for (int attempt = 0; attempt < cas_attempts; ++attempt) {
        const auto flags = static_cast<std::uint16_t>(seen);
        const bool permitted = (flags & (gtf::type_mask | gtf::sub_page)) == gtf::permit_access &&
                               (seen >> 16) == to_underlying(user);
        if (!active.pinned() && !permitted)
            return false;
        if (!read_only && (flags & gtf::readonly))
            return false;
        const std::uint32_t wanted = seen | gtf::reading | (read_only ? 0u : gtf::writing);
        if (exchange32(at, seen, wanted))
            return true;
    }
    return false;
}

void grant_table::clear_unused(grant_ref ref, const active_entry& active) {
    auto* at = entry(ref);
    auto flags = load_le<std::uint16_t>(at);
    if (!active.write_pinned())
        flags &= static_cast<std::uint16_t>(~gtf::writing);
    if (!active.pinned())
        flags &= static_cast<std::uint16_t>(~gtf::reading);
    store_le<std::uint16_t>(at, flags);
}

std::uint32_t grant_table::pins(grant_ref ref) const {
    const auto& pin = m_active[to_underlying(ref)].pin;
    return std::uint32_t{pin[0]} + pin[1] + pin[2] + pin[3];
}

void grant_table::relinquish() {
    for (const auto frame : m_frames)
        m_memory.release(frame);
    m_frames.clear();
    m_active.clear();
}

}  // namespace vtwin::xen
