// XenStore's request handling without time or transport: connections, requests in, replies and events out.
// Source: docs/misc/xenstore.txt, tools/xenstored.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <systemc>

#include "hypervisor/xenstore/store_ops.h"
#include "hypervisor/xenstore/store_tree.h"
#include "hypervisor/xenstore/transaction.h"
#include "hypervisor/xenstore/watch_list.h"
#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

/// What the server asks the world outside: which domains exist, and rings to connect.
class store_environment {
  public:
    virtual ~store_environment() = default;
    virtual bool domain_exists(domid_t domid) const = 0;
    virtual bool introduced(domid_t domid) const = 0;
    /// INTRODUCE: maps the domain's ring and binds its event channel. EINVAL when that is impossible.
    virtual errno_t introduce(domid_t domid, gfn_t ring, evtchn_port port) = 0;
    /// RELEASE: drops the connection of a domain. ENOENT when it has none.
    virtual errno_t release(domid_t domid) = 0;
};

/// A message on its way out.
struct queued_message {
    xs_message message;
    sc_core::sc_time since;
};

/// One client. Created by store_server::connect only.
struct store_connection {
    std::uint32_t id = 0;
    std::string name;  ///< for observers: "toolstack", "dom3"
    store_caller caller;
    std::deque<queued_message> out;
    std::size_t out_bytes = 0;
    bool touched = false;  ///< listed by store_server::take_touched
    std::uint32_t next_transaction = 1;
    std::map<std::uint32_t, std::unique_ptr<transaction>> transactions;
};

class store_server {
  public:
    explicit store_server(store_environment& environment, const store_quotas& quotas = {});

    store_connection& connect(const store_caller& caller, std::string name);
    /// Drops watches, transactions and output; the reference is dead afterwards.
    void disconnect(store_connection& connection);
    /// Watches, transactions and output go; the connection stays (ring errors).
    void reset(store_connection& connection);

    /// Handles one request, one atomic step: its reply and all watch events are queued when it returns. An
    /// event for the caller's own watch precedes the reply, except the first event of a new WATCH. Returns
    /// the reply's wire size.
    std::size_t handle(store_connection& from, const xs_message& request);

    /// Answers a request with an error without looking at it.
    std::size_t refuse(store_connection& from, const xs_message& request, errno_t error);

    /// Announces @introduceDomain, or @releaseDomain (which also serves watches with a depth as
    /// "@releaseDomain/<domid>").
    void announce_introduced();
    void announce_released(domid_t domid);
    /// Removes what the domain owned and named.
    void forget_domain(domid_t domid) { m_tree.forget_domain(domid); }

    /// Next message for a client, nullopt when none. Events that an unprivileged domain has left for 20 s are
    /// gone.
    std::optional<xs_message> take(store_connection& connection);

    /// Connections that got output since the last call, in the order in which they got it.
    std::vector<std::uint32_t> take_touched();
    /// nullptr when there is none of this number.
    store_connection* find(std::uint32_t id) const;

    store_tree& tree() { return m_tree; }
    const store_quotas& quotas() const { return m_quotas; }

  private:
    struct request;
    struct reply {
        reply(errno_t e = errno_t::ok, std::string t = {}) : error(e), text(std::move(t)) {}
        errno_t error;
        std::string text;  ///< payload, when error is ok
    };
    using handler = reply (store_server::*)(request&);

    static handler handler_of(xs_op op);
    reply dispatch(request& in);
    reply on_directory(request& in);
    reply on_directory_part(request& in);
    reply on_read(request& in);
    reply on_get_perms(request& in);
    reply on_set_perms(request& in);
    reply on_write(request& in);
    reply on_mkdir(request& in);
    reply on_rm(request& in);
    reply on_watch(request& in);
    reply on_unwatch(request& in);
    reply on_reset_watches(request& in);
    reply on_transaction_start(request& in);
    reply on_transaction_end(request& in);
    reply on_introduce(request& in);
    reply on_release(request& in);
    reply on_get_domain_path(request& in);
    reply on_is_introduced(request& in);
    reply on_resume(request& in);
    reply on_set_target(request& in);
    reply on_control(request& in);

    void fire(std::string_view path, announce to, const std::vector<xs_perm>& perms,
              const std::vector<xs_perm>& above);
    void queue(store_connection& to, xs_message message);
    void queue_event(store_connection& to, const store_watch& watch, std::string_view path);

    store_environment& m_environment;
    store_quotas m_quotas;
    store_tree m_tree;
    watch_list m_watches;
    std::map<std::uint32_t, std::unique_ptr<store_connection>> m_connections;
    std::vector<std::uint32_t> m_touched;
    std::uint32_t m_next_connection = 1;
};

}  // namespace vtwin::xen
