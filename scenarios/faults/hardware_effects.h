// Kinds of fault that need nothing but the hardware TPM: they can be made, and tested, without a machine.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "models/platform/tpm_hardware.h"
#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

struct hardware_kind {
    kind_declaration declaration;  ///< without `make`
    /// Parameters are valid during the call only; the hardware outlives the effect.
    std::function<std::unique_ptr<fault_effect>(const fault_parameters&, models::tpm_hardware&)> make;
};

std::vector<hardware_kind> tis_access_kinds();   ///< what passes the registers
std::vector<hardware_kind> tis_line_kinds();     ///< reset line, other users of the registers
std::vector<hardware_kind> chip_answer_kinds();  ///< answers and durations
std::vector<hardware_kind> chip_inside_kinds();  ///< power, clock and state of the chip
std::vector<hardware_kind> nv_kinds();
std::vector<hardware_kind> entropy_kinds();

/// Complete declarations for the catalogue.
std::vector<kind_declaration> declarations_of(std::initializer_list<std::vector<hardware_kind>> parts);

/// The effect of a checked fault of one of these kinds; asserts that it is one.
std::unique_ptr<fault_effect> make_hardware_effect(const fault& what, models::tpm_hardware& hardware);

/// A class derived from fault_effect, made from parameters and hardware.
template <typename Effect>
std::unique_ptr<fault_effect> made(const fault_parameters& with, models::tpm_hardware& hardware) {
    return std::make_unique<Effect>(with, hardware);
}

/// The parameter `startup` of faults that take the chip's power, and what it asks for: pulls LRESET# once the
/// running process has made way; then, if asked, TPM_Startup(ST_CLEAR), as firmware would send it.
parameter_declaration startup_parameter();
void reset_soon(models::tpm_hardware& hardware, bool startup);

}  // namespace vtwin::scenario
