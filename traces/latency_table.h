// Where each TPM command's time went: one row per command, whole nanoseconds, columns that sum to the total.
// traces/README.md defines every column by what is observed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "hypervisor/ports.h"
#include "tpm/ports.h"
#include "traces/interval_set.h"
#include "traces/ports.h"
#include "traces/ring_watch.h"

namespace vtwin::trace {

struct latency_row {
    std::uint64_t time_ns = 0;  ///< when the command was issued
    std::string origin;         ///< domain that wanted it
    domain_identity server;     ///< domain that answered, or should have; no name for the chip itself
    std::string ordinal;
    std::optional<std::uint32_t> result;  ///< nothing when no answer came
    // hops; they sum to `total`
    std::uint64_t queue = 0, ring = 0, backend = 0, save = 0, manager = 0, bus = 0, chip = 0, back = 0;
    std::uint64_t total = 0;
};

/// The hops of a row, in the order of its columns.
struct latency_hop {
    const char* name;
    std::uint64_t latency_row::*length;
};
inline constexpr latency_hop latency_hops[] = {
    {"queue", &latency_row::queue}, {"ring", &latency_row::ring},       {"backend", &latency_row::backend},
    {"save", &latency_row::save},   {"manager", &latency_row::manager}, {"bus", &latency_row::bus},
    {"chip", &latency_row::chip},   {"return", &latency_row::back}};

class latency_table final : public command_observer_if {
  public:
    explicit latency_table(identify_domain identify) : m_identify(std::move(identify)) {}

    /// Told when a request is answered, before the row is made: since when its back end has worked on it.
    std::function<void(const ring_change& end, const sc_core::sc_time& served)> on_served;

    void ring_changed(const ring_change& what);
    void pending_changed(const sc_core::sc_time& at, const xen::evtchn_pending_change& what);
    void disk_done(const xen::block_request_done& what);
    void bus_cycle(const tpm::lpc_cycle& what);
    void chip_done(const tpm::chip_command& what);
    /// A domain whose driver reports its calls gets the hops `queue` and `return`; the others' are zero.
    void command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) override;
    void command_returned(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) override;

    /// Rows of commands that have ended, by time.
    std::vector<latency_row> rows() const;
    /// Requests in the rings that nobody has answered yet: only when, whose and what.
    std::vector<latency_row> unanswered() const;
    /// "time_ns,origin,ordinal,result,queue,ring,backend,save,manager,bus,chip,return,total"; the result is
    /// decimal, "none" without an answer.
    void write_csv(std::ostream& out) const;

  private:
    struct request {  // SUBMIT stored, no answer yet
        sc_core::sc_time submitted;
        std::optional<sc_core::sc_time> noticed;  // the back end consumed an event
        std::string ordinal;
        bool given_up = false;  // by its driver, and not to be a row any more
    };
    struct call {  // a driver's call in progress
        std::uint64_t issued = 0;
        std::uint32_t ordinal = 0;
        std::optional<latency_row> answered;  // all but `return` and `total`
        std::uint64_t answered_at = 0;
        std::optional<std::uint64_t> first_go;  // of the hardware TPM on its behalf; its end is answered_at
        std::optional<std::uint32_t> result;
    };
    struct chip_use {  // by a domain that drives the hardware TPM
        interval_set chip, bus;
    };
    struct server {  // a back end domain
        sc_core::sc_time last_answer;
        interval_set disk, chip, bus, manager;  // since then
    };
    using ring_id = std::pair<xen::domid_t, xen::domid_t>;  // frontend, backend

    domain_identity who(xen::domid_t id) const { return m_identify(id); }
    void submitted(const ring_change& what);
    void ended(const ring_change& what, bool answered);
    void answered(const request& open, const ring_change& what, latency_row& row);
    void keep_or_await(latency_row row, const ring_change& what);
    void split_vtpm(latency_row& row, server& backend, const interval_set& window);
    void split_manager(latency_row& row, server& backend, const interval_set& window,
                       const ring_change& what);
    void returned_from_chip(const call& done, xen::domid_t caller, std::uint64_t now);
    bool serving(xen::domid_t backend) const;
    void keep(latency_row row, std::uint64_t end);

    identify_domain m_identify;
    std::map<ring_id, request> m_open;
    std::map<driver_id, call> m_calls;
    std::map<xen::domid_t, server> m_servers;
    std::map<xen::domid_t, chip_use> m_uses;
    std::vector<latency_row> m_rows;
};

}  // namespace vtwin::trace
