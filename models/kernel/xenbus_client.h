// A guest's XenStore client on the real ring page, in wire format.
// Source: public/io/xs_wire.h; mini-os xenbus.c and Linux xenbus_xs.c for threads and watch queues.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/types.h"
#include "models/kernel/wait_queue.h"

namespace vtwin::models {

class kernel;

struct watch_event {
    std::string path;  ///< the node that changed
    std::string token;
};

/// Where the events of some watches go. mini-os pushes at the head: two events that are pending together come
/// out newest first. Linux keeps their order.
class watch_queue {
  public:
    enum class order : std::uint8_t { newest_first, oldest_first };
    watch_queue(kernel& owner, order which) : m_order(which), m_changed(owner) {}
    /// Blocks until an event is there.
    watch_event next();
    /// The same with a limit; nullopt when the time is over.
    std::optional<watch_event> next_within(const sc_core::sc_time& timeout);
    /// Takes an event when one is there.
    std::optional<watch_event> poll();
    bool empty() const { return m_events.empty(); }
    void push(watch_event event);

  private:
    order m_order;
    std::deque<watch_event> m_events;
    wait_queue m_changed;
};

/// Reply of the store: an error, or the payload.
struct xs_reply {
    xen::errno_t error = xen::errno_t::ok;
    std::string value;
    explicit operator bool() const { return error == xen::errno_t::ok; }
};

enum class xs_transaction : std::uint32_t { none = 0 };

class xenbus_client {
  public:
    static constexpr std::size_t max_payload = 4096;
    static constexpr std::size_t max_requests = 32;  ///< in flight at a time

    /// Binds the store's event channel and starts the receiving thread "xenstore".
    explicit xenbus_client(kernel& owner);

    xs_reply read(const std::string& path, xs_transaction tx = xs_transaction::none);
    xs_reply write(const std::string& path, std::string_view value, xs_transaction tx = xs_transaction::none);
    xs_reply make_directory(const std::string& path, xs_transaction tx = xs_transaction::none);
    xs_reply remove(const std::string& path, xs_transaction tx = xs_transaction::none);
    /// Children in `names`; their order is the server's.
    xs_reply directory(const std::string& path, std::vector<std::string>& names,
                       xs_transaction tx = xs_transaction::none);
    xs_reply set_permissions(const std::string& path, const std::vector<std::string>& permissions,
                             xs_transaction tx = xs_transaction::none);
    /// Registers a watch whose events go to `queue`, which must live until unwatch().
    xs_reply watch(const std::string& path, const std::string& token, watch_queue& queue);
    xs_reply unwatch(const std::string& path, const std::string& token);

    xs_reply transaction_start(xs_transaction& tx);
    xs_reply transaction_end(xs_transaction tx, bool commit);
    /// Runs `body` in a transaction and commits; again from the start while the commit meets a conflict, at
    /// most `attempts` times (0: without limit). A body that returns false aborts. False: aborted or failed.
    bool transaction(const std::function<bool(xs_transaction)>& body, unsigned attempts = 0);

    // ---- conveniences of the drivers
    /// Leading decimal digits as scanf("%d") reads them; nullopt when unreadable or without digits.
    std::optional<std::int64_t> read_integer(const std::string& path,
                                             xs_transaction tx = xs_transaction::none);
    /// A device's state; unknown when the node is missing, unreadable or not a state.
    xen::xenbus_state read_state(const std::string& path);

  private:
    struct pending_request {
        bool answered = false;
        std::uint32_t type = 0;
        std::string payload;
    };
    struct registered_watch {
        std::string path, token;
        watch_queue* queue;
    };

    xs_reply request(std::uint32_t type, std::string_view payload, xs_transaction tx);
    std::uint32_t claim_id();
    void send_bytes(std::string_view data);
    void receive_loop();
    std::size_t available();
    void take_bytes(std::span<std::byte> out);
    void dispatch(std::uint32_t type, std::uint32_t id, std::string payload);
    void deliver_event(std::string_view payload);

    kernel& m_kernel;
    wait_queue m_ring, m_replies;
    kernel_mutex m_sending;
    std::map<std::uint32_t, pending_request> m_pending;  ///< by request id
    std::deque<registered_watch> m_watches;
    std::uint32_t m_next_id = 0;
};

/// "5" for xenbus_state::closing.
std::string state_text(xen::xenbus_state state);

}  // namespace vtwin::models
