#include "models/remote/tpm12_structures.h"

#include <bit>
#include <systemc>

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t algorithm_rsa = 1;
constexpr std::uint32_t ord_make_identity = 0x79;

}  // namespace

std::optional<pubkey> parse_pubkey(byte_view data) {
    octet_reader in(data);
    pubkey key;
    const std::uint32_t algorithm = in.u32();
    key.enc = enc_scheme{in.u16()};
    key.sig = sig_scheme{in.u16()};
    octet_reader parameters(in.raw(in.u32()));
    const std::uint32_t bits = parameters.u32(), primes = parameters.u32();
    const byte_view exponent = parameters.raw(parameters.u32());
    const byte_view modulus = in.raw(in.u32());
    static constexpr std::byte default_exponent[] = {std::byte{1}, std::byte{0}, std::byte{1}};
    const bool exponent_known = exponent.empty() || same(exponent, default_exponent);
    if (!in.finished() || !parameters.finished() || algorithm != algorithm_rsa || bits != rsa_size * 8 ||
        primes != 2 || !exponent_known || modulus.size() != rsa_size || modulus[0] == std::byte{0})
        return std::nullopt;
    key.modulus.assign(modulus.begin(), modulus.end());
    return key;
}

bytes to_octets(const pubkey& key) {
    return octet_writer()
        .u32(algorithm_rsa)
        .u16(static_cast<std::uint16_t>(key.enc))
        .u16(static_cast<std::uint16_t>(key.sig))
        .u32(12)
        .u32(rsa_size * 8)
        .u32(2)
        .u32(0)
        .u32(static_cast<std::uint32_t>(key.modulus.size()))
        .raw(key.modulus)
        .take();
}

bytes aik_pubkey(byte_view modulus) {
    return to_octets({enc_scheme::none, sig_scheme::rsassapkcs1v15_sha1, {modulus.begin(), modulus.end()}});
}

bytes ek_pubkey(byte_view modulus) {
    return to_octets({enc_scheme::rsaesoaep_sha1_mgf1, sig_scheme::none, {modulus.begin(), modulus.end()}});
}

bytes identity_contents(byte_view chosen_id_hash, byte_view aik_public) {
    return octet_writer().u32(0x01010000).u32(ord_make_identity).raw(chosen_id_hash).raw(aik_public).take();
}

bytes quote_info(byte_view composite_digest, byte_view external_data) {
    return octet_writer().u32(0x01010000).text("QUOT").raw(composite_digest).raw(external_data).take();
}

bytes quote_info2(byte_view pcr_info, byte_view external_data) {
    return octet_writer().u16(0x0036).text("QUT2").raw(external_data).raw(pcr_info).take();
}

std::uint32_t mask_of(const pcr_values& values) {
    std::uint32_t mask = 0;
    for (const auto& [index, value] : values)
        mask |= 1u << index;
    return mask;
}

bytes pcr_selection(std::uint32_t mask) {
    octet_writer out;
    out.u16(selection_octets);
    for (std::size_t i = 0; i < selection_octets; ++i)
        out.u8(static_cast<std::uint8_t>(mask >> 8 * i));
    return out.take();
}

bytes pcr_composite(const pcr_values& values) {
    octet_writer out;
    out.raw(pcr_selection(mask_of(values)));
    out.u32(static_cast<std::uint32_t>(values.size() * digest_size));
    for (const auto& [index, value] : values)
        out.raw(value);
    return out.take();
}

std::optional<pcr_values> parse_pcr_composite(byte_view data) {
    octet_reader in(data);
    const std::uint16_t octets = in.u16();
    if (octets == 0 || octets > selection_octets)
        return std::nullopt;
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < octets; ++i)
        mask |= std::uint32_t{in.u8()} << 8 * i;
    if (in.u32() != static_cast<std::uint32_t>(std::popcount(mask)) * digest_size)
        return std::nullopt;
    pcr_values values;
    for (std::uint32_t index = 0; index < pcr_count; ++index) {
        if ((mask >> index & 1) == 0)
            continue;
        const byte_view value = in.raw(digest_size);
        values[index].assign(value.begin(), value.end());
    }
    return in.finished() ? std::optional(values) : std::nullopt;
}

bytes composite_hash(const pcr_values& values) {
    return values.empty() ? zeros(digest_size) : sha1(pcr_composite(values));
}

std::optional<pcr_info_short> parse_pcr_info_short(byte_view data) {
    octet_reader in(data);
    if (in.u16() != selection_octets)
        return std::nullopt;
    pcr_info_short info;
    for (std::size_t i = 0; i < selection_octets; ++i)
        info.mask |= std::uint32_t{in.u8()} << 8 * i;
    info.locality = in.u8();
    const byte_view digest = in.raw(digest_size);
    info.digest.assign(digest.begin(), digest.end());
    return in.finished() ? std::optional(info) : std::nullopt;
}

bytes extend(byte_view old_value, byte_view digest) {
    return sha1(octet_writer().raw(old_value).raw(digest).take());
}

std::vector<bytes> replay(const std::vector<firmware_measurement>& measurements) {
    std::vector<bytes> pcrs(pcr_count, zeros(digest_size));
    for (std::size_t index = 17; index <= 22; ++index)
        pcrs[index].assign(digest_size, std::byte{0xFF});
    for (const firmware_measurement& step : measurements) {
        sc_assert(step.pcr < pcr_count);
        pcrs[step.pcr] = extend(pcrs[step.pcr], step.sha1);
    }
    return pcrs;
}

bytes deep_quote_inner(byte_view extern_data, const pcr_values& vtpm_pcrs, std::uint8_t locality) {
    return sha1(octet_writer()
                    .u32(0)
                    .text("DQUT")
                    .raw(extern_data)
                    .raw(pcr_selection(mask_of(vtpm_pcrs)))
                    .u8(static_cast<std::uint8_t>(1u << locality % 32))
                    .raw(composite_hash(vtpm_pcrs))
                    .take());
}

bytes manager_external_data(std::uint32_t flags, byte_view inner, byte_view digests) {
    return sha1(octet_writer().u32_little(flags).raw(inner).raw(digests).take());
}

bytes uuid_digest(const uuid_t& uuid) {
    return sha1(uuid.octets);
}

bytes label_digest(std::string_view label) {
    return sha1(sha1(as_octets(label)));
}

bytes group_info_digest(byte_view saa_modulus, byte_view cfg_list) {
    return sha1(octet_writer().raw(saa_modulus).raw(cfg_list).take());
}

bytes group_pubkey_digest(byte_view saa_modulus) {
    return sha1(saa_modulus);
}

}  // namespace vtwin::models::remote
