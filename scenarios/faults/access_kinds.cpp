#include "scenarios/faults/access_kinds.h"

#include <algorithm>

#include "scenarios/faults/bit_choice.h"
#include "scenarios/faults/memory_tap.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;

/// Bits of what is loaded, or of what is stored.
class flipped final : public memory_effect {
  public:
    flipped(const fault& what, const hypervisor_view& where)
        : m_choice(fault_parameters(what)), m_chance(chance_of(what, where)) {}
    void act(memory_access& access) override { m_choice.flip(access.data, m_chance); }

  private:
    bit_choice m_choice;
    models::chance_stream m_chance;
};

/// As the machine would hold the number: little-endian in as many bytes as the access has.
class replaced final : public memory_effect {
  public:
    replaced(const fault& what, const hypervisor_view&) : m_value(fault_parameters(what).number("value")) {}
    void act(memory_access& access) override {
        auto rest = m_value;
        for (auto& octet : access.data) {
            octet = std::byte(rest & 0xFF);
            rest >>= 8;
        }
    }

  private:
    std::uint64_t m_value;
};

class store_lost final : public memory_effect {
  public:
    store_lost(const fault&, const hypervisor_view&) {}
    void act(memory_access& access) override { access.lost = true; }
};

class store_torn final : public memory_effect {
  public:
    store_torn(const fault& what, const hypervisor_view&) : m_bytes(fault_parameters(what).number("bytes")) {}
    void act(memory_access& access) override {
        access.stored = static_cast<std::size_t>(std::min<std::uint64_t>(access.stored, m_bytes));
    }

  private:
    std::uint64_t m_bytes;
};

/// The store stays in a buffer of the processor: others see what comes behind it first. It has no effect when
/// the domain is gone by then, or the page no longer where it was.
class store_late final : public memory_effect {
  public:
    store_late(const fault& what, const hypervisor_view& where)
        : m_where(where), m_delay(fault_parameters(what).duration("delay")) {}
    void act(memory_access& access) override {
        if (access.domain == nullptr || access.lost)
            return;
        access.lost = true;
        sc_core::sc_spawn([this, of = access.domain->domid(), at = access.at,
                           data = std::vector(access.data.begin(), access.data.end())] {
            sc_core::wait(m_delay);
            if (auto* const life = m_where.host().instance(of); life != nullptr && !life->dying)
                (void)life->space.write(at, data);
        });
    }

  private:
    const hypervisor_view& m_where;
    sc_core::sc_time m_delay;
};

class page_fault final : public memory_effect {
  public:
    page_fault(const fault&, const hypervisor_view&) {}
    void act(memory_access& access) override { access.faulted = true; }
};

constexpr std::string_view name_of(wire_class which, std::string_view in_memory, std::string_view in_ring) {
    return which == wire_class::ring ? in_ring : in_memory;
}

}  // namespace

std::vector<hypervisor_kind> access_kinds(wire_class which, const access_rows& rows) {
    const auto name = [which](std::string_view in_memory, std::string_view in_ring) {
        return name_of(which, in_memory, in_ring);
    };
    const std::vector<parameter_declaration> value = {
        {"value", type::number, "", "what is there instead, little-endian"}};
    return {
        {{name("memory.load_flipped", "ring.load_flipped"),
          which,
          rows.load_flipped,
          "a load gives flipped bits; memory itself stays as it is",
          bit_choice::parameters(),
          {},
          "load"},
         make_effect<flipped>},
        {{name("memory.load_replaced", "ring.load_replaced"),
          which,
          rows.load_replaced,
          "a load gives another value than memory holds; with nth = 2, what was checked is not what is used",
          value,
          {},
          "load"},
         make_effect<replaced>},
        {{name("memory.store_flipped", "ring.store_flipped"),
          which,
          rows.store_flipped,
          "bits flip on their way to memory",
          bit_choice::parameters(),
          {},
          "store"},
         make_effect<flipped>},
        {{name("memory.store_replaced", "ring.store_replaced"),
          which,
          rows.store_replaced,
          "another value is stored",
          value,
          {},
          "store"},
         make_effect<replaced>},
        {{name("memory.store_lost", "ring.store_lost"),
          which,
          rows.store_lost,
          "a store does not reach memory",
          {},
          {},
          "store"},
         make_effect<store_lost>},
        {{name("memory.store_torn", "ring.store_torn"),
          which,
          rows.store_torn,
          "only the first bytes of a store reach memory",
          {{"bytes", type::number, "", "that do", 0, xen::page_size}},
          {},
          "store"},
         make_effect<store_torn>},
        {{name("memory.store_late", "ring.store_late"),
          which,
          rows.store_late,
          "a store reaches memory later than those behind it",
          {{"delay", type::time, "", "how much later"}},
          {},
          "store"},
         make_effect<store_late>},
        {{name("memory.page_fault", "ring.page_fault"),
          which,
          rows.page_fault,
          "an access faults, as if nothing were mapped there; the domain's kernel has to die of it",
          {},
          {}},
         make_effect<page_fault>},
    };
}

}  // namespace vtwin::scenario
