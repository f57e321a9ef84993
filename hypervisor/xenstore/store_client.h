// XenStore for services of dom0 that live inside the hypervisor model: a privileged connection without a
// ring.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

class xenstored;

struct store_event {
    std::string path, token;
};

/// One connection as dom0, like a process with the XenStore socket open. Requests block the calling SC_THREAD
/// for as long as the server takes; one thread at a time. May be made and destroyed at any time, the server
/// outliving it. Paths are absolute; `tx` is a transaction id, 0 for none.
class store_client {
  public:
    store_client(xenstored& server, std::string name);
    ~store_client();
    store_client(const store_client&) = delete;
    store_client& operator=(const store_client&) = delete;

    struct answer {
        errno_t error = errno_t::ok;
        std::string text;  ///< the reply's payload
        explicit operator bool() const { return error == errno_t::ok; }
    };
    answer request(xs_op op, std::string payload, std::uint32_t tx = 0);

    answer read(std::string_view path, std::uint32_t tx = 0);
    errno_t write(std::string_view path, std::string_view value, std::uint32_t tx = 0);
    errno_t mkdir(std::string_view path, std::uint32_t tx = 0);
    errno_t rm(std::string_view path, std::uint32_t tx = 0);
    /// Child names in order of creation; nullopt with any error.
    std::optional<std::vector<std::string>> directory(std::string_view path, std::uint32_t tx = 0);
    /// `perms` as "n1", "r0", ...
    errno_t set_perms(std::string_view path, const std::vector<std::string>& perms, std::uint32_t tx = 0);
    std::uint32_t transaction_start();
    errno_t transaction_end(std::uint32_t tx, bool commit);
    /// Runs `body(tx)` until its commit does not answer EAGAIN. `body` returns false to abort (ECANCELED).
    errno_t in_transaction(const std::function<bool(std::uint32_t tx)>& body);

    errno_t watch(std::string_view path, std::string_view token);
    errno_t unwatch(std::string_view path, std::string_view token);
    /// Oldest event that has arrived.
    std::optional<store_event> poll_event();
    /// Waits for one; nullopt when `deadline` (absolute) comes first.
    std::optional<store_event> wait_event(const std::optional<sc_core::sc_time>& deadline = std::nullopt);
    /// Notified whenever an event arrives.
    const sc_core::sc_event& event_arrived() const { return m_event_arrived; }
    /// Called instead of queueing events, from a method process: it must not wait.
    void on_event(std::function<void(const store_event&)> callback) { m_callback = std::move(callback); }

    const std::string& name() const { return m_name; }

  private:
    friend class xenstored;
    void deliver(xs_message message);

    xenstored& m_server;
    std::string m_name;
    std::uint32_t m_connection = 0;
    std::uint32_t m_next_request = 1;
    std::deque<xs_message> m_requests;  ///< on the way to the server
    std::optional<xs_message> m_reply;
    std::deque<store_event> m_events;
    std::function<void(const store_event&)> m_callback;
    sc_core::sc_event m_answered, m_event_arrived;
    bool m_waiting = false;
};

}  // namespace vtwin::xen
