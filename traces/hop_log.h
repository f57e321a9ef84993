// Every hop of every TPM command, and which hop was made on behalf of which: what one command of a guest set
// in motion, down to the hardware TPM.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tpm/ports.h"
#include "traces/ports.h"
#include "traces/ring_watch.h"

namespace vtwin::trace {

enum class hop_kind : std::uint8_t {
    call,    ///< a driver's call: user space to user space
    ring,    ///< SUBMIT to FINISH in a page that two domains share
    engine,  ///< the execution of a command by a vTPM's TPM
    chip     ///< tpmGo to dataAvail of the hardware TPM
};

/// What a packet's tag and place say that it is.
enum class packet_protocol : std::uint8_t {
    tpm12,
    tpm20,
    tpm20_vendor,  ///< a code that only this machine's vTPM knows
    manager,       ///< vTPM to manager, tag 0x01C1
    management,    ///< tag 0x01C2
    to_chip,       ///< tag 0x01C1 from a guest: its vTPM passes it on as a TPM 1.2 command
    other
};
const char* name_of(packet_protocol protocol);

struct hop {
    hop_kind kind = hop_kind::call;
    std::optional<xen::domid_t> from;  ///< who asks; engine: whose it is; nothing: the platform's firmware
    std::optional<xen::domid_t> to;    ///< ring: who answers
    tpm_device device = tpm_device::vtpm;  ///< call: of the driver
    std::uint64_t begin_ps = 0;
    std::optional<std::uint64_t> served_ps;  ///< ring: since then the back end worked on it
    std::optional<std::uint64_t> end_ps;     ///< nothing: it is not over
    packet_protocol protocol = packet_protocol::other;
    std::string command;
    std::string chip;                     ///< chip: the TPM's name
    std::optional<std::uint32_t> result;  ///< nothing: no answer, or the hop does not show it
    std::uint8_t locality = 0;
    std::optional<std::size_t> cause;  ///< the hop on whose behalf this one was made
};

/// Hops are numbered from 0 in the order in which they were first seen.
class hop_log {
  public:
    explicit hop_log(identify_domain identify) : m_identify(std::move(identify)) {}

    void command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal);
    void command_returned(driver_id driver, const sc_core::sc_time& at);
    /// The back end took the request in this ring up at `served`; told before the answer is.
    void served(xen::domid_t frontend, xen::domid_t backend, const sc_core::sc_time& served);
    /// The hop whose command or answer the page holds now; nothing when it is neither.
    std::optional<std::size_t> ring_changed(const ring_change& what);
    std::size_t chip_done(const std::string& tpm, const tpm::chip_command& what);
    void engine_done(xen::domid_t vtpm, const tpm::chip_command& what);

    const std::vector<hop>& hops() const { return m_hops; }
    /// The hop that set this one in motion, in the end.
    std::size_t origin(std::size_t number) const;

  private:
    using ring_id = std::pair<xen::domid_t, xen::domid_t>;  // frontend, backend

    std::size_t add(hop&& what);
    std::size_t submitted(const ring_change& what);
    void ended(std::size_t number, const sc_core::sc_time& at);
    void claim(std::size_t number);

    identify_domain m_identify;
    std::vector<hop> m_hops;
    std::map<ring_id, std::size_t> m_open;
    std::map<driver_id, std::size_t> m_calls;
    /// What a back end did or asked for since its last answer: belongs to the request that it answers next.
    std::map<xen::domid_t, std::vector<std::size_t>> m_unclaimed;
};

}  // namespace vtwin::trace
