#include "traces/wave_recorder.h"

#include <fmt/format.h>

#include <array>

#include "traces/ordinals.h"
#include "traces/signals.h"
#include "traces/words.h"

namespace vtwin::trace {
namespace {

constexpr std::array<std::string_view, 4> ring_words = {"IDLE", "SUBMIT", "FINISH", "CANCEL"};
constexpr std::array<std::string_view, 7> fsm_symbols = {
    "Idle", "Ready", "Reception", "Reception_complete", "Execution", "Completion", "Completion_read"};

template <std::size_t Size>
std::string_view word(const std::array<std::string_view, Size>& words, unsigned value) {
    return value < Size ? words[value] : std::string_view("?");
}

// TIS register by its offset within a locality's page.
std::string register_name(std::uint16_t address) {
    struct range {
        std::uint16_t first, last;
        std::string_view name;
    };
    static constexpr std::array<range, 13> registers = {{{0x000, 0x000, "ACCESS"},
                                                         {0x008, 0x00B, "INT_ENABLE"},
                                                         {0x00C, 0x00C, "INT_VECTOR"},
                                                         {0x010, 0x013, "INT_STATUS"},
                                                         {0x014, 0x017, "INTF_CAPABILITY"},
                                                         {0x018, 0x01B, "STS"},
                                                         {0x020, 0x023, "HASH_END"},
                                                         {0x024, 0x027, "DATA_FIFO"},
                                                         {0x028, 0x02B, "HASH_START"},
                                                         {0x030, 0x033, "INTERFACE_ID"},
                                                         {0x080, 0x083, "XDATA_FIFO"},
                                                         {0xF00, 0xF03, "DID_VID"},
                                                         {0xF04, 0xF04, "RID"}}};
    const std::uint16_t offset = address & 0xFFF;
    for (const range& each : registers)
        if (offset >= each.first && offset <= each.last)
            return fmt::format("{}_{}", each.name, address >> 12);
    return fmt::format("{:03X}_{}", offset, address >> 12);
}

// A dot would open a scope.
std::string scope_name(std::string text) {
    for (char& c : text)
        if (c == '.')
            c = '_';
    return text.empty() ? "unnamed" : text;
}

}  // namespace

// Also tells the writer how far the simulation is: observers run in the order of simulated time.
sc_core::sc_time wave_recorder::now() {
    m_vcd.advance(sc_core::sc_time_stamp());
    return sc_core::sc_time_stamp();
}

const std::string& wave_recorder::name(xen::domid_t id) {
    const auto [at, fresh] = m_names.try_emplace(id);
    if (fresh)
        at->second = scope_name(m_identify(id).name);
    return at->second;
}

wave_recorder::signal wave_recorder::wire(const std::string& path, unsigned width) {
    const auto [at, fresh] = m_signals.try_emplace(path);
    if (fresh) {
        sc_assert(find_signal(path) != nullptr && find_signal(path)->width == width);
        at->second = m_vcd.add_wire(path, width);
    }
    return at->second;
}

wave_recorder::signal wave_recorder::text(const std::string& path) {
    const auto [at, fresh] = m_signals.try_emplace(path);
    if (fresh) {
        sc_assert(find_signal(path) != nullptr && find_signal(path)->width == 0);
        at->second = m_vcd.add_text(path);
    }
    return at->second;
}

// ---- signals of each kind of thing, declared when it is first heard of

wave_recorder::vcpu_signals& wave_recorder::vcpu(xen::domid_t id) {
    const auto [at, fresh] = m_vcpus.try_emplace(id);
    if (fresh) {
        const std::string scope = "vcpus." + name(id);
        at->second = {text(scope + ".state"), wire(scope + ".running", 1), wire(scope + ".pcpu", 8)};
    }
    return at->second;
}

wave_recorder::ring_signals& wave_recorder::ring(xen::domid_t frontend) {
    const auto [at, fresh] = m_rings.try_emplace(frontend);
    if (fresh) {
        const std::string scope = "rings." + name(frontend);
        at->second = {text(scope + ".state"),      wire(scope + ".state_code", 8),
                      wire(scope + ".length", 32), wire(scope + ".locality", 8),
                      text(scope + ".command"),    wire(scope + ".result", 32)};
    }
    return at->second;
}

wave_recorder::disk_signals& wave_recorder::disk(xen::domid_t id) {
    const auto [at, fresh] = m_disks.try_emplace(id);
    if (fresh) {
        const std::string scope = "disks." + name(id);
        at->second = {text(scope + ".last"),        wire(scope + ".sector", 64),
                      wire(scope + ".sectors", 32), wire(scope + ".service_ns", 64),
                      text(scope + ".status"),      wire(scope + ".requests", 32)};
    }
    return at->second;
}

wave_recorder::bus_signals& wave_recorder::bus(const std::string& bus_name) {
    const auto [at, fresh] = m_buses.try_emplace(bus_name);
    if (fresh) {
        const std::string scope = "bus." + scope_name(bus_name);
        at->second = {wire(scope + ".busy", 1), wire(scope + ".write", 1), wire(scope + ".address", 16),
                      text(scope + ".register"), wire(scope + ".data", 8)};
    }
    return at->second;
}

wave_recorder::tpm_signals& wave_recorder::tpm(const std::string& tpm_name) {
    const auto [at, fresh] = m_tpms.try_emplace(tpm_name);
    if (fresh) {
        const std::string scope = "tpm." + scope_name(tpm_name);
        tpm_signals& s = at->second;
        s.fsm = text(scope + ".fsm");
        s.fsm_code = wire(scope + ".fsm_code", 3);
        s.locality = wire(scope + ".active_locality", 4);
        for (unsigned locality = 0; locality < 5; ++locality)
            s.access[locality] = wire(fmt::format("{}.access_{}", scope, locality), 8);
        s.sts = wire(scope + ".sts", 32);
        s.burst_count = wire(scope + ".burst_count", 16);
        s.int_status = wire(scope + ".int_status", 8);
        s.command = text(scope + ".command");
        s.result = wire(scope + ".result", 32);
    }
    return at->second;
}

// ---- observations

void wave_recorder::vcpu_changed(const xen::vcpu_state_change& what) {
    const sc_core::sc_time at = now();
    const vcpu_signals& s = vcpu(what.dom);
    const bool running = what.now == xen::vcpu_state_change::state::running;
    m_vcd.set(at, s.state, word(vcpu_words, static_cast<unsigned>(what.now)));
    m_vcd.set(at, s.running, std::uint64_t{running});
    if (running && what.pcpu >= 0)
        m_vcd.set(at, s.pcpu, static_cast<std::uint64_t>(what.pcpu));
    else
        m_vcd.clear(at, s.pcpu);
}

void wave_recorder::pending_changed(const xen::evtchn_pending_change& what) {
    const auto [entry, fresh] = m_ports.try_emplace({what.dom, what.port});
    if (fresh)
        entry->second =
            wire(fmt::format("events.{}.port_{}", name(what.dom), xen::to_underlying(what.port)), 1);
    m_vcd.set(now(), entry->second, std::uint64_t{what.pending});
}

void wave_recorder::ring_changed(const ring_change& what) {
    const sc_core::sc_time at = now();
    const ring_signals& s = ring(what.frontend);
    m_vcd.set(at, s.state, word(ring_words, static_cast<unsigned>(what.state)));
    m_vcd.set(at, s.state_code, static_cast<std::uint64_t>(what.state));
    m_vcd.set(at, s.length, what.length);
    m_vcd.set(at, s.locality, what.locality);
    if (!what.state_stored)
        return;
    if (what.state == ring_state::submit)
        m_vcd.set(at, s.command, ordinal_name(what.tag, what.code));
    else if (what.state == ring_state::finish && what.length >= packet_header)
        m_vcd.set(at, s.code, what.code);
}

void wave_recorder::disk_done(const xen::block_request_done& what) {
    const sc_core::sc_time at = now();
    const disk_signals& s = disk(what.dom);
    m_vcd.set(at, s.last, std::string_view(what.flush ? "flush" : what.write ? "write" : "read"));
    m_vcd.set(at, s.sector, what.sector);
    m_vcd.set(at, s.sectors, what.sectors);
    const auto service = what.completed - what.submitted;
    m_vcd.set(at, s.service_ns, static_cast<std::uint64_t>(service / sc_core::sc_time(1, sc_core::SC_NS)));
    m_vcd.set(at, s.status, std::string_view(what.status == 0 ? "ok" : "error"));
    m_vcd.set(at, s.count, ++m_disk_requests[what.dom]);
}

void wave_recorder::bus_cycle(const std::string& bus_name, const tpm::lpc_cycle& what) {
    now();
    const bus_signals& s = bus(bus_name);
    m_vcd.set(what.start, s.busy, std::uint64_t{1});
    m_vcd.set(what.start, s.write, std::uint64_t{what.write});
    m_vcd.set(what.start, s.address, what.address);
    m_vcd.set(what.start, s.reg, register_name(what.address));
    m_vcd.set(what.end, s.data, what.data);
    m_vcd.set(what.end, s.busy, std::uint64_t{0});
}

void wave_recorder::tis_changed(const std::string& tpm_name, const tpm::tis_state& what) {
    now();
    const tpm_signals& s = tpm(tpm_name);
    m_vcd.set(what.at, s.fsm, word(fsm_symbols, static_cast<unsigned>(what.state)));
    m_vcd.set(what.at, s.fsm_code, static_cast<std::uint64_t>(what.state));
    if (what.active_locality >= 0)
        m_vcd.set(what.at, s.locality, static_cast<std::uint64_t>(what.active_locality));
    else
        m_vcd.clear(what.at, s.locality);
    for (unsigned locality = 0; locality < 5; ++locality)
        m_vcd.set(what.at, s.access[locality], what.access[locality]);
    m_vcd.set(what.at, s.sts, what.sts);
    if (what.active_locality >= 0)
        m_vcd.set(what.at, s.burst_count, what.sts >> 8 & 0xFFFF);
    else
        m_vcd.clear(what.at, s.burst_count);
    m_vcd.set(what.at, s.int_status, what.int_status);
}

void wave_recorder::chip_done(const std::string& tpm_name, const tpm::chip_command& what) {
    now();
    const tpm_signals& s = tpm(tpm_name);
    m_vcd.set(what.done, s.command, ordinal_name(tag_rqu, what.ordinal));
    m_vcd.set(what.done, s.result, what.result);
}

void wave_recorder::command_in_driver(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal,
                                      bool returned) {
    now();
    const auto [entry, fresh] = m_drivers.try_emplace(driver);
    if (fresh)
        entry->second = text("drivers." + name(driver.domain) +
                             (driver.device == tpm_device::vtpm ? ".command" : ".hardware_command"));
    if (returned)
        m_vcd.clear(at, entry->second);
    else
        m_vcd.set(at, entry->second, ordinal_name(tag_rqu, ordinal));
}

}  // namespace vtwin::trace
