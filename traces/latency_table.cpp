#include "traces/latency_table.h"

#include <fmt/format.h>
#include <algorithm>

#include "traces/ordinals.h"
#include "traces/words.h"

namespace vtwin::trace {
namespace {

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
    m_open[ring] = {what.at, std::nullopt, ordinal_name(what.tag, what.code), false};
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
    if (const auto domain = domain_of(what.master))
        m_uses[*domain].bus.add(nanoseconds(what.start), nanoseconds(what.end));
}

void latency_table::chip_done(const tpm::chip_command& what) {
    const std::uint64_t go = nanoseconds(what.go), done = nanoseconds(what.done);
    const auto domain = domain_of(what.master);
    if (domain) {
        m_uses[*domain].chip.add(go, done);
        const auto found = m_calls.find({*domain, tpm_device::hardware});
        if (found != m_calls.end() && go >= found->second.issued) {
            call& caller = found->second;
            caller.first_go = caller.first_go.value_or(go);
            caller.answered_at = done;
            caller.result = what.result;
            return;
        }
        if (serving(*domain))
            return;
    }
    // The manager's own business, or that of firmware before it: only the chip's share is known.
    latency_row row;
    row.time_ns = go;
    row.origin = domain ? who(*domain).name : "platform";
    row.ordinal = ordinal_name(tag_rqu, what.ordinal);
    row.result = what.result;
    row.chip = done - go;
    keep(std::move(row), done);
    if (domain) {
        m_uses[*domain].chip.forget_before(done);
        m_uses[*domain].bus.forget_before(go);
    }
}

bool latency_table::serving(xen::domid_t backend) const {
    return std::ranges::any_of(m_open, [&](const auto& each) { return each.first.second == backend; });
}

void latency_table::ended(const ring_change& what, bool with_answer) {
    server& backend = m_servers[what.backend];
    const auto found = m_open.find({what.frontend, what.backend});
    if (found != m_open.end()) {
        const request open = std::move(found->second);
        m_open.erase(found);
        const std::uint64_t submitted = nanoseconds(open.submitted), end = nanoseconds(what.at);
        latency_row row;
        row.time_ns = submitted;
        row.origin = who(what.frontend).name;
        row.server = who(what.backend);
        row.ordinal = open.ordinal;
        const bool by_manager = row.server.role == domain_role::manager;
        if (with_answer)
            answered(open, what, row);
        else  // what its back end did meanwhile may have been for others
            (by_manager ? row.manager : row.backend) = end - submitted;
        if (by_manager)
            m_servers[what.frontend].manager.add(submitted, end);
        if (!open.given_up)
            keep_or_await(std::move(row), what);
    }
    if (!with_answer)
        return;
    const std::uint64_t end = nanoseconds(what.at);
    backend.last_answer = what.at;
    chip_use& use = m_uses[what.backend];
    for (interval_set* past :
         {&backend.disk, &backend.chip, &backend.bus, &backend.manager, &use.chip, &use.bus})
        past->forget_before(end);
}

/// The row of a request that came to its end; while its driver has the call, until that returns.
void latency_table::keep_or_await(latency_row row, const ring_change& what) {
    const std::uint64_t end = nanoseconds(what.at);
    const auto found = m_calls.find({what.frontend, tpm_device::vtpm});
    // A SUBMIT that the guest stored by itself, before the call, is none of the driver's.
    if (found == m_calls.end() || row.time_ns < found->second.issued)
        return keep(std::move(row), end);
    // A call that sent twice keeps the later answer and all of the time.
    call& caller = found->second;
    row.queue = row.time_ns - caller.issued;
    row.time_ns = caller.issued;
    caller.answered = std::move(row);
    caller.answered_at = end;
}

void latency_table::answered(const request& open, const ring_change& what, latency_row& row) {
    server& backend = m_servers[what.backend];
    const sc_core::sc_time taken_up = std::clamp(
        std::max(open.noticed.value_or(open.submitted), backend.last_answer), open.submitted, what.at);
    if (on_served)
        on_served(what, taken_up);
    const std::uint64_t served = nanoseconds(taken_up);
    row.ring = served - row.time_ns;
    if (what.length >= packet_header)
        row.result = what.code;
    const interval_set window(served, nanoseconds(what.at));
    if (row.server.role == domain_role::manager)
        split_manager(row, backend, window, what);
    else
        split_vtpm(row, backend, window);
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
                                  const ring_change& what) {
    const chip_use& use = m_uses[what.backend];
    interval_set remaining = window;
    row.chip = take(remaining, use.chip);
    row.bus = take(remaining, use.bus);
    row.save = take(remaining, backend.disk);
    row.manager = remaining.length();
    server& frontend = m_servers[what.frontend];
    frontend.chip.add(window.intersected(use.chip));
    frontend.bus.add(window.intersected(use.bus));
}

void latency_table::command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) {
    call& begun = m_calls[driver] = {};
    begun.issued = nanoseconds(at);
    begun.ordinal = ordinal;
}

void latency_table::command_returned(driver_id driver, const sc_core::sc_time& at, std::uint32_t) {
    const auto found = m_calls.find(driver);
    if (found == m_calls.end())
        return;
    const call done = std::move(found->second);
    m_calls.erase(found);
    const std::uint64_t now = nanoseconds(at);
    if (driver.device == tpm_device::hardware)
        return returned_from_chip(done, driver.domain, now);
    latency_row row;
    if (done.answered) {
        row = *done.answered;
        row.back = now - done.answered_at;
        return keep(std::move(row), now);
    }
    // Given up: nobody else knows this command's end, so what follows the SUBMIT is the back end's.
    row.time_ns = done.issued;
    row.origin = who(driver.domain).name;
    row.ordinal = ordinal_name(tag_rqu, done.ordinal);
    row.queue = now - done.issued;
    for (auto& [ring, open] : m_open)
        if (ring.first == driver.domain && !open.given_up && nanoseconds(open.submitted) >= done.issued) {
            row.queue = nanoseconds(open.submitted) - done.issued;
            row.backend = now - nanoseconds(open.submitted);
            row.server = who(ring.second);
            open.given_up = true;
            break;
        }
    keep(std::move(row), now);
}

/// Beside its cycles and executions: `queue` before the first tpmGo, `return` after the last dataAvail,
/// `backend` between several.
void latency_table::returned_from_chip(const call& done, xen::domid_t caller, std::uint64_t now) {
    chip_use& use = m_uses[caller];
    interval_set remaining(done.issued, now);
    latency_row row;
    row.time_ns = done.issued;
    row.origin = who(caller).name;
    row.ordinal = ordinal_name(tag_rqu, done.ordinal);
    row.result = done.result;
    row.chip = take(remaining, use.chip);
    row.bus = take(remaining, use.bus);
    row.queue = take(remaining, interval_set(done.issued, done.first_go.value_or(now)));
    if (done.first_go)
        row.back = take(remaining, interval_set(done.answered_at, now));
    row.backend = remaining.length();
    use.chip.forget_before(now);
    use.bus.forget_before(now);
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
        if (open.given_up)
            continue;
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
