#include "scenarios/faults/disk_tap.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

using xen::disk_operation;

std::string_view time_operation(disk_operation what) {
    switch (what) {
        case disk_operation::read:
            return "read_time";
        case disk_operation::write:
            return "write_time";
        case disk_operation::flush:
            break;
    }
    return "flush_time";
}

crossing transfer(std::string_view operation, std::uint64_t sector, std::size_t bytes) {
    crossing what(operation);
    what.put(field::sector, sector);
    what.put(field::length, bytes);
    return what;
}

}  // namespace

// ---- below an effect

disk_effect& disk_below::top() const {
    return static_cast<disk_effect&>(*m_effects.front());
}

std::uint64_t disk_below::sectors() const {
    return m_effects.empty() ? m_medium.sectors() : top().sectors(rest());
}

bool disk_below::read(std::uint64_t sector, std::span<std::byte> out) {
    auto disk = m_effects.empty() ? *this : rest();
    return m_effects.empty() ? m_medium.read(sector, out) : top().read(disk, sector, out);
}

bool disk_below::write(std::uint64_t sector, std::span<const std::byte> data) {
    auto disk = m_effects.empty() ? *this : rest();
    return m_effects.empty() ? m_medium.write(sector, data) : top().write(disk, sector, data);
}

bool disk_below::flush() {
    auto disk = m_effects.empty() ? *this : rest();
    return m_effects.empty() ? m_medium.flush() : top().flush(disk);
}

sc_core::sc_time disk_below::service_time(disk_operation what, std::uint32_t sectors) const {
    return m_effects.empty() ? m_medium.service_time(what, sectors)
                             : top().service_time(rest(), what, sectors);
}

// ---- the journal

bool journaled_disk::write(std::uint64_t sector, std::span<const std::byte> data) {
    entry made{sc_core::sc_time_stamp(), sector, std::vector<std::byte>(data.size())};
    if (!m_inner.read(sector, made.before) || !m_inner.write(sector, data))
        return false;
    m_entries.push_back(std::move(made));
    return true;
}

void journaled_disk::roll_back(std::uint64_t writes, const sc_core::sc_time& since) {
    for (; !m_entries.empty() && (writes > 0 || m_entries.back().at > since); m_entries.pop_back()) {
        const bool undone = m_inner.write(m_entries.back().sector, m_entries.back().before);
        sc_assert(undone);  // what is put back was read there
        writes -= writes > 0 ? 1 : 0;
    }
}

// ---- the tap

std::uint64_t disk_tap::sectors() const {
    return disk_below(m_wire.cross(crossing("size")), m_medium).sectors();
}

bool disk_tap::read(std::uint64_t sector, std::span<std::byte> out) {
    return disk_below(m_wire.cross(transfer("read", sector, out.size())), m_medium).read(sector, out);
}

bool disk_tap::write(std::uint64_t sector, std::span<const std::byte> data) {
    return disk_below(m_wire.cross(transfer("write", sector, data.size())), m_medium).write(sector, data);
}

bool disk_tap::flush() {
    return disk_below(m_wire.cross(crossing("flush")), m_medium).flush();
}

sc_core::sc_time disk_tap::service_time(disk_operation what, std::uint32_t sectors) const {
    crossing asked(time_operation(what));
    asked.put(field::length, sectors * xen::sector_size);
    return disk_below(m_wire.cross(asked), m_medium).service_time(what, sectors);
}

disk_tap* tap_of_disk(models::platform& machine, const std::string& domain) {
    auto* const back_end = machine.block_backend().find(domain);
    return back_end == nullptr ? nullptr : dynamic_cast<disk_tap*>(&back_end->disk());
}

}  // namespace vtwin::scenario
