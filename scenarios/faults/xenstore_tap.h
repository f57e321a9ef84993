// Faults between xenstored and the rings of the domains.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hypervisor/xenstore/store_wire.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// A request that the server takes.
struct store_question {
    xen::store_request_passage& passage;
    std::optional<xen::errno_t> answer = std::nullopt;  ///< carried out, and answered with this all the same
};

/// The reply to a request.
struct store_answer {
    xen::store_output_passage& passage;
};

/// A watch event.
struct store_news {
    xen::store_output_passage& passage;
};

class xenstore_effect : public fault_effect {
  public:
    virtual void act(store_question&) {}
    virtual void act(store_answer&) {}
    virtual void act(store_news&) {}
};

/// What crosses: a request under its name ("read", "transaction_end"), its reply ("read_reply"), a watch
/// event ("event"). `path` is as the domain wrote it, for a reply that of its request; `value` what is
/// written or was read, for an event the token; `code` the errno of a reply by name, "OK" without.
std::vector<std::string_view> xenstore_operations();

class xenstore_tap final : public xen::store_wire_if {
  public:
    explicit xenstore_tap(std::function<std::string(xen::domid_t)> name_of) : m_name_of(std::move(name_of)) {}

    void add(const std::string& domain, wire& on) { m_wires[domain] = &on; }
    bool empty() const { return m_wires.empty(); }

    void request(xen::domid_t domid, xen::store_request_passage& passage) override;
    void reply(xen::domid_t domid, xen::store_output_passage& passage) override;
    void event(xen::domid_t domid, xen::store_output_passage& passage) override;

  private:
    struct open_request {
        xen::xs_op what{};
        std::string path;
        std::optional<xen::errno_t> answer;
    };
    wire* wire_of(xen::domid_t domid) const;

    std::function<std::string(xen::domid_t)> m_name_of;
    std::map<std::string, wire*> m_wires;                                      ///< by domain
    std::map<std::pair<xen::domid_t, std::uint32_t>, open_request> m_pending;  ///< by domain and request id
};

/// Makes an error reply of a message.
void make_error(xen::xs_message& message, xen::errno_t error);

}  // namespace vtwin::scenario
