// Who may stand between xenstored and the rings of the domains: a fault, a counter.
#pragma once

#include <optional>
#include <systemc>

#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

/// A request on its way into the server. `message` may be changed; it must stay one that the server can
/// parse.
struct store_request_passage {
    xs_message message;
    std::optional<errno_t> refused;  ///< answered with this error, and nothing else done
    sc_core::sc_time delay;          ///< that the server, which serves one at a time, needs on top
};

/// A reply or a watch event on its way out.
struct store_output_passage {
    xs_message message;
    std::uint32_t copies = 1;  ///< 0: it is lost
};

/// Called for connections that are rings; `domid` is the domain's. The calls take no time and must not wait.
class store_wire_if {
  public:
    virtual ~store_wire_if() = default;
    virtual void request(domid_t domid, store_request_passage& passage) = 0;
    virtual void reply(domid_t domid, store_output_passage& passage) = 0;
    virtual void event(domid_t domid, store_output_passage& passage) = 0;
};

}  // namespace vtwin::xen
