#include "tpm/codec/tpm20_frame.h"

namespace vtwin::tpm::tpm20 {

namespace {

constexpr std::uint8_t continue_session = 1;

}  // namespace

bytes framed(std::uint16_t tag, std::uint32_t code, byte_view rest) {
    wire_writer out;
    out.u16(tag).u32(static_cast<std::uint32_t>(header_size + rest.size())).u32(code).raw(rest);
    return out.take();
}

bytes plain(std::uint32_t code, const wire_writer& handles_and_parameters) {
    return framed(tag_no_sessions, code, handles_and_parameters.data());
}

wire_writer& password_session(wire_writer& area, byte_view password) {
    return area.u32(handle::password_session).u16(0).u8(continue_session).sized16(password);
}

bytes authorised(std::uint32_t code, byte_view handles, byte_view sessions, const wire_writer& parameters) {
    wire_writer rest;
    rest.raw(handles).sized32(sessions).raw(parameters.data());
    return framed(tag_sessions, code, rest.data());
}

bytes with_password(std::uint32_t code, byte_view handles, byte_view password,
                    const wire_writer& parameters) {
    wire_writer sessions;
    return authorised(code, handles, password_session(sessions, password).data(), parameters);
}

bytes one_handle(std::uint32_t handle) {
    return wire_writer().u32(handle).take();
}

wire_writer creation(byte_view password, byte_view public_area) {
    const bytes sensitive = wire_writer().sized16(password).u16(0).take();  // TPMS_SENSITIVE_CREATE
    wire_writer parameters;
    parameters.sized16(sensitive).sized16(public_area).u16(0).u32(0);
    return parameters;
}

}  // namespace vtwin::tpm::tpm20
