// Faults on a domain's memory: what a particle or a bad cell does, at once or to a single access.
#include <algorithm>
#include <array>

#include "scenarios/faults/access_kinds.h"
#include "scenarios/faults/bit_choice.h"
#include "scenarios/faults/memory_tap.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;

/// Every target loses the content of one of its own pages, in whole or in part, when the fault begins. Only
/// pages that the domain has touched can be hit: the others are nowhere yet.
class page_effect : public fault_effect {
  public:
    page_effect(const fault& what, const hypervisor_view& where)
        : m_where(where),
          m_target(what.target),
          m_chance(chance_of(what, where)),
          m_first(fault_parameters(what).number("page")),
          m_pages(fault_parameters(what).number("pages")) {}

    void begin() override {
        for (auto* const each : m_where.targets(m_target, ".memory"))
            if (each->life() != nullptr)
                hit(*each->life());
    }

  protected:
    using page_content = std::array<std::byte, xen::page_size>;
    /// Changes the content; gives the bytes that have to be written back.
    virtual bit_choice::hit change(page_content& content, models::chance_stream& chance) = 0;

  private:
    void hit(xen::domain_instance& life) {
        std::vector<xen::mfn_t> touched;
        const auto end = std::min<std::uint64_t>(
            life.space.nr_pages(), m_pages > UINT64_MAX - m_first ? UINT64_MAX : m_first + m_pages);
        for (auto page = m_first; page < end; ++page)
            if (const auto frame = life.space.frame_at(xen::address_of(xen::gfn_t{page})))
                touched.push_back(*frame);
        if (touched.empty())
            return;
        const auto frame = touched[m_chance.below(touched.size())];
        auto& memory = m_where.host().memory();
        page_content content;
        memory.read(frame, 0, content);
        const auto changed = change(content, m_chance);
        // Not by way of the page's bytes: whoever watches the frame has to see them as they are now.
        memory.write(frame, life.domid, changed.first,
                     std::span(content).subspan(changed.first, changed.bytes));
    }

    const hypervisor_view& m_where;
    std::string m_target;
    models::chance_stream m_chance;
    std::uint64_t m_first, m_pages;
};

class page_bit_flip final : public page_effect {
  public:
    page_bit_flip(const fault& what, const hypervisor_view& where)
        : page_effect(what, where), m_choice(fault_parameters(what)) {}

  private:
    bit_choice::hit change(page_content& content, models::chance_stream& chance) override {
        return m_choice.flip(content, chance).value_or(bit_choice::hit{});
    }
    bit_choice m_choice;
};

class page_wiped final : public page_effect {
  public:
    page_wiped(const fault& what, const hypervisor_view& where)
        : page_effect(what, where),
          m_octet(static_cast<std::uint8_t>(fault_parameters(what).number("value"))) {}

  private:
    bit_choice::hit change(page_content& content, models::chance_stream&) override {
        content.fill(std::byte{m_octet});
        return {0, content.size()};
    }
    std::uint8_t m_octet;
};

class exchange_lost final : public memory_effect {
  public:
    exchange_lost(const fault&, const hypervisor_view&) {}
    void act(memory_access& access) override { access.lost = true; }
};

std::vector<parameter_declaration> page_parameters(std::vector<parameter_declaration> more) {
    more.insert(more.begin(), {{"page", type::number, "0", "first page of the domain that may be hit"},
                               {"pages", type::number, "0xffffffff",
                                "how many pages from there on; one that was ever touched is drawn", 1}});
    return more;
}

}  // namespace

std::vector<hypervisor_kind> memory_table() {
    auto all = access_kinds(wire_class::memory, {.load_flipped = "SEU-01",
                                                 .load_replaced = "SEU-02",
                                                 .store_flipped = "SEU-06",
                                                 .store_replaced = "SEU-06",
                                                 .store_lost = "SEU-02",
                                                 .store_torn = "SEU-02",
                                                 .store_late = "SHP-08",
                                                 .page_fault = "SEU-03"});
    all.push_back({{"memory.bit_flip",
                    wire_class::memory,
                    "SEU-01 SEU-02",
                    "bits of a page flip, at once and for good",
                    page_parameters(bit_choice::parameters()),
                    {},
                    "",
                    true},
                   make_effect<page_bit_flip>});
    all.push_back({{"memory.page_wiped",
                    wire_class::memory,
                    "SEU-02",
                    "a page is filled with one value, at once and for good",
                    page_parameters({{"value", type::number, "0", "of every byte", 0, 255}}),
                    {},
                    "",
                    true},
                   make_effect<page_wiped>});
    all.push_back({{"memory.exchange_lost",
                    wire_class::memory,
                    "GNT-01 GNT-11",
                    "a locked exchange does not take place and looks as if it had: a grant stays open",
                    {},
                    {},
                    "exchange"},
                   make_effect<exchange_lost>});
    return all;
}

}  // namespace vtwin::scenario
