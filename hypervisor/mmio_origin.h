// Says which domain makes an access to the chipset: goes with the transaction, for devices and observers that
// want to know. No wire carries it.
#pragma once

#include <memory>
#include <tlm>

#include "hypervisor/types.h"

namespace vtwin::xen {

struct mmio_origin : tlm::tlm_extension<mmio_origin> {
    explicit mmio_origin(domid_t made_by) : domain(made_by) {}
    tlm::tlm_extension_base* clone() const override {
        return std::make_unique<mmio_origin>(domain).release();
    }
    void copy_from(const tlm::tlm_extension_base& other) override {
        domain = static_cast<const mmio_origin&>(other).domain;
    }

    domid_t domain;
};

}  // namespace vtwin::xen
