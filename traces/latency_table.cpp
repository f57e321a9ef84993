#include "traces/latency_table.h"

#include <fmt/format.h>
#include <algorithm>

#include "traces/ordinals.h"

namespace vtwin::trace {
namespace {

constexpr std::uint32_t packet_header = 10;
constexpr std::uint16_t tag_rqu = 0x00C1;

// Every hop's end is rounded down the same way, so differences sum exactly.
std::uint64_t nanoseconds(const sc_core::sc_time& time) {
    static const std::uint64_t unit = sc_core::sc_time(1, sc_core::SC_NS).value();
    return time.value() / unit;
}

// Takes the part of `remaining` that `layer` covers away and returns its length.
std::uint64_t take(interval_set& remaining, const interval_set& layer) {
    const std::uint64_t before = remaining.length();
    remaining = remaining.without(layer);
    return before - remaining.length();
}

}  // namespace

void latency_table::ring_changed(const ring_change& what) {
    if (!what.state_stored)
        return;
    if (what.state == ring_state::submit)
        submitted(what);
    else if (what.state == ring_state::finish || what.state == ring_state::idle)
        ended(what, what.state == ring_state::finish);
}

void latency_table::submitted(const ring_change& what) {
    const ring_id ring{what.frontend, what.backend};
    if (m_open.contains(ring))
        ended(what, false);
    m_open[ring] = {what.at, std::nullopt, ordinal_name(what.tag, what.code)};
}

void latency_table::pending_changed(const sc_core::sc_time& at, const xen::evtchn_pending_change& what) {
    if (what.pending)
        return;
    for (auto& [ring, open] : m_open)
        if (ring.second == what.dom && !open.noticed)
            open.noticed = at;
}

void latency_table::disk_done(const xen::block_request_done& what) {
    if (who(what.dom).role != domain_role::other)
        m_servers[what.dom].disk.add(nanoseconds(what.submitted), nanoseconds(what.completed));
}

void latency_table::bus_cycle(const tpm::lpc_cycle& what) {
    m_bus.add(nanoseconds(what.start), nanoseconds(what.end));
}

void latency_table::chip_done(const tpm::chip_command& what) {
    const std::uint64_t go = nanoseconds(what.go), done = nanoseconds(what.done);
    m_chip.add(go, done);
    if (manager_serving())
        return;
    // The manager's own business, or that of firmware before it: only the chip's share is known.
    latency_row row;
    row.time_ns = go;
    row.origin = m_manager ? who(*m_manager).name : "platform";
    row.ordinal = ordinal_name(tag_rqu, what.ordinal);
    row.result = what.result;
    row.chip = done - go;
    keep(std::move(row), done);
    m_chip.forget_before(done);
    m_bus.forget_before(go);
}

bool latency_table::manager_serving() const {
    return std::ranges::any_of(
        m_open, [&](const auto& each) { return m_manager && each.first.second == *m_manager; });
}

void latency_table::ended(const ring_change& what, bool answered) {
    const std::uint64_t end = nanoseconds(what.at);
    const auto found = m_open.find({what.frontend, what.backend});
    if (found == m_open.end()) {
        m_servers[what.backend].last_answer = what.at;  // late, to a command that was given up
        return;
    }
    latency_row row = split(found->second, what);
    if (answered && what.length >= packet_header)
        row.result = what.code;
    m_open.erase(found);
    const auto call = m_calls.find(what.frontend);
    // A SUBMIT that the guest stored by itself, before the call, is none of the driver's.
    if (call == m_calls.end() || row.time_ns < call->second.issued)
        return keep(std::move(row), end);
    // Until the driver returns; a call that sent twice keeps the later answer and all of the time.
    row.queue = row.time_ns - call->second.issued;
    row.time_ns = call->second.issued;
    call->second.answered = std::move(row);
    call->second.answered_at = end;
}

latency_row latency_table::split(const request& open, const ring_change& what) {
    const domain_identity frontend = who(what.frontend);
    server& backend = m_servers[what.backend];
    const sc_core::sc_time taken_up = std::clamp(
        std::max(open.noticed.value_or(open.submitted), backend.last_answer), open.submitted, what.at);
    if (on_served)
        on_served(what, taken_up);
    const std::uint64_t submitted = nanoseconds(open.submitted), served = nanoseconds(taken_up),
                        end = nanoseconds(what.at);
    latency_row row;
    row.time_ns = submitted;
    row.origin = frontend.name;
    row.server = who(what.backend);
    row.ordinal = open.ordinal;
    row.ring = served - submitted;
    const interval_set window(served, end);
    if (row.server.role == domain_role::manager) {
        split_manager(row, backend, window, m_servers[what.frontend]);
        m_servers[what.frontend].manager.add(submitted, end);
        m_chip.forget_before(end);
        m_bus.forget_before(end);
    } else {
        split_vtpm(row, backend, window);
    }
    backend.last_answer = what.at;
    for (interval_set* past : {&backend.disk, &backend.chip, &backend.bus, &backend.manager})
        past->forget_before(end);
    return row;
}

void latency_table::split_vtpm(latency_row& row, server& backend, const interval_set& window) {
    interval_set remaining = window;
    row.chip = take(remaining, backend.chip);
    row.bus = take(remaining, backend.bus);
    row.manager = take(remaining, backend.manager);
    row.save = take(remaining, backend.disk);
    row.backend = remaining.length();
}

void latency_table::split_manager(latency_row& row, server& backend, const interval_set& window,
                                  server& frontend) {
    interval_set remaining = window;
    row.chip = take(remaining, m_chip);
    row.bus = take(remaining, m_bus);
    row.save = take(remaining, backend.disk);
    row.manager = remaining.length();
    frontend.chip.add(window.intersected(m_chip));
    frontend.bus.add(window.intersected(m_bus));
}

void latency_table::command_issued(xen::domid_t guest, const sc_core::sc_time& at, std::uint32_t ordinal) {
    m_calls[guest] = {nanoseconds(at), ordinal, std::nullopt, 0};
}

void latency_table::command_returned(xen::domid_t guest, const sc_core::sc_time& at, std::uint32_t) {
    const auto found = m_calls.find(guest);
    if (found == m_calls.end())
        return;
    const call done = std::move(found->second);
    m_calls.erase(found);
    const std::uint64_t now = nanoseconds(at);
    latency_row row;
    if (done.answered) {
        row = *done.answered;
        row.back = now - done.answered_at;
        return keep(std::move(row), now);
    }
    // Given up: nobody else knows this command's end, so what follows the SUBMIT is the back end's.
    row.time_ns = done.issued;
    row.origin = who(guest).name;
    row.ordinal = ordinal_name(tag_rqu, done.ordinal);
    row.queue = now - done.issued;
    for (auto open = m_open.begin(); open != m_open.end(); ++open)
        if (open->first.first == guest && nanoseconds(open->second.submitted) >= done.issued) {
            row.queue = nanoseconds(open->second.submitted) - done.issued;
            row.backend = now - nanoseconds(open->second.submitted);
            row.server = who(open->first.second);
            m_open.erase(open);
            break;
        }
    keep(std::move(row), now);
}

void latency_table::keep(latency_row row, std::uint64_t end) {
    row.total = end - row.time_ns;
    std::uint64_t sum = 0;
    for (const latency_hop& hop : latency_hops)
        sum += row.*hop.length;
    sc_assert(sum == row.total);
    m_rows.push_back(std::move(row));
}

std::vector<latency_row> latency_table::rows() const {
    std::vector<latency_row> sorted = m_rows;
    std::ranges::stable_sort(sorted, {}, &latency_row::time_ns);
    return sorted;
}

std::vector<latency_row> latency_table::unanswered() const {
    std::vector<latency_row> list;
    for (const auto& [ring, open] : m_open) {
        latency_row row;
        row.time_ns = nanoseconds(open.submitted);
        row.origin = who(ring.first).name;
        row.server = who(ring.second);
        row.ordinal = open.ordinal;
        list.push_back(std::move(row));
    }
    return list;
}

void latency_table::write_csv(std::ostream& out) const {
    out << "time_ns,origin,ordinal,result";
    for (const latency_hop& hop : latency_hops)
        out << ',' << hop.name;
    out << ",total\n";
    for (const latency_row& row : rows()) {
        out << fmt::format("{},{},{},{}", row.time_ns, row.origin, row.ordinal,
                           row.result ? std::to_string(*row.result) : "none");
        for (const latency_hop& hop : latency_hops)
            out << ',' << row.*hop.length;
        out << ',' << row.total << '\n';
    }
}

}  // namespace vtwin::trace
