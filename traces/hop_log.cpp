#include "traces/hop_log.h"

#include <algorithm>

#include "tpm/codec/wire.h"
#include "traces/ordinals.h"
#include "traces/picoseconds.h"
#include "traces/words.h"

namespace vtwin::trace {
namespace {

constexpr std::uint16_t tag_last12 = 0x00C3, tag_manager = 0x01C1, tag_management = 0x01C2,
                        tag_no_sessions = 0x8001, tag_sessions = 0x8002;
// TPM 2.0 Part 2, 8.9 TPMA_CC: the code belongs to a vendor.
constexpr std::uint32_t vendor_bit = 0x20000000;

packet_protocol protocol_of(std::uint16_t tag, std::uint32_t code, bool to_manager) {
    if (tag == tag_no_sessions || tag == tag_sessions)
        return (code & vendor_bit) != 0 ? packet_protocol::tpm20_vendor : packet_protocol::tpm20;
    if (tag >= tag_rqu && tag <= tag_last12)
        return packet_protocol::tpm12;
    if (tag == tag_manager)
        return to_manager ? packet_protocol::manager : packet_protocol::to_chip;
    return tag == tag_management ? packet_protocol::management : packet_protocol::other;
}

}  // namespace

const char* name_of(packet_protocol protocol) {
    switch (protocol) {
        case packet_protocol::tpm12:
            return "TPM 1.2";
        case packet_protocol::tpm20:
            return "TPM 2.0";
        case packet_protocol::tpm20_vendor:
            return "TPM 2.0 with a vendor's command";
        case packet_protocol::manager:
            return "vTPM to manager";
        case packet_protocol::management:
            return "management";
        case packet_protocol::to_chip:
            return "TPM 1.2 for the chip";
        case packet_protocol::other:
            break;
    }
    return "unknown";
}

std::size_t hop_log::add(hop&& what) {
    m_hops.push_back(std::move(what));
    return m_hops.size() - 1;
}

void hop_log::command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) {
    hop call;
    call.from = driver.domain;
    call.device = driver.device;
    call.begin_ps = picoseconds(at);
    call.command = ordinal_name(tag_rqu, ordinal);
    m_calls[driver] = add(std::move(call));
}

void hop_log::command_returned(driver_id driver, const sc_core::sc_time& at) {
    const auto found = m_calls.find(driver);
    if (found == m_calls.end())
        return;
    m_hops[found->second].end_ps = picoseconds(at);
    m_calls.erase(found);
}

std::optional<std::size_t> hop_log::ring_changed(const ring_change& what) {
    if (!what.state_stored)
        return std::nullopt;
    if (what.state == ring_state::submit)
        return submitted(what);
    const auto found = m_open.find({what.frontend, what.backend});
    if (found == m_open.end() || what.state == ring_state::cancel)
        return std::nullopt;
    const std::size_t number = found->second;
    m_open.erase(found);
    if (what.state != ring_state::finish) {  // cancelled
        ended(number, what.at);
        return std::nullopt;
    }
    if (what.length >= packet_header)
        m_hops[number].result = what.code;
    ended(number, what.at);
    claim(number);
    return number;
}

std::size_t hop_log::submitted(const ring_change& what) {
    const ring_id ring{what.frontend, what.backend};
    if (const auto before = m_open.find(ring); before != m_open.end())
        ended(before->second, what.at);  // given up
    hop request;
    request.kind = hop_kind::ring;
    request.from = what.frontend;
    request.to = what.backend;
    request.begin_ps = picoseconds(what.at);
    request.protocol =
        protocol_of(what.tag, what.code, m_identify(what.backend).role == domain_role::manager);
    request.command =
        ordinal_name(request.protocol == packet_protocol::to_chip ? tag_rqu : what.tag, what.code);
    request.locality = what.locality;
    if (const auto call = m_calls.find({what.frontend, tpm_device::vtpm}); call != m_calls.end()) {
        request.cause = call->second;
        m_hops[call->second].protocol = request.protocol;
        m_hops[call->second].command = request.command;
    }
    const std::size_t number = add(std::move(request));
    if (m_identify(what.frontend).role != domain_role::other)
        m_unclaimed[what.frontend].push_back(number);
    m_open[ring] = number;
    return number;
}

void hop_log::served(xen::domid_t frontend, xen::domid_t backend, const sc_core::sc_time& served) {
    if (const auto found = m_open.find({frontend, backend}); found != m_open.end())
        m_hops[found->second].served_ps = picoseconds(served);
}

void hop_log::ended(std::size_t number, const sc_core::sc_time& at) {
    hop& request = m_hops[number];
    request.end_ps = picoseconds(at);
    // An answer that comes when the driver has given up is none of its call.
    if (const auto call = request.cause; call && !m_hops[*call].end_ps)
        m_hops[*call].result = request.result;
}

// A back end answers one request before it takes up the next, so that what it did since it took this one up
// was for this one; what it did earlier was its own business. A request that ends without an answer tells
// nothing of what its back end is at.
void hop_log::claim(std::size_t number) {
    const hop& request = m_hops[number];
    auto& done = m_unclaimed[*request.to];
    for (const std::size_t each : done)
        if (each > number && request.served_ps && m_hops[each].begin_ps >= *request.served_ps)
            m_hops[each].cause = number;
    done.clear();
}

namespace {

hop execution_of(hop_kind kind, const std::optional<xen::domid_t>& from, const tpm::chip_command& what) {
    hop command;
    command.kind = kind;
    command.from = from;
    command.begin_ps = picoseconds(what.go);
    command.end_ps = picoseconds(what.done);
    const std::uint16_t tag = what.command.size() < 2 ? 0 : tpm::load_be16(what.command.first(2));
    command.protocol = protocol_of(tag, what.ordinal, true);
    command.command = ordinal_name(tag_rqu, what.ordinal);
    command.result = what.result;
    command.locality = what.locality;
    return command;
}

}  // namespace

std::size_t hop_log::chip_done(const std::string& tpm, const tpm::chip_command& what) {
    const auto from = domain_of(what.master);
    const std::size_t number = add(execution_of(hop_kind::chip, from, what));
    hop& command = m_hops[number];
    command.chip = tpm;
    if (!from)
        return number;
    const auto call = m_calls.find({*from, tpm_device::hardware});
    if (call == m_calls.end()) {
        m_unclaimed[*from].push_back(number);
    } else if (m_hops[call->second].begin_ps <= command.begin_ps) {
        command.cause = call->second;
        m_hops[call->second].protocol = command.protocol;
        m_hops[call->second].result = command.result;
    }
    return number;
}

void hop_log::engine_done(xen::domid_t vtpm, const tpm::chip_command& what) {
    m_unclaimed[vtpm].push_back(add(execution_of(hop_kind::engine, vtpm, what)));
}

std::size_t hop_log::origin(std::size_t number) const {
    while (m_hops[number].cause)
        number = *m_hops[number].cause;
    return number;
}

}  // namespace vtwin::trace
