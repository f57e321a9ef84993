// Faults on the page between a TPM frontend and its back end, and what a hostile or hasty end does to it.
#include <algorithm>
#include <array>

#include "models/drivers/tpmif_page.h"
#include "scenarios/faults/access_kinds.h"
#include "scenarios/faults/bit_choice.h"
#include "scenarios/faults/memory_tap.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;
using layout = models::tpmif_page;

/// A store that no software made. Not to a page that was let go meanwhile: it may be anybody's.
void store(const hypervisor_view& where, const ring_page& page, xen::domid_t as, std::size_t offset,
           std::span<const std::byte> data) {
    if (page.mappings > 0)
        where.host().memory().write(page.frame, as, offset, data);
}

class ring_bit_flip final : public fault_effect {
  public:
    ring_bit_flip(const fault& what, const hypervisor_view& where)
        : m_where(where),
          m_target(what.target),
          m_choice(fault_parameters(what)),
          m_chance(chance_of(what, where)) {}
    void begin() override {
        for (const auto& page : m_where.rings().met_by(m_target)) {
            std::array<std::byte, xen::page_size> content;
            m_where.host().memory().read(page->frame, 0, content);
            if (const auto hit = m_choice.flip(content, m_chance))
                store(m_where, *page, page->front_id, hit->first,
                      std::span(content).subspan(hit->first, hit->bytes));
        }
    }

  private:
    const hypervisor_view& m_where;
    std::string m_target;
    bit_choice m_choice;
    models::chance_stream m_chance;
};

class page_scrambled final : public fault_effect {
  public:
    page_scrambled(const fault& what, const hypervisor_view& where)
        : m_where(where), m_target(what.target), m_chance(chance_of(what, where)) {
        const fault_parameters given(what);
        m_from = given.number("from");
        m_bytes = given.number("bytes");
    }
    void begin() override {
        for (const auto& page : m_where.rings().met_by(m_target)) {
            std::array<std::byte, xen::page_size> content;
            const auto drawn = std::span(content).first(std::min(m_bytes, xen::page_size - m_from));
            m_chance.fill(drawn);
            store(m_where, *page, page->front_id, m_from, drawn);
        }
    }

  private:
    const hypervisor_view& m_where;
    std::string m_target;
    models::chance_stream m_chance;
    std::size_t m_from = 0, m_bytes = 0;
};

struct member {
    std::string_view name;
    std::size_t offset, bytes;
};
constexpr std::array<member, 4> members = {{{"length", layout::length_at, 4},
                                            {"state", layout::state_at, 1},
                                            {"locality", layout::locality_at, 1},
                                            {"extra_pages", layout::extra_pages_at, 1}}};

/// One end stores into a member out of turn, once or again and again.
class member_changed final : public fault_effect {
  public:
    member_changed(const fault& what, const hypervisor_view& where) : m_where(where), m_target(what.target) {
        const fault_parameters given(what);
        m_member = *std::ranges::find(members, given.word("member"), &member::name);
        m_value = given.number("value");
        m_times = given.number("times");
        m_interval = given.duration("interval");
        m_by_front = given.word("side") == "front";
    }
    void begin() override {
        m_over = false;
        store_all();
        if (m_times == 1)
            return;
        sc_core::sc_spawn([this] {
            for (std::uint64_t done = 1; done != m_times; ++done) {
                sc_core::wait(m_interval);
                if (m_over)
                    return;
                store_all();
            }
        });
    }
    void end() override { m_over = true; }

  private:
    void store_all() {
        std::array<std::byte, 4> octets;
        for (std::size_t i = 0; i < octets.size(); ++i)
            octets[i] = std::byte(m_value >> (8 * i) & 0xFF);
        for (const auto& page : m_where.rings().met_by(m_target))
            store(m_where, *page, m_by_front ? page->front_id : page->back_id, m_member.offset,
                  std::span(octets).first(m_member.bytes));
    }

    const hypervisor_view& m_where;
    std::string m_target;
    member m_member{};
    std::uint64_t m_value = 0, m_times = 1;
    sc_core::sc_time m_interval;
    bool m_by_front = true, m_over = false;
};

/// The end that made the access changes a byte of the packet behind it.
class data_changed final : public memory_effect {
  public:
    data_changed(const fault& what, const hypervisor_view& where) : m_where(where) {
        const fault_parameters given(what);
        m_offset = layout::header_size + given.number("byte");
        m_mask = std::byte(given.number("mask"));
        m_delay = given.duration("delay");
    }
    void act(memory_access& access) override {
        if (!access.ring.page)
            return;
        access.after.emplace_back([this, ring = access.ring] {
            if (m_delay == sc_core::SC_ZERO_TIME) {
                change(ring);
                return;
            }
            sc_core::sc_spawn([this, ring] {
                sc_core::wait(m_delay);
                change(ring);
            });
        });
    }

  private:
    void change(const ring_place& ring) const {
        if (ring.page->mappings == 0)
            return;
        std::array<std::byte, 1> octet;
        m_where.host().memory().read(ring.page->frame, m_offset, octet);
        octet[0] ^= m_mask;
        store(m_where, *ring.page, ring.front ? ring.page->front_id : ring.page->back_id, m_offset, octet);
    }

    const hypervisor_view& m_where;
    std::size_t m_offset = 0;
    std::byte m_mask{};
    sc_core::sc_time m_delay;
};

std::vector<parameter_declaration> member_parameters() {
    return {
        {"member", type::choice, "", "which", 0, UINT64_MAX, {"length", "state", "locality", "extra_pages"}},
        {"value", type::number, "", "what is stored; its low byte in members of one byte", 0, UINT32_MAX},
        {"side", type::choice, "front", "whose store it is", 0, UINT64_MAX, {"front", "back"}},
        {"times", type::number, "1", "how often; 0: until the fault ends"},
        {"interval", type::time, "1 us", "between two stores", 1},
    };
}

}  // namespace

std::vector<hypervisor_kind> ring_table() {
    auto all = access_kinds(wire_class::ring, {.load_flipped = "SHP-09",
                                               .load_replaced = "SHP-01 SHP-02 SHP-03 SHP-04 SHP-05",
                                               .store_flipped = "SHP-09",
                                               .store_replaced = "SHP-02 SHP-03 SHP-04 SHP-05",
                                               .store_lost = "SHP-08",
                                               .store_torn = "SHP-08",
                                               .store_late = "SHP-08",
                                               .page_fault = "GNT-01"});
    all.push_back({{"ring.bit_flip",
                    wire_class::ring,
                    "SHP-09",
                    "bits of the shared page flip, at once",
                    bit_choice::parameters(),
                    {},
                    "",
                    true},
                   make_effect<ring_bit_flip>});
    all.push_back({{"ring.page_scrambled",
                    wire_class::ring,
                    "SHP-02 SHP-03 SHP-04 SHP-05 SHP-09",
                    "a part of the shared page is overwritten with drawn bytes, at once",
                    {{"from", type::number, "0", "first byte", 0, xen::page_size - 1},
                     {"bytes", type::number, "4096", "how many", 1, xen::page_size}},
                    {},
                    "",
                    true},
                   make_effect<page_scrambled>});
    all.push_back({{"ring.member_changed",
                    wire_class::ring,
                    "SHP-02 SHP-03 SHP-04 SHP-05",
                    "one end stores into the header out of turn, at once; with `times` a storm",
                    member_parameters(),
                    {},
                    "",
                    true},
                   make_effect<member_changed>});
    all.push_back(
        {{"ring.data_changed",
          wire_class::ring,
          "SHP-06 SHP-07",
          "behind its store, an end changes a byte of the packet: where = {member=\"state\", value=1} "
          "for a command that changes after SUBMIT, value=2 for an answer after FINISH",
          {{"byte", type::number, "", "of the packet", 0, xen::page_size - layout::header_size - 1},
           {"mask", type::number, "0xff", "bits that flip", 1, 255},
           {"delay", type::time, "0 ns", "behind the store"}},
          {},
          "store"},
         make_effect<data_changed>});
    return all;
}

}  // namespace vtwin::scenario
