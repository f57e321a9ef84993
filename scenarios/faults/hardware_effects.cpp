#include "scenarios/faults/hardware_effects.h"

#include "models/platform/platform.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario {

std::vector<kind_declaration> declarations_of(std::initializer_list<std::vector<hardware_kind>> parts) {
    std::vector<kind_declaration> all;
    for (const auto& part : parts)
        for (const auto& each : part) {
            all.push_back(each.declaration);
            all.back().make = [make = each.make](const fault& what, const fault_services& services) {
                return make(fault_parameters(what), services.machine.hardware());
            };
        }
    return all;
}

std::unique_ptr<fault_effect> make_hardware_effect(const fault& what, models::tpm_hardware& hardware) {
    for (const auto& part :
         {tis_access_kinds, tis_line_kinds, chip_answer_kinds, chip_inside_kinds, nv_kinds, entropy_kinds})
        for (const auto& each : part())
            if (each.declaration.name == what.kind)
                return each.make(fault_parameters(what), hardware);
    sc_assert(false && "a kind of the hardware TPM");
    return nullptr;
}

parameter_declaration startup_parameter() {
    return {.name = "startup",
            .kind = parameter_declaration::type::choice,
            .standard = "no",
            .doc = "whether TPM_Startup(ST_CLEAR) follows; without it the chip refuses nearly everything",
            .choices = {"no", "clear"}};
}

void reset_soon(models::tpm_hardware& hardware, bool startup) {
    sc_core::sc_spawn([&hardware, startup] {
        hardware.tis().reset();
        constexpr std::uint32_t size = 12, ord_startup = 0x99;
        constexpr std::uint16_t tag = 0xC1, st_clear = 1;
        if (startup)
            hardware.engine().execute_unseen(
                tpm::wire_writer().u16(tag).u32(size).u32(ord_startup).u16(st_clear).data(), 0);
    });
}

}  // namespace vtwin::scenario
