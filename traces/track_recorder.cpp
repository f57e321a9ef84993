#include "traces/track_recorder.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <string_view>

#include "traces/picoseconds.h"
#include "traces/track_sheet.h"
#include "traces/words.h"

namespace vtwin::trace {
namespace {

// Cycles that are closer than this are drawn as one: a register access is several, a command some hundred.
constexpr std::uint64_t burst_gap_ps = 10'000'000;
constexpr std::uint32_t first_domain = 1, first_tpm = 100'001, first_bus = 200'001;

constexpr std::array<std::string_view, 7> fsm_words = {
    "Idle", "Ready", "Reception", "Reception complete", "Execution", "Completion", "Completion read"};

// TIS: the FIFO and its wide alias, four addresses each.
bool is_fifo(std::uint16_t address) {
    const unsigned word = address & 0xFFC;
    return word == 0x024 || word == 0x080;
}

using slices = std::vector<track_sheet::slice>;

trace_arguments arguments_of(const hop& what, std::uint64_t number) {
    trace_arguments list{{"number", number}};
    if (what.kind != hop_kind::call) {
        list.emplace_back("protocol", name_of(what.protocol));
        list.emplace_back("locality", std::uint64_t{what.locality});
    }
    if (!what.end_ps)
        list.emplace_back("result", "not over");
    else if (what.result)
        list.emplace_back("result", std::uint64_t{*what.result});
    else
        list.emplace_back("result", "none");
    return list;
}

}  // namespace

void track_recorder::vcpu_changed(const xen::vcpu_state_change& what) {
    using state = xen::vcpu_state_change::state;
    vcpu_track& vcpu = m_vcpus[what.dom];
    const std::uint64_t now_ps = picoseconds(sc_core::sc_time_stamp());
    if (vcpu.open && now_ps > vcpu.open->begin_ps) {
        vcpu.open->end_ps = now_ps;
        vcpu.spans.push_back(*vcpu.open);
    }
    vcpu.open.reset();
    if (what.now == state::running || what.now == state::runnable)
        vcpu.open = vcpu_span{now_ps, now_ps, what.now, what.pcpu};
}

void track_recorder::disk_done(const xen::block_request_done& what) {
    m_disks[what.dom].push_back({picoseconds(what.submitted), picoseconds(what.completed), what.sector,
                                 what.sectors,
                                 what.flush   ? "flush"
                                 : what.write ? "write"
                                              : "read",
                                 what.status == 0});
}

void track_recorder::bus_cycle(const std::string& bus, const tpm::lpc_cycle& what) {
    auto& bursts = m_buses[bus];
    const std::uint64_t begin = picoseconds(what.start), end = picoseconds(what.end);
    if (bursts.empty() || begin >= bursts.back().end_ps + burst_gap_ps)
        bursts.push_back({.begin_ps = begin});
    bus_burst& burst = bursts.back();
    burst.end_ps = end;
    ++burst.cycles;
    burst.writes += what.write ? 1 : 0;
    if (is_fifo(what.address))
        ++(what.write ? burst.fifo_writes : burst.fifo_reads);
}

void track_recorder::tis_changed(const std::string& tpm, const tpm::tis_state& what) {
    auto& moments = m_tis[tpm];
    if (moments.empty() || moments.back().state != what.state ||
        moments.back().locality != what.active_locality)
        moments.push_back({picoseconds(what.at), what.state, what.active_locality});
}

// ---- the file

namespace {

/// The hops as slices by who shows them.
struct hop_slices {
    std::set<xen::domid_t> domains;
    std::map<driver_id, slices> calls;
    std::map<xen::domid_t, slices> serving, engines;
    std::map<xen::domid_t, std::map<xen::domid_t, slices>> requests;
    std::map<std::string, slices> chips;
};

/// Along the way down: 0 the call, 1 and 2 the guest's ring, 3 its vTPM's TPM, 4 and 5 the manager's ring, 6
/// the chip.
enum depth : unsigned { at_call, at_ring = 1, at_engine = 3, at_managers_ring = 4, at_chip = 6 };

hop_slices slices_of(const hop_log& log, std::uint64_t now_ps) {
    hop_slices sorted;
    for (std::size_t i = 0; i < log.hops().size(); ++i) {
        const hop& what = log.hops()[i];
        track_sheet::slice drawn;
        for (const auto& who : {what.from, what.to})
            if (who && what.kind != hop_kind::chip)
                sorted.domains.insert(*who);
        drawn.begin_ps = what.begin_ps;
        drawn.end_ps = std::max(what.end_ps.value_or(now_ps), what.begin_ps);
        drawn.name = what.command;
        drawn.number = log.origin(i) + 1;
        drawn.arguments = arguments_of(what, drawn.number);
        switch (what.kind) {
            case hop_kind::call:
                drawn.depth = at_call;
                sorted.calls[{*what.from, what.device}].push_back(std::move(drawn));
                break;
            case hop_kind::engine:
                drawn.depth = at_engine;
                sorted.engines[*what.from].push_back(std::move(drawn));
                break;
            case hop_kind::chip:
                drawn.depth = at_chip;
                sorted.chips[what.chip].push_back(std::move(drawn));
                break;
            case hop_kind::ring:
                drawn.depth =
                    what.cause && log.hops()[*what.cause].kind == hop_kind::ring ? at_managers_ring : at_ring;
                if (what.served_ps) {
                    auto served = drawn;
                    served.begin_ps = *what.served_ps;
                    ++served.depth;
                    sorted.serving[*what.to].push_back(std::move(served));
                }
                sorted.requests[*what.from][*what.to].push_back(std::move(drawn));
                break;
        }
    }
    return sorted;
}

}  // namespace

void track_recorder::draw_vcpu(trace_event_writer& file, trace_track where, const vcpu_track& vcpu,
                               std::uint64_t now_ps) {
    const auto draw = [&](const vcpu_span& each, std::uint64_t end_ps) {
        trace_arguments list;
        if (each.pcpu >= 0)
            list.emplace_back("pcpu", static_cast<std::uint64_t>(each.pcpu));
        file.slice(where, each.begin_ps, end_ps, "vcpu", vcpu_words.at(static_cast<std::size_t>(each.state)),
                   list);
    };
    for (const vcpu_span& each : vcpu.spans)
        draw(each, each.end_ps);
    if (vcpu.open && now_ps > vcpu.open->begin_ps)
        draw(*vcpu.open, now_ps);
}

void track_recorder::draw_tis(trace_event_writer& file, trace_track where,
                              const std::vector<tis_moment>& moments, std::uint64_t now_ps) {
    for (std::size_t i = 0; i < moments.size(); ++i) {
        const tis_moment& each = moments[i];
        const std::uint64_t until_ps = i + 1 < moments.size() ? moments[i + 1].at_ps : now_ps;
        if (each.state == tpm::tis_state::fsm::idle || until_ps <= each.at_ps)
            continue;
        trace_arguments list;
        if (each.locality >= 0)
            list.emplace_back("locality", static_cast<std::uint64_t>(each.locality));
        file.slice(where, each.at_ps, until_ps, "tis", fsm_words.at(static_cast<std::size_t>(each.state)),
                   list);
    }
}

void track_recorder::draw_bus(trace_event_writer& file, trace_track where,
                              const std::vector<bus_burst>& bursts) {
    for (const bus_burst& each : bursts) {
        const char* name = each.fifo_writes != 0 && each.fifo_reads != 0 ? "command and answer"
                           : each.fifo_writes != 0                       ? "command"
                           : each.fifo_reads != 0                        ? "answer"
                                                                         : "registers";
        file.slice(where, each.begin_ps, each.end_ps, "bus", name,
                   {{"cycles", each.cycles},
                    {"writes", each.writes},
                    {"FIFO octets written", each.fifo_writes},
                    {"FIFO octets read", each.fifo_reads}});
    }
}

void track_recorder::draw_disk(track_sheet& sheet, const std::vector<disk_request>& requests) {
    slices list;
    for (const disk_request& each : requests)
        list.push_back({each.begin_ps,
                        each.end_ps,
                        each.kind,
                        {{"sector", each.sector},
                         {"sectors", std::uint64_t{each.sectors}},
                         {"status", each.ok ? "ok" : "error"}}});
    sheet.add_track("disk", "disk", std::move(list));
}

bool track_recorder::write(std::ostream& out, const sc_core::sc_time& now) const {
    trace_event_writer file(out);
    track_sheet sheet(file);
    const std::uint64_t now_ps = picoseconds(now);
    hop_slices hops = slices_of(m_hops, now_ps);

    for (const auto& [id, list] : m_vcpus)
        hops.domains.insert(id);
    for (const auto& [id, list] : m_disks)
        hops.domains.insert(id);
    for (const xen::domid_t id : hops.domains) {
        sheet.begin_process(first_domain + xen::to_underlying(id),
                            fmt::format("{} (domain {})", m_identify(id).name, xen::to_underlying(id)));
        for (const tpm_device device : {tpm_device::vtpm, tpm_device::hardware})
            if (const auto found = hops.calls.find({id, device}); found != hops.calls.end())
                sheet.add_track(device == tpm_device::vtpm ? "commands" : "commands to the hardware TPM",
                                "command", std::move(found->second));
        if (const auto found = hops.requests.find(id); found != hops.requests.end())
            for (auto& [backend, list] : found->second)
                sheet.add_track("requests to " + m_identify(backend).name, "request", std::move(list));
        if (const auto found = hops.serving.find(id); found != hops.serving.end())
            sheet.add_track("serving", "serving", std::move(found->second));
        if (const auto found = hops.engines.find(id); found != hops.engines.end())
            sheet.add_track("TPM execution", "execution", std::move(found->second));
        if (const auto found = m_disks.find(id); found != m_disks.end())
            draw_disk(sheet, found->second);
        if (const auto found = m_vcpus.find(id); found != m_vcpus.end())
            draw_vcpu(file, sheet.open_track("vCPU"), found->second, now_ps);
    }
    std::uint32_t pid = first_tpm;
    for (const auto& [name, moments] : m_tis)
        hops.chips[name];
    for (auto& [name, list] : hops.chips) {
        sheet.begin_process(pid++, name + " TPM");
        sheet.add_track("execution", "execution", std::move(list));
        if (const auto found = m_tis.find(name); found != m_tis.end())
            draw_tis(file, sheet.open_track("interface"), found->second, now_ps);
    }
    pid = first_bus;
    for (const auto& [name, bursts] : m_buses) {
        sheet.begin_process(pid++, name + " bus");
        draw_bus(file, sheet.open_track("transfers"), bursts);
    }
    sheet.draw_arrows();
    return file.finish();
}

}  // namespace vtwin::trace
