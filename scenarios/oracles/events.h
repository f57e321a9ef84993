// What the oracles see of a machine: plain values, made by the witness from observation ports or by a test.
// Names are those of the configuration; views and names are valid during the call.
#pragma once

#include <cstdint>
#include <string_view>
#include <systemc>
#include <vector>

#include "tpm/ports.h"

namespace vtwin::scenario::seen {

using sc_core::sc_time;
using tpm::byte_view;
using tpm::bytes;

// ---- the page that a TPM frontend shares with its backend; a ring is named after its frontend domain

enum class writer : std::uint8_t { front, back, other };

/// The frontend's page was mapped by its backend, or let go.
struct ring_page {
    sc_time at;
    std::string_view ring, back;
    bool mapped = false;
    std::uint32_t ref = 0;
    bool clean = true;  ///< header and state are zero
};
/// The state octet was stored.
struct page_state {
    sc_time at;
    std::string_view ring;
    writer by{};
    std::uint8_t from = 0, to = 0;
};
/// Any store to the page by a domain that neither owns it nor has it mapped for writing.
struct foreign_store {
    sc_time at;
    std::string_view ring, domain;
};
/// SUBMIT: the packet as it stands in the page.
struct submission {
    sc_time at;
    std::string_view ring, back;
    byte_view command;         ///< length octets, cut at the end of the page
    std::uint32_t length = 0;  ///< field of the page
    std::uint8_t locality = 0;
};
/// FINISH.
struct answer {
    sc_time at;
    std::string_view ring, back;
    byte_view request;  ///< of the submission before, empty when there was none
    byte_view response;
    std::uint32_t length = 0;
};

// ---- TPMs

/// A command that an engine executed: "tpm" is the hardware's, others are named after their vTPM domain.
struct execution {
    sc_time at;
    std::string_view tpm;
    byte_view command;
    std::uint8_t locality = 0;
    byte_view response;
};
struct tpm_power {
    enum class what : std::uint8_t { cycled, off, erased };
    sc_time at;
    std::string_view tpm;
    what now{};
};
/// A dynamic launch, or a measurement of the machine before TPM2_Startup, has ended (_TPM_Hash_End).
struct launch {
    sc_time at;
    std::string_view tpm;
};
/// A vTPM reads out the state that it is about to save. Equal states have equal digests.
struct state_taken {
    sc_time at;
    std::string_view vtpm;
    std::uint64_t digest = 0;
};
/// A vTPM puts a stored state back.
struct state_given {
    sc_time at;
    std::string_view vtpm;
    std::uint64_t digest = 0;
    bool accepted = false;
};
/// A TPM command as a Linux kernel saw it end; `asked` is when it was handed over.
struct guest_command {
    sc_time at, asked;
    std::string_view domain;
    byte_view command;
    int result = 0;  ///< length or negative errno
    byte_view response;
};
/// ... and when it was handed over.
struct guest_asks {
    sc_time at;
    std::string_view domain;
    std::uint32_t ordinal = 0;
};

// ---- plumbing

struct grant_mapping {
    sc_time at;
    std::string_view mapper, granter;
    std::uint32_t ref = 0;
    std::uint64_t frame = 0;
    bool mapped = false;
    bool owned = true;      ///< the frame belongs to the granter
    bool permitted = true;  ///< the shared entry names the mapper and is marked as in use
};
struct event_bit {
    sc_time at;
    std::string_view domain;
    std::uint32_t port = 0;
    bool pending = false;
    bool open = true;  ///< the port is in use
};
/// Types as in xs_wire.h: 2 read, 4 watch, 11 write, 12 mkdir, 13 rm, 14 set_perms, 15 event, 16 error.
struct store_message {
    sc_time at;
    std::string_view connection;  ///< "dom3" for a ring, else a service of dom0
    std::string_view domain;      ///< "" for a service
    int domid = -1;
    bool out = false;
    std::uint32_t type = 0, request = 0, transaction = 0;
    std::string_view payload;
};
struct disk_done {
    sc_time at, submitted;
    std::string_view domain;
    bool write = false, flush = false;
    std::uint64_t sector = 0;
    std::uint32_t sectors = 0;
    int status = 0;
};
struct domain_life {
    enum class what : std::uint8_t { created, shut_down, crashed, destroyed };
    sc_time at;
    std::string_view domain;
    what now{};
    std::uint32_t mappings = 0;  ///< destroyed: grant mappings that it still holds
};
struct log_line {
    sc_time at;
    std::string_view domain, text;
    bool warning = false, error = false;
};

// ---- the bus, and parties outside

using tis_change = tpm::tis_state;
using chip_answer = tpm::chip_command;
using bus_byte = tpm::lpc_cycle;

/// The verifier judged a guest's evidence.
struct appraisal {
    sc_time at;
    std::string_view guest;
    bool trusted = false;
    byte_view nonce;
    std::uint32_t vtpm_mask = 0, hardware_mask = 0;  ///< PCRs that the policy asks for
    std::vector<bytes> vtpm_pcrs;                    ///< 24 values, as claimed
    byte_view deep_quote;  ///< signature (256), digests (20 each), values of the hardware PCRs
};

/// More than the allowed number of steps were made at one point of simulated time, or by polling.
struct no_progress {
    sc_time at;
    std::string_view where;
    std::uint64_t steps = 0;
};
struct run_end {
    sc_time at;
    bool finished = false;
    sc_time last_fault_over;  ///< zero when there was none
};

}  // namespace vtwin::scenario::seen
