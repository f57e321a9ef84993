#include "scenarios/faults/wire_taps.h"

#include "scenarios/faults/chip_tap.h"
#include "scenarios/faults/disk_tap.h"
#include "scenarios/faults/entropy_tap.h"
#include "scenarios/faults/hypercall_tap.h"
#include "scenarios/faults/memory_tap.h"
#include "scenarios/faults/nv_tap.h"
#include "scenarios/faults/tis_tap.h"
#include "scenarios/faults/vcpu_tap.h"
#include "scenarios/faults/xenstore_tap.h"

namespace vtwin::scenario {

xen::hypercall_if& wire_taps::hypercall(const std::string& domain, xen::hypercall_if& inner) {
    const auto name = domain + ".hypercall";
    if (!m_hub.wanted(name))
        return inner;
    auto tap = std::make_shared<hypercall_tap>(m_view, domain, m_hub.add(name, wire_class::hypercall), inner);
    m_taps.push_back(tap);
    return *tap;
}

/// The pages of rings lie in the memory of two domains, and which two is not known before the machine is:
/// when any ring is wanted every domain's memory gets a tap. Those that are no end of one only ask once.
xen::memory_if& wire_taps::memory(const std::string& domain, xen::memory_if& inner) {
    const auto name = domain + ".memory", ring = domain + ".ring";
    if (m_hub.wanted(ring))
        m_hub.add(ring, wire_class::ring);
    auto* const on = m_hub.wanted(name) ? &m_hub.add(name, wire_class::memory) : nullptr;
    if (on == nullptr && !m_hub.may_want_ending(".ring"))
        return inner;
    auto tap = std::make_shared<memory_tap>(m_view, domain, on, inner);
    m_taps.push_back(tap);
    return *tap;
}

std::vector<ring_pair> wire_taps::ring_pairs(const models::run_config& config) {
    std::vector<ring_pair> pairs;
    for (const auto& guest : config.machine.guests)
        pairs.push_back({guest.name, guest.vtpm});
    for (const auto& vtpm : config.machine.vtpms) {
        pairs.push_back({vtpm.name, vtpm.backend});
        if (vtpm.administrator)
            pairs.push_back({"dom0", vtpm.name});
    }
    return pairs;
}

xen::mmio_if& wire_taps::mmio(const std::string& domain, xen::mmio_if& inner) {
    const auto name = domain + ".tis";
    if (!m_hub.wanted(name))
        return inner;
    auto tap = std::make_shared<tis_tap>(m_hub.add(name, wire_class::tis), inner);
    m_taps.push_back(tap);
    return *tap;
}

xen::vcpu_if& wire_taps::vcpu(const std::string& domain, xen::vcpu_if& inner) {
    const auto name = domain + ".vcpu";
    if (!m_hub.wanted(name))
        return inner;
    auto tap = std::make_shared<vcpu_tap>(m_hub.add(name, wire_class::vcpu), inner);
    m_taps.push_back(tap);
    return *tap;
}

xen::disk_if& wire_taps::disk(const std::string& domain, xen::disk_if& inner) {
    const auto name = domain + ".disk";
    if (!m_hub.wanted(name))
        return inner;
    auto tap = std::make_shared<disk_tap>(m_hub.add(name, wire_class::disk), inner);
    m_taps.push_back(tap);
    return *tap;
}

xen::store_wire_if* wire_taps::store(const std::vector<std::string>& domains,
                                     std::function<std::string(xen::domid_t)> name_of) {
    auto tap = std::make_shared<xenstore_tap>(std::move(name_of));
    for (const auto& domain : domains)
        if (const auto name = domain + ".xenstore"; m_hub.wanted(name))
            tap->add(domain, m_hub.add(name, wire_class::xenstore));
    if (tap->empty())
        return nullptr;
    m_taps.push_back(tap);
    return tap.get();
}

tpm::engine_if& wire_taps::engine(const std::string& owner, tpm::engine_if& inner) {
    const auto name = owner + ".chip";
    if (!m_hub.wanted(name))
        return inner;
    auto tap = std::make_shared<chip_tap>(m_hub.add(name, wire_class::chip), inner);
    m_taps.push_back(tap);
    return *tap;
}

tpm::nv_if& wire_taps::nv(const std::string& owner, tpm::nv_if& inner) {
    const auto name = owner + ".nv";
    if (!m_hub.wanted(name))
        return inner;
    auto tap = std::make_shared<nv_tap>(m_hub.add(name, wire_class::chip_nv), inner);
    m_taps.push_back(tap);
    return *tap;
}

tpm::entropy_if& wire_taps::entropy(const std::string& consumer, tpm::entropy_if& inner) {
    if (!m_hub.wanted(consumer))
        return inner;
    auto tap = std::make_shared<entropy_tap>(m_hub.add(consumer, wire_class::entropy), inner);
    m_taps.push_back(tap);
    return *tap;
}

}  // namespace vtwin::scenario
