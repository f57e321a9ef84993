#include "tpm/codec/tpm20.h"

#include <algorithm>
#include <systemc>

#include "tpm/codec/tpm20_frame.h"

namespace vtwin::tpm::tpm20 {

namespace {

constexpr std::uint16_t tag_rsp_command_12 = 0x00C4;
constexpr std::uint32_t attributes_sealing = attribute::fixed_tpm | attribute::fixed_parent |
                                             attribute::sensitive_data_origin | attribute::user_with_auth |
                                             attribute::decrypt;
constexpr std::uint32_t attributes_storage = attributes_sealing | attribute::restricted;

/// TPMT_PUBLIC of an RSA key up to its symmetric algorithm.
wire_writer rsa_public(std::uint32_t attributes) {
    wire_writer area;
    area.u16(alg::rsa).u16(alg::sha256).u32(attributes).u16(0);
    return area;
}

}  // namespace

bytes startup(std::uint16_t type) {
    return plain(cc::startup, wire_writer().u16(type));
}

bytes shutdown(std::uint16_t type) {
    return plain(cc::shutdown, wire_writer().u16(type));
}

bytes self_test(bool full) {
    return plain(cc::self_test, wire_writer().u8(full));
}

bytes get_random(std::uint16_t count) {
    return plain(cc::get_random, wire_writer().u16(count));
}

bytes get_capability(std::uint32_t capability, std::uint32_t property, std::uint32_t count) {
    return plain(cc::get_capability, wire_writer().u32(capability).u32(property).u32(count));
}

bytes pcr_read(std::uint16_t bank, unsigned pcr) {
    sc_assert(pcr < 24);
    std::array<std::byte, 3> map{};
    map[pcr / 8] = std::byte(1u << pcr % 8);
    return plain(cc::pcr_read, wire_writer().u32(1).u16(bank).u8(map.size()).raw(map));
}

bytes pcr_extend(unsigned pcr, std::uint16_t bank, byte_view measurement) {
    return with_password(cc::pcr_extend, one_handle(pcr), {},
                         wire_writer().u32(1).u16(bank).raw(measurement));
}

bytes pcr_extend(unsigned pcr, const std::vector<bank_digest>& digests) {
    wire_writer parameters;
    parameters.u32(static_cast<std::uint32_t>(digests.size()));
    for (const bank_digest& each : digests)
        parameters.u16(each.bank).raw(each.digest);
    return with_password(cc::pcr_extend, one_handle(pcr), {}, parameters);
}

std::size_t digest_size(std::uint16_t bank) {
    return bank == alg::sha1 ? 20 : bank == alg::sha256 ? 32 : 0;
}

bytes flush_context(std::uint32_t object) {
    return plain(cc::flush_context, wire_writer().u32(object));
}

bytes create_primary_storage_key() {
    wire_writer area = rsa_public(attributes_storage);
    area.u16(alg::aes).u16(aes_bits).u16(alg::cfb).u16(alg::null).u16(rsa_bits).u32(0).u16(0);
    return with_password(cc::create_primary, one_handle(handle::owner), {}, creation({}, area.data()));
}

bytes create_sealing_key(std::uint32_t parent, byte_view parent_password) {
    wire_writer area = rsa_public(attributes_sealing);
    area.u16(alg::null).u16(alg::oaep).u16(alg::sha256).u16(rsa_bits).u32(0).u16(0);
    return with_password(cc::create, one_handle(parent), parent_password,
                         creation(manager_password, area.data()));
}

bytes load(std::uint32_t parent, byte_view parent_password, byte_view private_part, byte_view public_part) {
    return with_password(cc::load, one_handle(parent), parent_password,
                         wire_writer().sized16(private_part).sized16(public_part));
}

bytes rsa_encrypt(std::uint32_t key, byte_view message) {
    return plain(cc::rsa_encrypt, wire_writer().u32(key).sized16(message).u16(alg::null).u16(0));
}

bytes rsa_decrypt(std::uint32_t key, byte_view key_password, byte_view ciphertext) {
    return with_password(cc::rsa_decrypt, one_handle(key), key_password,
                         wire_writer().sized16(ciphertext).u16(alg::null).u16(0));
}

std::optional<response> parse_response(byte_view data) {
    wire_reader in(data);
    const std::uint16_t tag = in.u16();
    const std::uint32_t size = in.u32();
    response result{in.u32(), {}};
    if (!in.ok() || size != data.size())
        return std::nullopt;
    if (tag != tag_no_sessions && tag != tag_sessions && tag != tag_rsp_command_12)
        return std::nullopt;
    result.handle_and_parameters = in.raw(in.remaining());
    return result;
}

std::optional<bytes> random_of(const response& from) {
    wire_reader in(from.handle_and_parameters);
    auto result = in.sized16();
    if (from.code != 0 || !in.ok() || !in.at_end())
        return std::nullopt;
    return result;
}

std::optional<bytes> digest_of_pcr_read(const response& from) {
    wire_reader in(from.handle_and_parameters);
    in.u32();  // update counter
    const std::uint32_t selections = in.u32();
    for (std::uint32_t i = 0; i < selections && in.ok(); ++i) {
        in.u16();
        in.view(in.u8());
    }
    const std::uint32_t digests = in.u32();
    if (from.code != 0 || !in.ok() || digests > 1)
        return std::nullopt;
    bytes result = digests == 1 ? in.sized16() : bytes{};
    if (!in.ok() || !in.at_end())
        return std::nullopt;
    return result;
}

std::optional<std::uint32_t> handle_of(const response& from) {
    wire_reader in(from.handle_and_parameters);
    const std::uint32_t handle = in.u32();
    if (from.code != 0 || !in.ok())
        return std::nullopt;
    return handle;
}

std::optional<std::vector<std::uint16_t>> banks_of(const response& from) {
    wire_reader in(from.handle_and_parameters);
    in.u8();  // moreData
    if (in.u32() != cap::pcrs)
        in.fail();
    std::vector<std::uint16_t> active;
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const std::uint16_t bank = in.u16();
        const byte_view map = in.view(in.u8());
        if (std::ranges::any_of(map, [](std::byte octet) { return octet != std::byte{0}; }))
            active.push_back(bank);
    }
    if (from.code != 0 || !in.ok() || !in.at_end())
        return std::nullopt;
    return active;
}

std::optional<bytes> rsa_text_of(const response& from, bool with_session) {
    wire_reader in(from.handle_and_parameters);
    const std::uint32_t parameter_size = with_session ? in.u32() : static_cast<std::uint32_t>(in.remaining());
    wire_reader parameters(in.view(parameter_size));
    auto result = parameters.sized16();
    if (from.code != 0 || !in.ok() || !parameters.ok() || !parameters.at_end())
        return std::nullopt;
    return result;
}

std::optional<created_key> key_of_create(const response& from) {
    wire_reader in(from.handle_and_parameters);
    wire_reader parameters(in.view(in.u32()));
    created_key result;
    result.private_part = parameters.sized16();
    result.public_part = parameters.sized16();
    if (from.code != 0 || !in.ok() || !parameters.ok())
        return std::nullopt;
    return result;
}

}  // namespace vtwin::tpm::tpm20
