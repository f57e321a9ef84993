#include "models/vtpmmgr/passthrough.h"

namespace vtwin::models::manager {

namespace {

constexpr std::size_t get_random_size = 14;
constexpr std::uint32_t debug_pcr = 16, application_pcr = 23;

}  // namespace

bool passthrough::allowed(const connection& client, byte_view command, std::uint32_t ordinal) const {
    if (ordinal == tpm12::ord::get_random || ordinal == tpm12::ord::pcr_read)
        return true;
    if (ordinal != tpm12::ord::extend || !client.is_admin())
        return false;
    if (m_context.faithful(behaviour::vtpmmgr_admin_can_extend_hardware_pcr))
        return true;
    tpm::wire_reader in(command);
    in.view(packet_header);
    const std::uint32_t pcr = in.u32();
    return in.ok() && (pcr == debug_pcr || pcr == application_pcr);  // those that software may reset anyway
}

bytes passthrough::handle(const connection& client, byte_view command) {
    tpm::wire_reader in(command);
    const std::uint16_t request_tag = in.u16();
    in.u32();
    const std::uint32_t ordinal = in.u32();
    const auto response_tag = static_cast<std::uint16_t>(request_tag + 3);
    if (!allowed(client, command, ordinal))
        return packet(response_tag, failed(status::disabled_cmd));
    if (ordinal == tpm12::ord::get_random && command.size() != get_random_size)
        return packet(tag::tpm_rsp, failed(status::bad_parameter));
    bytes response = m_context.hardware.link().pass_through(command);
    return response.empty() ? packet(response_tag, failed(status::ioerror)) : response;
}

}  // namespace vtwin::models::manager
