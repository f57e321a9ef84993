// The wires of a machine by name, their crossings by number, and the faults that wait on them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

#include "models/chance.h"
#include "scenarios/faults/crossing.h"
#include "scenarios/faults/fault.h"

namespace vtwin::scenario {

/// What kind of thing passes a wire; a kind of fault belongs to one of them.
enum class wire_class : std::uint8_t {
    chip,       ///< "tpm.chip": commands of the hardware TPM and their answers
    chip_nv,    ///< "tpm.nv": what the chip keeps without power
    disk,       ///< "<domain>.disk"
    domain,     ///< "<domain>": its life; no crossings
    entropy,    ///< "<consumer>.entropy"
    hypercall,  ///< "<domain>.hypercall": grants and event channels
    machine,    ///< "machine": power, clock; no crossings
    memory,     ///< "<domain>.memory": loads and stores
    ring,       ///< "<frontend domain>.ring": loads and stores in its tpmif page, from both ends
    tis,        ///< "<domain>.tis": register accesses of a domain with I/O memory
    vcpu,       ///< "<domain>.vcpu"
    xenstore,   ///< "<domain>.xenstore": requests, replies and watch events of a connection
    count_
};
std::string_view text_of(wire_class which);

/// The part of a kind that does something. One object per fault; the classes derived from it, one per class
/// of wire, say what it is given (scenarios/faults/effects.h).
class fault_effect {
  public:
    virtual ~fault_effect() = default;
    /// The fault begins, before the crossing that it begins with.
    virtual void begin() {}
    /// Its duration has passed. A fault that ends because its count is used up just stops acting.
    virtual void end() {}
};

class wire_hub;
/// Faults with the same wires and conditions count the same crossings.
struct fault_group;

/// A fault in a running simulation.
class armed_fault {
  public:
    /// `seed` is the run's; the fault draws from a stream of its own.
    armed_fault(fault what, std::uint64_t seed);
    const fault& what() const { return m_what; }
    fault_effect& effect() { return *m_effect; }
    bool begun() const { return m_begun; }
    bool over() const { return m_over; }
    std::uint64_t acted() const { return m_acted; }  ///< crossings that it was applied to
    const sc_core::sc_time& began_at() const { return m_began_at; }

  private:
    friend class wire_hub;
    friend class wire;
    fault m_what;
    std::unique_ptr<fault_effect> m_effect;
    std::uint64_t m_seed;
    fault_group* m_group = nullptr;                 ///< where it waits; none when it waits for a time alone
    std::optional<models::chance_stream> m_chance;  ///< made when it is first drawn from
    bool m_begun = false, m_over = false;
    std::uint64_t m_acted = 0;
    sc_core::sc_time m_began_at;
};

/// One wire. `cross` costs an increment while no fault waits on it.
class wire {
  public:
    wire(wire_hub& hub, std::string name, wire_class which)
        : m_hub(hub), m_name(std::move(name)), m_class(which) {}
    const std::string& name() const { return m_name; }
    wire_class kind() const { return m_class; }
    std::uint64_t crossings() const { return m_crossings; }

    /// Numbers a crossing. Gives the effects that act on it, in order of their faults; valid until the next
    /// call on any wire.
    std::span<fault_effect* const> cross(const crossing& what);
    /// True when somebody wants to see crossings: fields that are dear to make may be left out otherwise.
    bool watched() const { return !m_groups.empty(); }

  private:
    friend class wire_hub;
    wire_hub& m_hub;
    std::string m_name;
    wire_class m_class;
    std::uint64_t m_crossings = 0;
    std::vector<fault_group*> m_groups;
    std::vector<fault_effect*> m_acting;
};

/// All wires of one simulation. Made before the platform; wires appear while it is put together.
class wire_hub {
  public:
    /// `patterns`: wires that are to be there; others are bound directly and not counted.
    explicit wire_hub(std::vector<std::string> patterns);
    ~wire_hub();

    bool wanted(std::string_view name) const;
    /// True when some name with this ending may be wanted.
    bool may_want_ending(std::string_view ending) const;
    /// The wire of that name, made at the first call.
    wire& add(const std::string& name, wire_class which);
    wire* find(std::string_view name) const;
    const std::map<std::string, std::unique_ptr<wire>, std::less<>>& wires() const { return m_wires; }

    /// What the run is doing now, in one word ("firmware", "manager", "provisioning", "guest1", ...): field
    /// `stage` of every crossing.
    const std::string& stage() const { return m_stage; }
    void set_stage(std::string name) { m_stage = std::move(name); }

    /// Arms a fault; after elaboration or during it, once all wires exist. The effect may be null for a
    /// rehearsal.
    armed_fault& arm(fault what, std::unique_ptr<fault_effect> effect, std::uint64_t seed);
    void disarm(armed_fault& which);
    /// From now on only these wait, each with its effect; the others are as if they had never been there.
    /// Counts go on. Touches little memory: meant for the copy of a world that one of them was rehearsed in.
    struct live_fault {
        armed_fault* which = nullptr;
        std::unique_ptr<fault_effect> effect;
    };
    void keep_only(std::vector<live_fault> live);
    /// Crossings so far that met the conditions of a fault; 0 for one that waits for a time alone.
    std::uint64_t occurrences(const armed_fault& which) const;
    const std::vector<std::unique_ptr<armed_fault>>& faults() const { return m_faults; }

    /// Asked when a fault would begin, before its effect does; false: it does not, and is over. For
    /// rehearsals and for branching off a copy of the world.
    std::function<bool(armed_fault&)> may_begin = [](armed_fault&) { return true; };
    /// Told when a fault has begun and when it is over.
    std::function<void(const armed_fault&, bool begun)> on_change = [](const armed_fault&, bool) {};

    /// Crossings of all wires so far.
    std::uint64_t position() const { return m_position; }

  private:
    friend class wire;
    bool draw(armed_fault& candidate) const;
    bool begin(armed_fault& candidate);
    void finish(armed_fault& which);
    void act(armed_fault& which, wire& on);
    void wait_for(armed_fault& which);
    void keep_time();
    void cross(wire& on, const crossing& what);
    void count_in(fault_group& group, wire& on);
    fault_group& group_of(const fault& what);
    fault_group& add_group(const fault& what);

    std::vector<std::string> m_patterns;
    std::map<std::string, std::unique_ptr<wire>, std::less<>> m_wires;
    std::vector<std::unique_ptr<armed_fault>> m_faults;
    std::vector<std::unique_ptr<fault_group>> m_groups;
    /// What waited on each wire before each keep_only, for the crossing that it happened in.
    std::deque<std::map<const wire*, std::vector<fault_group*>>> m_retired;
    std::multimap<sc_core::sc_time, armed_fault*> m_timed;
    std::unique_ptr<sc_core::sc_event> m_timed_changed;  ///< absent until a fault waits for a time
    std::string m_stage = "off";
    std::uint64_t m_position = 0;
};

}  // namespace vtwin::scenario
