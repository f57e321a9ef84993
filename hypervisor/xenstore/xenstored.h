// xenstored in dom0 as a timed module: serves every domain's ring and the services inside the hypervisor
// model. Source: tools/xenstored, docs/misc/xenstore.txt; single threaded, one request at a time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <systemc>

#include "hypervisor/costs.h"
#include "hypervisor/machine.h"
#include "hypervisor/observation.h"
#include "hypervisor/service/service_port.h"
#include "hypervisor/xenstore/ring_channel.h"
#include "hypervisor/xenstore/store_server.h"
#include "hypervisor/xenstore/store_wire.h"
#include "hypervisor/xenstore/xenstore_message.h"

namespace vtwin::xen {

class store_client;

/// Time: an idle server looks at its rings xenstore_wakeup after a doorbell (for a ring: the event's upcall).
/// A request is one atomic step when it is taken; its reply and events leave xenstore_request +
/// xenstore_per_byte * (wire bytes of request and reply) later, and only then the next request is taken, one
/// per connection in turn.
class xenstored : public sc_core::sc_module, private store_environment {
  public:
    observation_port<xenstore_message> messages;

    SC_HAS_PROCESS(xenstored);
    xenstored(sc_core::sc_module_name name, machine& host, const store_quotas& quotas = {});
    ~xenstored() override;

    /// The store itself, for tests and reports; reading it costs no simulated time.
    store_tree& tree() { return m_server.tree(); }
    /// Puts somebody between the server and all rings; nullptr: nobody. Has to outlive the simulation.
    void set_wire(store_wire_if* wire) { m_wire = wire; }
    store_wire_if* wire() const { return m_wire; }
    std::uint64_t requests_served() const { return m_served; }

  private:
    friend class store_client;
    struct channel {
        std::uint32_t connection = 0;
        domid_t domid{};
        bool ready = false;              ///< stands in m_ready
        store_client* client = nullptr;  ///< one of the two
        std::unique_ptr<ring_channel> ring;
        std::deque<xs_message> repeats;  ///< of the message that was sent last, by whoever is on the wire
        std::unique_ptr<service_port> port;
    };
    struct death {
        domid_t domid{};
        bool destroyed = false;
    };
    enum class activity : std::uint8_t { idle, waking, serving };

    std::uint32_t attach(store_client& client);
    void detach(store_client& client);
    void doorbell(std::uint32_t connection);
    void wake();

    void step();
    void take_next();
    bool serve(channel& from);
    void bury(const death& dead);
    bool next_request(channel& from, xs_message& message);
    void publish();
    void flush(channel& to);
    bool send_out(channel& to);
    void drop(std::uint32_t connection);
    void show(const channel& which, bool out, const xs_message& message);
    void begin_service(const sc_core::sc_time& cost);

    bool domain_exists(domid_t domid) const override;
    bool introduced(domid_t domid) const override;
    errno_t introduce(domid_t domid, gfn_t ring, evtchn_port port) override;
    errno_t release(domid_t domid) override;

    machine& m_host;
    store_wire_if* m_wire = nullptr;
    store_server m_server;
    std::map<std::uint32_t, channel> m_channels;  ///< by connection number
    std::map<domid_t, std::uint32_t> m_introduced;
    std::map<const domain*, domid_t> m_known;  ///< ids of domains that were introduced
    std::deque<std::uint32_t> m_ready;
    std::deque<death> m_deaths;
    activity m_activity = activity::idle;
    sc_core::sc_event m_step;
    std::uint64_t m_served = 0;
};

}  // namespace vtwin::xen
