// Faults on event channels: what gets lost, late or too much between a send and its receiver.
#include <array>

#include "hypervisor/event/event_fabric.h"
#include "scenarios/faults/hypercall_tap.h"
#include "scenarios/faults/hypervisor_kinds.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;
using kind = xen::evtchn_status::kind;

/// Somebody would hear it: other sends fail or vanish by themselves.
bool would_arrive(const hypercall_access& access) {
    auto* const life = access.caller.life();
    const auto* const channel = life != nullptr ? life->events.in_use(access.port) : nullptr;
    return channel != nullptr && channel->state == kind::interdomain;
}

/// A send that costs nobody anything. Ids are never used twice: a domain that is gone sends no more.
void send(const hypervisor_view& where, xen::domid_t from, xen::evtchn_port port) {
    if (auto* const life = where.host().instance(from); life != nullptr && !life->dying)
        (void)where.host().events().send(*life, port);
}

class event_lost final : public hypercall_effect {
  public:
    event_lost(const fault&, const hypervisor_view&) {}
    void act(hypercall_access& access) override {
        if (would_arrive(access))
            access.skip(0);
    }
};

class event_delayed final : public hypercall_effect {
  public:
    event_delayed(const fault& what, const hypervisor_view&)
        : m_delay(fault_parameters(what).duration("delay")) {}
    void act(hypercall_access& access) override {
        if (!would_arrive(access) || access.skipped)
            return;
        access.skip(0);
        access.after.emplace_back([delay = m_delay](hypercall_access& made) {
            sc_core::sc_spawn([delay, &where = made.where, from = made.caller.domid(), port = made.port] {
                sc_core::wait(delay);
                send(where, from, port);
            });
        });
    }

  private:
    sc_core::sc_time m_delay;
};

class event_duplicated final : public hypercall_effect {
  public:
    event_duplicated(const fault& what, const hypervisor_view&) {
        const fault_parameters given(what);
        m_copies = given.number("copies");
        m_interval = given.duration("interval");
    }
    void act(hypercall_access& access) override {
        access.after.emplace_back([copies = m_copies, interval = m_interval](hypercall_access& made) {
            if (made.result != 0)
                return;
            sc_core::sc_spawn(
                [copies, interval, &where = made.where, from = made.caller.domid(), port = made.port] {
                    for (std::uint64_t i = 1; i < copies; ++i) {
                        sc_core::wait(interval);
                        send(where, from, port);
                    }
                });
        });
    }

  private:
    std::uint64_t m_copies = 2;
    sc_core::sc_time m_interval;
};

/// The mask goes, and what came while it was set is not delivered: nor is what comes later, since the channel
/// is pending already.
class unmask_loses_pending final : public hypercall_effect {
  public:
    unmask_loses_pending(const fault&, const hypervisor_view&) {}
    void act(hypercall_access& access) override {
        access.skip(0);
        access.after.emplace_back([](hypercall_access& made) {
            auto* const life = made.caller.life();
            if (life != nullptr && life->events.find(made.port) != nullptr)
                life->events.test_and_clear_mask(made.port);
        });
    }
};

constexpr std::array<std::pair<std::string_view, xen::errno_t>, 6> errors = {{
    {"enospc", xen::errno_t::enospc},
    {"einval", xen::errno_t::einval},
    {"eperm", xen::errno_t::eperm},
    {"esrch", xen::errno_t::esrch},
    {"enomem", xen::errno_t::enomem},
    {"eagain", xen::errno_t::eagain},
}};

class refused final : public hypercall_effect {
  public:
    refused(const fault& what, const hypervisor_view&) {
        for (const auto& [name, code] : errors)
            if (name == fault_parameters(what).word("error"))
                m_result = -xen::to_underlying(code);
    }
    void act(hypercall_access& access) override { access.skip(m_result); }

  private:
    int m_result = 0;
};

class close_lost final : public hypercall_effect {
  public:
    close_lost(const fault&, const hypervisor_view&) {}
    void act(hypercall_access& access) override { access.skip(0); }
};

/// Acts at once on the channels of its targets that lead to a peer.
class channel_effect : public fault_effect {
  public:
    channel_effect(const fault& what, const hypervisor_view& where)
        : m_where(where), m_target(what.target), m_peer(fault_parameters(what).word("peer")) {}

  protected:
    virtual void act(xen::domain_instance& life, xen::evtchn_port port) = 0;
    void act_on_all() {
        for (auto* const each : m_where.targets(m_target, ".hypercall")) {
            auto* const life = each->life();
            for (std::uint32_t i = 1; life != nullptr && i < life->events.size(); ++i)
                if (leads_to_peer(life->events.in_use(xen::evtchn_port{i})))
                    act(*life, xen::evtchn_port{i});
        }
    }
    const hypervisor_view& m_where;

  private:
    /// A channel of a service, XenStore or block back end, has that service's domain as its peer: dom0.
    bool leads_to_peer(const xen::event_channel* channel) const {
        return channel != nullptr && channel->state == kind::interdomain &&
               glob_matches(m_peer, m_where.name_of(channel->remote));
    }
    std::string m_target, m_peer;
};

class event_spurious final : public channel_effect {
  public:
    event_spurious(const fault& what, const hypervisor_view& where) : channel_effect(what, where) {
        const fault_parameters given(what);
        m_times = given.number("times");
        m_interval = given.duration("interval");
    }
    void begin() override {
        m_over = false;
        act_on_all();
        if (m_times == 1)
            return;
        sc_core::sc_spawn([this] {
            for (std::uint64_t done = 1; done != m_times; ++done) {
                sc_core::wait(m_interval);
                if (m_over)
                    return;
                act_on_all();
            }
        });
    }
    void end() override { m_over = true; }

  private:
    void act(xen::domain_instance& life, xen::evtchn_port port) override { send(m_where, life.domid, port); }
    std::uint64_t m_times = 1;
    sc_core::sc_time m_interval;
    bool m_over = false;
};

class channel_closed final : public channel_effect {
  public:
    using channel_effect::channel_effect;
    void begin() override { act_on_all(); }

  private:
    void act(xen::domain_instance& life, xen::evtchn_port port) override {
        (void)m_where.host().events().close(life, port);
    }
};

class pending_cleared final : public channel_effect {
  public:
    using channel_effect::channel_effect;
    void begin() override { act_on_all(); }

  private:
    void act(xen::domain_instance& life, xen::evtchn_port port) override {
        if (life.events.test_and_clear_pending(port))
            m_where.host().events().changed(life);
    }
};

parameter_declaration peer_parameter() {
    return {"peer", type::word, "*", "channels to this domain only; * and ? as in targets"};
}
parameter_declaration error_parameter(std::string_view standard) {
    parameter_declaration made{"error", type::choice, standard, "what the call returns"};
    for (const auto& [name, code] : errors)
        made.choices.push_back(name);
    return made;
}

}  // namespace

std::vector<hypervisor_kind> event_channel_kinds() {
    constexpr auto on = wire_class::hypercall;
    return {
        {{"hypercall.event_lost",
          on,
          "EVT-01",
          "a send succeeds and nothing becomes pending",
          {},
          {},
          "evtchn_send"},
         make_effect<event_lost>},
        {{"hypercall.event_delayed",
          on,
          "EVT-02 EVT-04",
          "a send takes effect later, behind what is sent meanwhile",
          {{"delay", type::time, "", "how much later"}},
          {},
          "evtchn_send"},
         make_effect<event_delayed>},
        {{"hypercall.event_duplicated",
          on,
          "EVT-03",
          "one send becomes pending several times",
          {{"copies", type::number, "2", "times in all", 2, 100},
           {"interval", type::time, "10 us", "between two of them", 1}},
          {},
          "evtchn_send"},
         make_effect<event_duplicated>},
        {{"hypercall.event_spurious",
          on,
          "EVT-05 EVT-06",
          "the target sends without a reason and without paying for it, at once; with `times` a storm",
          {peer_parameter(),
           {"times", type::number, "1", "how often; 0: until the fault ends"},
           {"interval", type::time, "10 us", "between two sends", 1}},
          {},
          "",
          true},
         make_effect<event_spurious>},
        {{"hypercall.unmask_loses_pending",
          on,
          "EVT-07",
          "an unmask clears the mask and does not look for what is pending",
          {},
          {},
          "evtchn_unmask"},
         make_effect<unmask_loses_pending>},
        {{"hypercall.channel_closed",
          on,
          "EVT-08",
          "the target's ends of its channels are closed, at once",
          {peer_parameter()},
          {},
          "",
          true},
         make_effect<channel_closed>},
        {{"hypercall.close_lost",
          on,
          "EVT-09",
          "a close has no effect: events go on arriving",
          {},
          {},
          "evtchn_close"},
         make_effect<close_lost>},
        {{"hypercall.channel_refused",
          on,
          "EVT-10",
          "a port is neither allocated nor bound",
          {error_parameter("enospc")},
          {},
          "evtchn_alloc_unbound|evtchn_bind_interdomain|evtchn_bind_virq"},
         make_effect<refused>},
        {{"hypercall.question_refused",
          on,
          "EVT-10",
          "the hypervisor says neither who is at the other end of a port nor which label it has",
          {error_parameter("einval")},
          {},
          "evtchn_get_status|xsm_peer_label"},
         make_effect<refused>},
        {{"hypercall.pending_cleared",
          on,
          "EVT-11 SEU-03",
          "what is pending for the target and was not looked at is forgotten, at once",
          {peer_parameter()},
          {},
          "",
          true},
         make_effect<pending_cleared>},
    };
}

}  // namespace vtwin::scenario
