// The hypervisor as taps and effects see it: which domain has which name, and whose pages are TPM rings.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/domain_instance.h"
#include "hypervisor/machine.h"
#include "scenarios/faults/ring_registry.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// Made with the taps, before there is a machine; knows nothing until it is attached.
class hypervisor_view {
  public:
    explicit hypervisor_view(wire_hub& hub);

    /// Once the machine has all its domains. A domain's name in the configuration is its module's, without
    /// the prefix "domain_". `seed` is the run's.
    void attach(xen::machine& host, const std::vector<ring_pair>& pairs, std::uint64_t seed);
    bool attached() const { return m_host != nullptr; }

    xen::machine& host() const { return *m_host; }
    wire_hub& hub() const { return m_hub; }
    std::uint64_t seed() const { return m_seed; }
    const ring_registry& rings() const { return m_rings; }

    /// nullptr when the machine has no domain of that name.
    xen::domain* find(std::string_view name) const;
    /// "" when nobody has this id any more; zombies still have a name.
    const std::string& name_of(xen::domid_t id) const;
    /// Domains of the wires that a fault's target names: "guest*.memory" with the ending ".memory"; by name.
    std::vector<xen::domain*> targets(std::string_view pattern, std::string_view ending) const;

  private:
    wire_hub& m_hub;
    ring_registry m_rings;
    xen::machine* m_host = nullptr;
    std::uint64_t m_seed = 0;
    std::map<std::string, xen::domain*, std::less<>> m_domains;
    std::map<const xen::domain*, std::string> m_names;  ///< looked up only
};

}  // namespace vtwin::scenario
