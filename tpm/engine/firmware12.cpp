#include "tpm/engine/firmware12.h"

#include "tpm/codec/wire.h"

namespace vtwin::tpm {

namespace {

constexpr std::uint16_t tag_request = 0x00C1;
constexpr std::uint32_t ord_get_capability = 101, ord_physical_enable = 111,
                        ord_physical_set_deactivated = 114, ord_startup = 153,
                        ord_tsc_physical_presence = 0x4000000A;
// TSC_PhysicalPresence, TPM Main Part 2, section 4.9
constexpr std::uint16_t presence_lock = 0x0004, presence_present = 0x0008, presence_not_present = 0x0010,
                        presence_command_enable = 0x0020;
constexpr std::uint32_t tpm_fail = 9;

struct reply {
    std::uint32_t result = tpm_fail;
    bytes body;
};

reply send(engine_if& engine, std::uint32_t ordinal, byte_view parameters) {
    wire_writer command;
    command.u16(tag_request)
        .u32(static_cast<std::uint32_t>(10 + parameters.size()))
        .u32(ordinal)
        .raw(parameters);
    const bytes response = engine.execute(command.data(), 0);
    wire_reader reader(response);
    reader.view(6);
    reply answer{reader.u32(), {}};
    if (!reader.ok())
        return {};
    answer.body = reader.raw(reader.remaining());
    return answer;
}

std::uint32_t send16(engine_if& engine, std::uint32_t ordinal, std::uint16_t parameter) {
    return send(engine, ordinal, wire_writer().u16(parameter).data()).result;
}

/// TPM_STCLEAR_FLAGS.deactivated, the first flag behind size and tag.
bool deactivated_until_reset(engine_if& engine) {
    const auto flags = send(engine, ord_get_capability, wire_writer().u32(4).u32(4).u32(0x109).data());
    wire_reader reader(flags.body);
    reader.view(4 + 2);
    return flags.result == 0 && reader.u8() != 0;
}

}  // namespace

std::uint32_t make_ready_for_use(engine_if& engine) {
    if (const auto result = send16(engine, ord_startup, 1))
        return result;
    if (const auto result = send16(engine, ord_tsc_physical_presence, presence_command_enable))
        return result;
    if (const auto result = send16(engine, ord_tsc_physical_presence, presence_present))
        return result;
    if (const auto result = send(engine, ord_physical_enable, {}).result)
        return result;
    if (const auto result = send(engine, ord_physical_set_deactivated, wire_writer().u8(0).data()).result)
        return result;
    if (deactivated_until_reset(engine)) {
        engine.power_cycle();
        if (const auto result = send16(engine, ord_startup, 1))
            return result;
    }
    return send16(engine, ord_tsc_physical_presence, presence_not_present | presence_lock);
}

}  // namespace vtwin::tpm
