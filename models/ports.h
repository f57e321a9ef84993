// The seams between the software models: what a stub domain's program needs from the drivers below it.
// Written as plain interfaces so that each program can be tested without a hypervisor.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/types.h"
#include "tpm/ports.h"

namespace vtwin::models {

using tpm::byte_view;
using tpm::bytes;

/// 16 bytes in textual order (XenStore's 36-character form).
struct uuid_t {
    std::array<std::byte, 16> octets{};
    auto operator<=>(const uuid_t&) const = default;
};
/// Parses 8-4-4-4-12 hexadecimal digits; nullopt when malformed.
std::optional<uuid_t> parse_uuid(std::string_view text);
std::string to_string(const uuid_t& uuid);

/// Why a command exchange with a TPM failed below the TPM protocol.
enum class transport_error : std::uint8_t {
    none,
    cancelled,  ///< the backend answered IDLE: no response
    too_long,   ///< request or response does not fit the page or buffer
    timed_out,
    io,  ///< bus or driver error
    not_connected,
};

struct transport_result {
    transport_error error = transport_error::none;
    bytes response;  ///< valid when error == none
    explicit operator bool() const { return error == transport_error::none; }
};

/// A TPM as a driver presents it: one command out, one response back; blocks the calling thread in simulated
/// time. Implemented by tpmfront (mini-os), tpm_tis (mini-os), xen-tpmfront (Linux).
class tpm_transport_if {
  public:
    virtual ~tpm_transport_if() = default;
    virtual transport_result transmit(byte_view command) = 0;
};

/// A disk as mini-os' libc presents it (open file on blkfront): byte offsets, synchronous.
class block_file_if {
  public:
    virtual ~block_file_if() = default;
    virtual std::uint64_t size() const = 0;
    virtual std::uint32_t sector_size() const = 0;
    /// False when the device reported an error and the driver passes errors on.
    [[nodiscard]] virtual bool read(std::uint64_t offset, std::span<std::byte> out) = 0;
    [[nodiscard]] virtual bool write(std::uint64_t offset, byte_view data) = 0;
    /// Flush or barrier, when the backend offers one; true otherwise.
    [[nodiscard]] virtual bool flush() = 0;
};

/// A request fetched from a frontend's ring page.
struct tpm_request {
    xen::domid_t domid{};
    std::uint32_t handle = 0;
    std::uint8_t locality = 0;
    bytes command;  ///< private copy
};

/// tpmback as its owner sees it (mini-os tpmback.h): requests in, responses out.
class tpm_backend_if {
  public:
    struct callbacks {
        /// An interface appeared; an interface was freed.
        std::function<void(xen::domid_t, std::uint32_t handle, const uuid_t&)> opened;
        std::function<void(xen::domid_t, std::uint32_t handle)> closed;
    };
    virtual ~tpm_backend_if() = default;
    /// Blocks until a request is there. An empty result is mini-os' null: the backend was closed, or the
    /// fetch failed (impossible length) while `is_closed()` stays false.
    virtual std::optional<tpm_request> next_request() = 0;
    virtual bool is_closed() const = 0;
    /// Answers the request; an empty response completes it with length 0.
    virtual void respond(const tpm_request& request, byte_view response) = 0;
    /// FLASK label of the domain at the other end of the interface's event channel; negative errno.
    virtual int peer_label(xen::domid_t domid, std::uint32_t handle, std::size_t capacity,
                           std::string& label) = 0;
};

/// What a stub domain's program may do with time and words.
class stubdom_services_if {
  public:
    virtual ~stubdom_services_if() = default;
    virtual void charge(const sc_core::sc_time& cpu_time) = 0;  ///< computation, paid by the domain's vCPU
    /// Waits until what was charged has been paid; other threads of the domain do not run meanwhile.
    virtual void pay() {}
    virtual void sleep(const sc_core::sc_time& duration) = 0;  ///< lets other threads of the domain run
    virtual void yield() = 0;                                  ///< schedule()
    virtual sc_core::sc_time now() const = 0;
    enum class level : std::uint8_t { debug, info, warning, error };
    virtual void log(level severity, const std::string& text) = 0;  ///< console line, shown in the timeline
};

/// The network between a domain and the parties outside the machine: one request, one reply, simulated
/// latency. `service` names the endpoint (models/attestation/messages.h); bodies are JSON texts.
class remote_service_if {
  public:
    virtual ~remote_service_if() = default;
    /// Blocks the calling thread; an empty reply means that the party refused or does not know the service.
    virtual std::string call(std::string_view service, const std::string& body) = 0;
};

}  // namespace vtwin::models
