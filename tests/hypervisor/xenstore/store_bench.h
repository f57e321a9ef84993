// A store server on the bench: requests and replies as text lines, no time, no rings.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "hypervisor/xenstore/store_server.h"

namespace vtwin::xen::test {

class store_bench : private store_environment {
  public:
    explicit store_bench(const store_quotas& quotas = {}) : server(*this, quotas) {
        root = &server.connect({dom0, true, {}}, "root");
    }

    store_connection& guest(std::uint16_t domid) {
        domains.insert(domid);
        return server.connect({static_cast<domid_t>(domid), false, {}}, "guest");
    }

    /// Sends a request; '|' stands for NUL. Returns the reply as "OK|" or "ERROR ENOENT".
    std::string ask(store_connection& from, xs_op op, std::string payload, std::uint32_t tx = 0) {
        for (auto& c : payload) {
            c = c == '|' ? '\0' : c;
        }
        server.handle(from, {op, 7, tx, payload});
        std::string reply;
        for (auto message = server.take(from); message; message = server.take(from)) {
            auto text = message->payload;
            for (auto& c : text) {
                c = c == '\0' ? '|' : c;
            }
            if (message->type == xs_op::watch_event) {
                seen.push_back((from.name == "root" ? "" : "guest ") + text +
                               (reply.empty() ? "" : " after reply"));
            } else {
                reply = message->type == xs_op::error ? "ERROR " + text.substr(0, text.size() - 1) : text;
            }
        }
        return reply;
    }
    std::string ask(xs_op op, const std::string& payload, std::uint32_t tx = 0) {
        return ask(*root, op, payload, tx);
    }

    /// Watch events of a connection that have not been looked at, in order.
    std::vector<std::string> events(store_connection& of) {
        ask(of, xs_op::get_domain_path, "0|");
        return std::exchange(seen, {});
    }
    std::vector<std::string> events() { return events(*root); }

    store_server server;
    store_connection* root = nullptr;
    std::set<std::uint16_t> domains{0};
    std::vector<std::string> seen;

  private:
    bool domain_exists(domid_t domid) const override { return domains.contains(to_underlying(domid)); }
    bool introduced(domid_t) const override { return false; }
    errno_t introduce(domid_t, gfn_t, evtchn_port) override { return errno_t::ok; }
    errno_t release(domid_t) override { return errno_t::enoent; }
};

/// The directories of one vTPM device as libxl leaves them: frontend domain 1, backend domain 2.
inline void make_vtpm_device(store_bench& bench) {
    bench.domains.insert({1, 2});
    for (const std::string id : {"1", "2"}) {
        bench.ask(xs_op::mkdir, "/local/domain/" + id + "|");
        bench.ask(xs_op::set_perms, "/local/domain/" + id + "|n0|r" + id + "|");
        bench.ask(xs_op::mkdir, "/local/domain/" + id + "/device|");
    }
    bench.ask(xs_op::write, "/local/domain/0/name|Domain-0");
    bench.ask(xs_op::write, "/libxl/1/device/vtpm/0/state|1");
    const std::string fe = "/local/domain/1/device/vtpm/0", be = "/local/domain/2/backend/vtpm/1/0";
    bench.ask(xs_op::mkdir, fe + "|");
    bench.ask(xs_op::set_perms, fe + "|n1|r2|");
    bench.ask(xs_op::write, fe + "/state|1");
    bench.ask(xs_op::mkdir, be + "|");
    bench.ask(xs_op::set_perms, be + "|n2|r1|");
    bench.ask(xs_op::write, be + "/state|1");
    bench.ask(xs_op::write, be + "/uuid|11111111-2222-3333-4444-555555555555");
}

}  // namespace vtwin::xen::test
