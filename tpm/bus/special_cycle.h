// Marks a bus transaction as one that CPU microcode makes during a dynamic launch (SENTER, SKINIT). Only such
// cycles may write into the page of locality 4 (PTP 1.05, "Locality 4").
#pragma once

#include <memory>
#include <tlm>

namespace vtwin::tpm {

struct special_cycle : tlm::tlm_extension<special_cycle> {
    tlm::tlm_extension_base* clone() const override { return std::make_unique<special_cycle>().release(); }
    void copy_from(const tlm::tlm_extension_base&) override {}
};

}  // namespace vtwin::tpm
