// The pages that TPM frontends share with their back ends, known from the moment a back end maps one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "hypervisor/ports.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// Who is whose back end, by the names in the configuration.
struct ring_pair {
    std::string front, back;
    auto operator<=>(const ring_pair&) const = default;
};

/// One mapped tpmif page (public/io/tpmif.h).
struct ring_page {
    wire* on = nullptr;  ///< "<front>.ring"
    std::string front;
    xen::domid_t front_id{}, back_id{};
    xen::mfn_t frame{};
    std::uint32_t mappings = 0;  ///< 0: let go; effects that come later leave the frame alone
};

/// Listens to grant mappings. A TPM back end maps nothing of its frontends but their rings, so that every
/// page that it maps is one. What the frontend stores before that is no crossing of the ring: nobody can tell
/// the page from any other.
class ring_registry final : public tlm::tlm_analysis_if<xen::grant_map_change> {
  public:
    using name_lookup = std::function<const std::string&(xen::domid_t)>;
    ring_registry(wire_hub& hub, name_lookup name_of) : m_hub(hub), m_name_of(std::move(name_of)) {}

    /// Pairs whose ring nobody wants are left out.
    void set_pairs(const std::vector<ring_pair>& pairs);
    /// A domain that is an end of some wanted ring.
    bool concerns(std::string_view domain) const;

    /// nullptr: not a ring.
    const std::shared_ptr<ring_page>* at(xen::mfn_t frame) const {
        const auto found = m_pages.find(frame);
        return found == m_pages.end() ? nullptr : &found->second;
    }
    /// Rings whose wire's name matches, in the order of their frames.
    std::vector<std::shared_ptr<ring_page>> met_by(std::string_view pattern) const;

    void write(const xen::grant_map_change& what) override;

  private:
    wire_hub& m_hub;
    name_lookup m_name_of;
    std::vector<ring_pair> m_pairs;
    std::map<xen::mfn_t, std::shared_ptr<ring_page>> m_pages;
};

}  // namespace vtwin::scenario
