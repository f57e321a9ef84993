// Faults on grant operations: what a mapper gets that it did not ask for.
#include <algorithm>
#include <array>

#include "hypervisor/bytes.h"
#include "hypervisor/grant/grant_broker.h"
#include "scenarios/faults/hypercall_tap.h"
#include "scenarios/faults/hypervisor_kinds.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;

struct status_name {
    std::string_view name;
    xen::gntst status;
};
/// "positive": what XSA-316 gave.
constexpr std::array<status_name, 14> statuses = {{
    {"general_error", xen::gntst::general_error},
    {"bad_domain", xen::gntst::bad_domain},
    {"bad_gntref", xen::gntst::bad_gntref},
    {"bad_handle", xen::gntst::bad_handle},
    {"bad_virt_addr", xen::gntst::bad_virt_addr},
    {"bad_dev_addr", xen::gntst::bad_dev_addr},
    {"no_device_space", xen::gntst::no_device_space},
    {"permission_denied", xen::gntst::permission_denied},
    {"bad_page", xen::gntst::bad_page},
    {"bad_copy_arg", xen::gntst::bad_copy_arg},
    {"address_too_big", xen::gntst::address_too_big},
    {"eagain", xen::gntst::eagain},
    {"no_space", xen::gntst::no_space},
    {"positive", xen::gntst{1}},
}};

/// The operation is not done; its status says that it failed, or that it succeeded.
class status_instead final : public hypercall_effect {
  public:
    status_instead(const fault& what, const hypervisor_view&) {
        const auto& name = fault_parameters(what).word("status");
        const auto found = std::ranges::find(statuses, name, &status_name::name);
        m_untouched = name == "untouched";
        m_status = found != statuses.end() ? found->status : xen::gntst::okay;
    }
    void act(hypercall_access& access) override {
        const bool per_entry = access.map != nullptr || access.unmap != nullptr || access.copy != nullptr;
        access.skip(per_entry ? 0 : static_cast<int>(m_status));
        if (m_untouched)
            return;
        if (access.map != nullptr)
            access.map->status = m_status;
        if (access.unmap != nullptr)
            access.unmap->status = m_status;
        if (access.copy != nullptr)
            access.copy->status = m_status;
    }

  private:
    xen::gntst m_status = xen::gntst::okay;
    bool m_untouched = false;
};

class unmap_skipped final : public hypercall_effect {
  public:
    unmap_skipped(const fault&, const hypervisor_view&) {}
    void act(hypercall_access& access) override {
        access.skip(0);
        if (access.unmap != nullptr)
            access.unmap->status = xen::gntst::okay;
    }
};

/// Word of a grant table that names the frame of an entry.
struct frame_word {
    xen::mfn_t table;
    std::size_t offset;
};
std::optional<frame_word> frame_word_of(const hypervisor_view& where, xen::domid_t granter,
                                        xen::grant_ref ref) {
    constexpr std::size_t frame_at = 4;  // public/grant_table.h, version 1: flags u16, domid u16, frame u32
    const auto* const life = where.host().instance(granter);
    const auto index = xen::to_underlying(ref);
    if (life == nullptr || index >= life->grants.entries())
        return std::nullopt;
    return frame_word{life->grants.frame(index / xen::grants_per_frame),
                      index % xen::grants_per_frame * xen::grant_entry_size + frame_at};
}

/// The hypervisor reads another frame from the entry than stands there; the granter's table is the same
/// afterwards. Done at the moment of the mapping, not over the time that the call takes.
class wrong_frame final : public hypercall_effect {
  public:
    wrong_frame(const fault& what, const hypervisor_view&)
        : m_pages(fault_parameters(what).number("pages")) {}
    void act(hypercall_access& access) override {
        if (access.map == nullptr || access.skipped)
            return;
        access.skip(0);
        access.after.emplace_back([pages = m_pages](hypercall_access& made) { map(made, pages); });
    }

  private:
    static void map(hypercall_access& made, std::uint64_t pages) {
        auto* const life = made.caller.life();
        if (life == nullptr)
            return;
        auto& host = made.where.host();
        const auto word = frame_word_of(made.where, made.map->dom, made.map->ref);
        auto* const at = word ? host.memory().page(word->table) + word->offset : nullptr;
        const auto right = word ? xen::load_le<std::uint32_t>(at) : 0;
        if (word)
            xen::store_le<std::uint32_t>(at, static_cast<std::uint32_t>(right + pages));
        host.grant_operations().map(*life, *made.map);
        if (word)
            xen::store_le<std::uint32_t>(at, right);
    }

    std::uint64_t m_pages;
};

class other_reference final : public hypercall_effect {
  public:
    other_reference(const fault& what, const hypervisor_view&)
        : m_ref(fault_parameters(what).number("ref")) {}
    void act(hypercall_access& access) override {
        if (access.map == nullptr)
            return;
        access.after.emplace_back(
            [asked = access.map->ref](hypercall_access& made) { made.map->ref = asked; });
        access.map->ref = xen::grant_ref{static_cast<std::uint32_t>(m_ref)};
    }

  private:
    std::uint64_t m_ref;
};

class rights_changed final : public hypercall_effect {
  public:
    rights_changed(const fault& what, const hypervisor_view&)
        : m_read_only(fault_parameters(what).word("access") == "read_only") {}
    void act(hypercall_access& access) override {
        if (access.map == nullptr)
            return;
        access.after.emplace_back(
            [asked = access.map->flags](hypercall_access& made) { made.map->flags = asked; });
        constexpr auto flag = xen::gnttab_map_grant_ref::read_only;
        access.map->flags = m_read_only ? access.map->flags | flag : access.map->flags & ~flag;
    }

  private:
    bool m_read_only;
};

class copy_shortened final : public hypercall_effect {
  public:
    copy_shortened(const fault& what, const hypervisor_view&)
        : m_bytes(fault_parameters(what).number("bytes")) {}
    void act(hypercall_access& access) override {
        if (access.copy == nullptr)
            return;
        access.after.emplace_back(
            [asked = access.copy->len](hypercall_access& made) { made.copy->len = asked; });
        access.copy->len = static_cast<std::uint16_t>(std::min<std::uint64_t>(access.copy->len, m_bytes));
    }

  private:
    std::uint64_t m_bytes;
};

/// The target takes back what it granted to a peer, whether that still uses it or not.
class grant_revoked final : public fault_effect {
  public:
    grant_revoked(const fault& what, const hypervisor_view& where)
        : m_where(where), m_target(what.target), m_peer(fault_parameters(what).word("peer")) {}
    void begin() override {
        for (auto* const each : m_where.targets(m_target, ".hypercall"))
            if (each->life() != nullptr)
                revoke(*each->life());
    }

  private:
    void revoke(xen::domain_instance& life) {
        for (std::uint32_t i = xen::reserved_grants; i < life.grants.entries(); ++i) {
            const xen::grant_ref ref{i};
            const auto word = *frame_word_of(m_where, life.domid, ref);
            const auto* const entry = m_where.host().memory().page(word.table) + word.offset - 4;
            const xen::domid_t allowed{xen::load_le<std::uint16_t>(entry + 2)};
            if ((life.grants.flags(ref) & xen::gtf::type_mask) == xen::gtf::permit_access &&
                glob_matches(m_peer, m_where.name_of(allowed)))
                life.grants.set_entry(ref, 0, xen::domid_t{}, xen::gfn_t{});
        }
    }

    const hypervisor_view& m_where;
    std::string m_target, m_peer;
};

parameter_declaration status_parameter(std::string_view standard, bool untouched = false) {
    parameter_declaration made{"status", type::choice, standard, "what the operation reports"};
    for (const auto& each : statuses)
        made.choices.push_back(each.name);
    if (untouched)
        made.choices.emplace_back("untouched");
    return made;
}

}  // namespace

std::vector<hypervisor_kind> grant_table_kinds() {
    constexpr auto on = wire_class::hypercall;
    return {
        {{"hypercall.grant_map_fails",
          on,
          "GNT-04 GNT-08",
          "a page is not mapped",
          {status_parameter("general_error")},
          {},
          "grant_map"},
         make_effect<status_instead>},
        {{"hypercall.grant_map_wrong_frame",
          on,
          "GNT-02",
          "another page of the granter is mapped instead of the granted one",
          {{"pages", type::number, "1", "how many pages behind it", 1, UINT32_MAX}},
          {},
          "grant_map"},
         make_effect<wrong_frame>},
        {{"hypercall.grant_map_other_reference",
          on,
          "GNT-02 GNT-03",
          "another grant of the same granter is mapped, if the caller may have it",
          {{"ref", type::number, "", "reference of that grant", 0, UINT32_MAX}},
          {},
          "grant_map"},
         make_effect<other_reference>},
        {{"hypercall.grant_map_rights",
          on,
          "GNT-03",
          "a page is mapped with other rights than asked for",
          {{"access", type::choice, "read_only", "which", 0, UINT64_MAX, {"read_only", "writable"}}},
          {},
          "grant_map"},
         make_effect<rights_changed>},
        {{"hypercall.grant_unmap_fails",
          on,
          "GNT-05",
          "a page stays mapped, and the caller is told",
          {status_parameter("bad_handle")},
          {},
          "grant_unmap"},
         make_effect<status_instead>},
        {{"hypercall.grant_unmap_skipped",
          on,
          "GNT-05",
          "a page stays mapped, and the caller is not told",
          {},
          {},
          "grant_unmap"},
         make_effect<unmap_skipped>},
        {{"hypercall.grant_copy_fails",
          on,
          "GNT-07",
          "nothing is copied; status \"untouched\" leaves what stood there",
          {status_parameter("general_error", true)},
          {},
          "grant_copy"},
         make_effect<status_instead>},
        {{"hypercall.grant_copy_shortened",
          on,
          "GNT-07",
          "less is copied than reported",
          {{"bytes", type::number, "", "that are", 0, xen::page_size}},
          {},
          "grant_copy"},
         make_effect<copy_shortened>},
        {{"hypercall.grant_table_refused",
          on,
          "GNT-09",
          "a grant table does not come into being or grow",
          {status_parameter("general_error")},
          {},
          "grant_setup_table"},
         make_effect<status_instead>},
        {{"hypercall.grant_revoked",
          on,
          "GNT-01",
          "the target clears its grants to a peer, mapped or not, at once",
          {{"peer", type::word, "*", "grants to this domain only; * and ? as in targets"}},
          {},
          "",
          true},
         make_effect<grant_revoked>},
    };
}

}  // namespace vtwin::scenario
