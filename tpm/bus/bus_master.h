// Says who makes a bus transaction, for observers. No wire carries it.
#pragma once

#include <cstdint>
#include <memory>
#include <tlm>

namespace vtwin::tpm {

struct bus_master : tlm::tlm_extension<bus_master> {
    tlm::tlm_extension_base* clone() const override { return std::make_unique<bus_master>(*this).release(); }
    void copy_from(const tlm::tlm_extension_base& other) override {
        number = static_cast<const bus_master&>(other).number;
    }

    std::uint32_t number = 0;  ///< as the machine around the bus numbers those who use it
};

}  // namespace vtwin::tpm
