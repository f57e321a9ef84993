#include "scenarios/oracles/witness.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <tlm>

#include "hypervisor/domain_instance.h"
#include "scenarios/oracles/chronicle.h"
#include "scenarios/oracles/machine_facts.h"
#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/ring_eyes.h"

namespace vtwin::scenario {
namespace {

template <typename T>
class subscriber final : public tlm::tlm_analysis_if<T> {
  public:
    explicit subscriber(std::function<void(const T&)> hear) : m_hear(std::move(hear)) {}
    void write(const T& what) override { m_hear(what); }

  private:
    std::function<void(const T&)> m_hear;
};

using level = models::stubdom_services_if::level;

}  // namespace

class witness::eyes final : private ring_eyes::listener {
  public:
    eyes(models::platform& machine, const models::run_config& config, wire_hub* hub)
        : m_machine(machine),
          m_hub(hub),
          m_scene(scene_of(config)),
          m_verifier(config.verifier),
          m_chronicle(m_scene),
          m_rings(machine.hypervisor().memory(), *this,
                  [this](xen::domid_t id) -> const std::string& { return name_of(id); }) {
        m_oracles.add_all(m_scene);
        watch_hypervisor();
        watch_services();
        watch_chip();
        watch_engines();
        watch_linux();
        watch_faults();
    }
    ~eyes() override { blind(); }

    oracle_limits& limits() { return m_scene.limits; }
    std::uint64_t events() const { return m_events; }
    run_record finish(const models::platform::outcome& outcome);

  private:
    // ---- everything that is seen goes through here
    template <typename Event>
    void tell(const Event& what) {
        step();
        m_chronicle.hear(what);
        m_oracles.tell(what);
    }
    void step();
    void give_up(std::string_view where, std::uint64_t steps);

    void ring(const seen::ring_page& what) override { tell(what); }
    void ring(const seen::page_state& what) override { tell(what); }
    void ring(const seen::foreign_store& what) override { tell(what); }
    void ring(const seen::submission& what) override { tell(what); }
    void ring(const seen::answer& what) override { tell(what); }

    // ---- where it comes from
    void watch_hypervisor();
    void watch_services();
    void watch_chip();
    void watch_engines();
    void watch_linux();
    void watch_faults();
    void blind();

    void grant(const xen::grant_map_change& what);
    bool entry_permits(const xen::grant_map_change& what) const;
    void event(const xen::evtchn_pending_change& what);
    void store(const xen::xenstore_message& what);
    void stopped(xen::domain& which, xen::shutdown_reason reason);
    void bus(const tpm::lpc_cycle& what);
    void line(const models::timeline_entry& what);
    void appraisals();
    const std::string& name_of(xen::domid_t id);

    template <typename T, typename Port>
    void subscribe(Port& port, std::function<void(const T&)> hear) {
        auto made = std::make_shared<subscriber<T>>(std::move(hear));
        port.bind(*made);
        m_unbind.push_back([&port, made] { port.unbind(*made); });
    }

    /// One per TPM engine.
    class engine_eyes final : public tpm::engine_observer_if {
      public:
        engine_eyes(eyes& owner, tpm::libtpms_engine& engine, std::string name)
            : m_owner(owner), m_engine(engine), m_name(std::move(name)) {
            engine.observe(this);
        }
        void close() { m_engine.observe(nullptr); }
        const std::string& name() const { return m_name; }
        tpm::libtpms_engine& engine() { return m_engine; }

        void executed(tpm::byte_view command, std::uint8_t locality, tpm::byte_view response) override {
            m_owner.tell(seen::execution{sc_core::sc_time_stamp(), m_name, command, locality, response});
        }
        void power_changed(power what) override {
            m_owner.tell(
                seen::tpm_power{sc_core::sc_time_stamp(), m_name, static_cast<seen::tpm_power::what>(what)});
        }
        void launched() override { m_owner.tell(seen::launch{sc_core::sc_time_stamp(), m_name}); }
        /// A save reads the permanent part, then the volatile one.
        void state_taken(tpm::state_kind kind, tpm::byte_view state) override {
            if (kind == tpm::state_kind::permanent)
                m_permanent = digest_of(state);
            else if (kind == tpm::state_kind::volatile_state)
                m_owner.tell(seen::state_taken{sc_core::sc_time_stamp(), m_name, m_permanent});
        }
        void state_given(tpm::state_kind kind, tpm::byte_view state, bool accepted) override {
            if (kind == tpm::state_kind::permanent)
                m_owner.tell(seen::state_given{sc_core::sc_time_stamp(), m_name, digest_of(state), accepted});
        }

      private:
        eyes& m_owner;
        tpm::libtpms_engine& m_engine;
        std::string m_name;
        std::uint64_t m_permanent = 0;
    };

    models::platform& m_machine;
    wire_hub* m_hub;
    scene m_scene;
    const models::verifier_config& m_verifier;
    chronicle m_chronicle;
    oracle_set m_oracles;
    ring_eyes m_rings;
    std::deque<engine_eyes> m_engines;
    std::vector<std::function<void()>> m_unbind;
    std::shared_ptr<bool> m_open = std::make_shared<bool>(true);  ///< false: callbacks find nobody
    std::vector<std::string> m_names;                             ///< by domid; ids are never used again
    std::map<std::string, sc_core::sc_time> m_asked;
    std::size_t m_appraised = 0;
    sc_core::sc_time m_last_fault_over;

    // progress
    std::uint64_t m_events = 0, m_here = 0, m_polls = 0;
    sc_core::sc_time m_now;
    bool m_stopping = false;
};

// ---- what stands on which port

void witness::eyes::watch_hypervisor() {
    auto& hypervisor = m_machine.hypervisor();
    subscribe<xen::grant_map_change>(hypervisor.grants, [this](const auto& what) { grant(what); });
    subscribe<xen::evtchn_pending_change>(hypervisor.pending, [this](const auto& what) { event(what); });
    hypervisor.on_stopped([this, open = m_open](xen::domain& which, xen::shutdown_reason reason) {
        if (*open)
            stopped(which, reason);
    });
}

void witness::eyes::watch_services() {
    subscribe<xen::xenstore_message>(m_machine.store().messages, [this](const auto& what) { store(what); });
    subscribe<xen::block_request_done>(
        m_machine.block_backend().request_done, [this](const xen::block_request_done& what) {
            tell(seen::disk_done{what.completed, what.submitted, name_of(what.dom), what.write, what.flush,
                                 what.sector, what.sectors, what.status});
        });
    m_machine.on_line = [this](const models::timeline_entry& what) { line(what); };
}

void witness::eyes::watch_chip() {
    auto& tis = m_machine.hardware().tis();
    subscribe<tpm::tis_state>(tis.states, [this](const auto& what) {
        m_polls = 0;
        tell(what);
    });
    subscribe<tpm::chip_command>(tis.commands, [this](const auto& what) { tell(what); });
    subscribe<tpm::lpc_cycle>(m_machine.hardware().bus().cycles, [this](const auto& what) { bus(what); });
}

void witness::eyes::watch_engines() {
    m_engines.emplace_back(*this, m_machine.hardware().engine(), "tpm");
    for (const auto& each : m_machine.vtpms())
        m_engines.emplace_back(*this, each->engine(), each->config().name);
}

void witness::eyes::watch_linux() {
    std::map<const models::linux_domain*, std::string> names{{&m_machine.dom0(), "dom0"}};
    for (const auto& guest : m_machine.guests()) {
        names[guest.get()] = guest->config().name;
        guest->on_outcome = [this, open = m_open,
                             before = guest->on_outcome](models::attestation_outcome what) {
            if (!*open)
                return;
            appraisals();
            std::string detail = what.problem;
            if (what.completed)
                for (const auto& reason : what.result.reasons)
                    if (!reason.passed)
                        detail += (detail.empty() ? "" : " ") + reason.check;
            m_chronicle.attested(what.guest, what.completed, what.result.trusted, detail);
            before(std::move(what));
        };
    }
    for (auto* domain : m_machine.linux_domains())
        domain->on_answer([this, name = names.at(domain)](models::linux_tpm_chip::answer_seen what) {
            const auto now = sc_core::sc_time_stamp();
            if (!what.done) {
                tell(seen::guest_asks{now, name, code_of(what.command)});
                return;
            }
            tell(seen::guest_command{now, what.asked, name, what.command, what.result, what.response});
        });
}

void witness::eyes::watch_faults() {
    if (m_hub == nullptr)
        return;
    m_hub->on_change = [this, before = m_hub->on_change](const armed_fault& which, bool begun) {
        before(which, begun);
        const auto now = sc_core::sc_time_stamp();
        m_last_fault_over = now;
        m_chronicle.say(
            now, which.what().target,
            "fault " + which.what().name + " (" + which.what().kind + ") " + (begun ? "begins" : "is over"));
    };
}

/// Nobody listens any more when the machine lets go of what it has.
void witness::eyes::blind() {
    *m_open = false;
    for (const auto& unbind : m_unbind)
        unbind();
    m_unbind.clear();
    for (auto& each : m_engines)
        each.close();
    m_machine.on_line = [](const models::timeline_entry&) {};
}

// ---- from what the ports show to what the oracles hear

const std::string& witness::eyes::name_of(xen::domid_t id) {
    const std::size_t index = xen::to_underlying(id);
    if (index >= m_names.size())
        m_names.resize(index + 1);
    auto& name = m_names[index];
    if (name.empty())
        name = m_machine.name_of(id);
    return name;
}

/// The shared entry, version 1: flags u16, domid u16, frame u32, little endian.
bool witness::eyes::entry_permits(const xen::grant_map_change& what) const {
    constexpr std::size_t entry = 8, per_frame = xen::page_size / entry;
    constexpr unsigned type_mask = 3, permit_access = 1, reading = 8;
    auto* granter = m_machine.hypervisor().instance(what.granter);
    const auto ref = static_cast<std::size_t>(xen::to_underlying(what.ref));
    if (granter == nullptr || ref / per_frame >= granter->grants.nr_frames())
        return false;
    const auto frame = granter->grants.frame(static_cast<std::uint32_t>(ref / per_frame));
    const auto* octets = m_machine.hypervisor().memory().page(frame) + ref % per_frame * entry;
    const auto word = [&](std::size_t at) {
        return std::to_integer<unsigned>(octets[at]) | std::to_integer<unsigned>(octets[at + 1]) << 8;
    };
    return (word(0) & type_mask) == permit_access && (word(0) & reading) != 0 &&
           word(2) == xen::to_underlying(what.mapper);
}

void witness::eyes::grant(const xen::grant_map_change& what) {
    const auto& mapper = name_of(what.mapper);
    const bool ring = m_scene.is_backend(mapper);
    if (ring && !what.mapped)
        m_rings.unmapped(what);
    tell(
        seen::grant_mapping{sc_core::sc_time_stamp(), mapper, name_of(what.granter),
                            xen::to_underlying(what.ref), xen::to_underlying(what.frame), what.mapped,
                            !what.mapped || m_machine.hypervisor().memory().owner(what.frame) == what.granter,
                            !what.mapped || entry_permits(what)});
    if (ring && what.mapped)
        m_rings.mapped(what);
}

void witness::eyes::event(const xen::evtchn_pending_change& what) {
    auto* life = m_machine.hypervisor().instance(what.dom);
    const bool open = life != nullptr && life->events.in_use(what.port) != nullptr;
    tell(seen::event_bit{sc_core::sc_time_stamp(), name_of(what.dom), xen::to_underlying(what.port),
                         what.pending, open});
}

void witness::eyes::store(const xen::xenstore_message& what) {
    const bool guest = what.domid != xen::dom0;
    tell(seen::store_message{what.time, what.connection, guest ? name_of(what.domid) : std::string_view{},
                             xen::to_underlying(what.domid), what.out, static_cast<std::uint32_t>(what.type),
                             what.req_id, what.tx_id, what.payload});
    if (what.out || what.type != xen::xs_op::introduce)
        return;
    std::uint16_t id = 0;  // the toolstack has built a domain
    std::from_chars(what.payload.data(), what.payload.data() + what.payload.size(), id);
    tell(seen::domain_life{what.time, name_of(xen::domid_t{id}), seen::domain_life::what::created});
}

void witness::eyes::stopped(xen::domain& which, xen::shutdown_reason reason) {
    using what = seen::domain_life::what;
    constexpr std::string_view prefix = "domain_";
    std::string_view name = which.basename();
    if (name.starts_with(prefix))
        name.remove_prefix(prefix.size());
    const auto now = reason == xen::shutdown_reason::destroyed ? what::destroyed
                     : reason == xen::shutdown_reason::crash   ? what::crashed
                                                               : what::shut_down;
    const auto* life = which.life();
    tell(seen::domain_life{sc_core::sc_time_stamp(), name, now,
                           now == what::destroyed && life != nullptr ? life->maps.live() : 0});
}

void witness::eyes::bus(const tpm::lpc_cycle& what) {
    if (++m_polls > m_scene.limits.polls_without_change)
        give_up(m_scene.manager, m_polls);
    m_oracles.tell(what);
}

void witness::eyes::line(const models::timeline_entry& what) {
    if (what.severity != level::debug)
        tell(seen::log_line{what.at, what.domain, what.text, what.severity == level::warning,
                            what.severity == level::error});
}

void witness::eyes::appraisals() {
    const auto& all = m_machine.parties().assessments();
    for (; m_appraised < all.size(); ++m_appraised) {
        const auto& [shown, verdict] = all[m_appraised];
        tell(seen::appraisal{sc_core::sc_time_stamp(), verdict.guest, verdict.trusted, shown.nonce,
                             m_verifier.vtpm_pcr_mask, m_verifier.hardware_pcr_mask, shown.vtpm_pcrs,
                             shown.deep_quote});
    }
}

// ---- progress

void witness::eyes::step() {
    ++m_events;
    const auto& now = sc_core::sc_time_stamp();
    if (now != m_now) {
        m_now = now;
        m_here = 0;
    } else if (++m_here > m_scene.limits.steps_without_time) {
        give_up("machine", m_here);
    }
}

/// Once the simulation is asked to stop; who does not come back to it is thrown out of it.
void witness::eyes::give_up(std::string_view where, std::uint64_t steps) {
    if (!m_stopping) {
        m_stopping = true;
        m_oracles.tell(seen::no_progress{sc_core::sc_time_stamp(), where, steps});
        sc_core::sc_stop();
    } else if (steps > 2 * std::min(m_scene.limits.steps_without_time, m_scene.limits.polls_without_change)) {
        throw no_progress_error();
    }
}

run_record witness::eyes::finish(const models::platform::outcome& outcome) {
    m_here = 0;  // what follows is no step of the machine
    appraisals();
    blind();
    const auto now = sc_core::sc_time_stamp();
    const bool finished = outcome.finished && !m_stopping;
    tell(seen::run_end{now, finished, m_last_fault_over});
    run_record record;
    record.finished = finished;
    record.problem = m_stopping ? "no progress" : outcome.problem;
    record.end = now;
    if (m_hub != nullptr)
        record.faults_begun = static_cast<std::uint64_t>(
            std::ranges::count_if(m_hub->faults(), [](const auto& each) { return each->begun(); }));
    record.facts = m_chronicle.facts();
    for (auto& each : m_engines)
        record.facts[each.name() + ".pcrs"] = pcrs_of(each.engine());
    record.facts["run.finished"] = finished ? "yes" : record.problem;
    record.results = chronicle::results_of(record.facts);
    record.exact = m_chronicle.exact();
    record.violations = m_oracles.violations();
    std::ranges::stable_sort(record.violations, {}, &violation::at);
    record.history = std::move(m_chronicle.history());
    return record;
}

// ---- the outside

witness::witness(models::platform& machine, const models::run_config& config, wire_hub* hub)
    : m_eyes(std::make_unique<eyes>(machine, config, hub)) {}
witness::~witness() = default;

oracle_limits& witness::limits() {
    return m_eyes->limits();
}
std::uint64_t witness::events() const {
    return m_eyes->events();
}
run_record witness::finish(const models::platform::outcome& outcome) {
    return m_eyes->finish(outcome);
}

}  // namespace vtwin::scenario
