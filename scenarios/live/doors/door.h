// What every door has: a place, coroutines that serve its clients, and a file of the guest's behind it.
#pragma once

#include <asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/live/client_loop.h"
#include "scenarios/live/listen_spec.h"
#include "tpm/ports.h"

namespace vtwin::scenario::live {

/// What doors know of the session.
struct door_context {
    client_loop& loop;
    tpm::family version = tpm::family::tpm12;  ///< of the TPM behind them
    std::uint32_t next_file = 1;               ///< of the resource manager
    bool tpm0_taken = false;                   ///< by a client of a door with open=exclusive
    bool powered = true;                       ///< between power_on and power_off, whoever asked for them
    std::uint32_t buffer_size = 4096;          ///< octets: the longest command or response of that TPM
    /// libtpms' description of that TPM, JSON; the bits say of what.
    std::function<std::string(std::uint64_t)> describe_tpm = [](std::uint64_t) { return "{}"; };
    /// A line for the user: who came, what went wrong. No more than one per connection.
    std::function<void(const std::string&)> say = [](const std::string&) {};
};

class door {
  public:
    virtual ~door() = default;
    /// Where clients find it, for the user: "swtpm:unix:/tmp/x, control /tmp/x.ctrl".
    virtual std::string describe() const = 0;
};

/// Binds the place and begins to serve it in the loop. Throws user_error.
std::unique_ptr<door> open_door(const listen_spec& spec, door_context& context);

/// An open file of the TPM device as one client has it: of /dev/tpm0, or a new one of /dev/tpmrm0, which is
/// closed with this object.
class device_file {
  public:
    device_file(door_context& context, bool resource_manager);
    ~device_file();
    device_file(const device_file&) = delete;
    device_file& operator=(const device_file&) = delete;

    /// One command. The response is what the device gave; where the kernel gave an error instead, or the
    /// machine is off, it is a response header with TPM_FAIL or TPM_RC_FAILURE. Empty: the session is over.
    asio::awaitable<tpm::bytes> transmit(tpm::bytes command, std::uint8_t locality = 0);

  private:
    door_context& m_context;
    std::uint32_t m_file;
    bool m_used = false;
};

/// The one open that Linux grants of /dev/tpm0, among the clients of the doors that keep to it
/// (open=exclusive); given back with this object. At other doors everybody has it.
class exclusive_open {
  public:
    exclusive_open(door_context& context, const listen_spec& spec)
        : m_context(context), m_exclusive(spec.exclusive) {}
    ~exclusive_open();
    /// Whoever comes when another client has closed it may be heard of before that one's end: it waits a
    /// moment.
    asio::awaitable<void> try_to_open();
    exclusive_open(const exclusive_open&) = delete;
    exclusive_open& operator=(const exclusive_open&) = delete;
    /// False: -EBUSY of the kernel. The connection is to be closed; the user is told.
    bool granted() const { return m_granted; }

  private:
    door_context& m_context;
    bool m_exclusive, m_granted = false;
};

/// A response of ten octets: `code12` with tag 00C4, or `code20` with tag 8001.
tpm::bytes failure_response(tpm::family version, std::uint32_t code12, std::uint32_t code20);

}  // namespace vtwin::scenario::live
