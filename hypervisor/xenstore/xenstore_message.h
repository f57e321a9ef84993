// What an observer of XenStore sees (xenstored::messages).
#pragma once

#include <cstdint>
#include <string_view>
#include <systemc>

#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

/// What passes the server, in its order. Requests are shown when they are taken, replies and events when they
/// leave.
struct xenstore_message {
    sc_core::sc_time time;
    domid_t domid{};
    std::string_view connection;  ///< "dom3" for a ring, else the store_client's name; valid during the call
    bool out = false;
    xs_op type{};
    std::uint32_t req_id = 0, tx_id = 0;
    std::string_view payload;  ///< valid during the call
};

}  // namespace vtwin::xen
