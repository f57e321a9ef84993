#include "tpm/codec/tpm12_structures.h"

#include <algorithm>

#include "tpm/codec/tpm12_crypto.h"

namespace vtwin::tpm::tpm12 {

namespace {

constexpr std::array<std::byte, 4> version_1_1{std::byte{1}, std::byte{1}};

byte_view text(const char (&characters)[5]) {
    return std::as_bytes(std::span(characters)).first(4);
}

}  // namespace

pcr_selection pcr_selection::of(std::uint32_t mask, std::size_t map_size) {
    pcr_selection result;
    for (std::size_t i = 0; i < map_size; ++i)
        result.map.push_back(std::byte(i < 4 ? mask >> (8 * i) & 0xFF : 0));
    return result;
}

bool pcr_selection::selects(std::size_t pcr) const {
    return pcr / 8 < map.size() && (map[pcr / 8] >> (pcr % 8) & std::byte{1}) != std::byte{0};
}

bool pcr_selection::none() const {
    return std::all_of(map.begin(), map.end(), [](std::byte octet) { return octet == std::byte{0}; });
}

bytes pcr_composite(const pcr_selection& selection, std::span<const digest> pcrs) {
    wire_writer values;
    for (std::size_t pcr = 0; pcr < pcrs.size(); ++pcr)
        if (selection.selects(pcr))
            values.raw(pcrs[pcr]);
    wire_writer out;
    selection.write(out);
    return out.sized32(values.data()).take();
}

digest composite_hash(const pcr_selection& selection, std::span<const digest> pcrs) {
    if (selection.none())
        return {};
    return sha1({pcr_composite(selection, pcrs)});
}

bytes pcr_info_long::encode() const {
    wire_writer out;
    out.u16(tag_pcr_info_long).u8(locality_at_creation).u8(locality_at_release);
    creation_selection.write(out);
    release_selection.write(out);
    return out.raw(digest_at_creation).raw(digest_at_release).take();
}

pcr_info_long pcr_info_long::read(wire_reader& in) {
    pcr_info_long info;
    if (in.u16() != tag_pcr_info_long)
        in.fail();
    info.locality_at_creation = in.u8();
    info.locality_at_release = in.u8();
    info.creation_selection = pcr_selection::read(in);
    info.release_selection = pcr_selection::read(in);
    info.digest_at_creation = in.fixed<20>();
    info.digest_at_release = in.fixed<20>();
    return info;
}

bytes pcr_info_short::encode() const {
    wire_writer out;
    selection.write(out);
    return out.u8(locality_at_release).raw(digest_at_release).take();
}

pcr_info_short pcr_info_short::read(wire_reader& in) {
    pcr_info_short info;
    info.selection = pcr_selection::read(in);
    info.locality_at_release = in.u8();
    info.digest_at_release = in.fixed<20>();
    return info;
}

void key_parms::write(wire_writer& out) const {
    out.u32(algorithm).u16(enc_scheme).u16(sig_scheme);
    out.u32(static_cast<std::uint32_t>(12 + exponent.size())).u32(key_bits).u32(primes).sized32(exponent);
}

key_parms key_parms::read(wire_reader& in) {
    key_parms parms;
    parms.algorithm = in.u32();
    parms.enc_scheme = in.u16();
    parms.sig_scheme = in.u16();
    const std::uint32_t size = in.u32();
    const std::size_t begin = in.position();
    parms.key_bits = in.u32();
    parms.primes = in.u32();
    parms.exponent = in.sized32();
    if (in.position() - begin != size)
        in.fail();
    return parms;
}

bytes public_key::encode() const {
    wire_writer out;
    parms.write(out);
    return out.sized32(modulus).take();
}

public_key public_key::read(wire_reader& in) {
    public_key result;
    result.parms = key_parms::read(in);
    result.modulus = in.sized32();
    return result;
}

key key::storage_template() {
    key result;
    result.usage = key_usage::storage;
    result.parms.enc_scheme = enc::rsaes_oaep_sha1_mgf1;
    return result;
}

key key::identity_template() {
    key result;
    result.usage = key_usage::identity;
    result.parms.sig_scheme = sig::rsassapkcs1v15_sha1;
    return result;
}

key key::signing_template() {
    key result = identity_template();
    result.usage = key_usage::signing;
    return result;
}

bytes key::encode() const {
    wire_writer out;
    out.raw(version).u16(usage).u32(flags).u8(auth_data_usage);
    parms.write(out);
    return out.sized32(pcr_info).sized32(modulus).sized32(enc_data).take();
}

key key::read(wire_reader& in) {
    key result;
    result.version = in.fixed<4>();
    result.usage = in.u16();
    result.flags = in.u32();
    result.auth_data_usage = in.u8();
    result.parms = key_parms::read(in);
    result.pcr_info = in.sized32();
    result.modulus = in.sized32();
    result.enc_data = in.sized32();
    return result;
}

bytes stored_data::encode() const {
    return wire_writer().u16(tag).u16(entity_type).sized32(seal_info).sized32(enc_data).take();
}

stored_data stored_data::read(wire_reader& in) {
    stored_data result;
    result.tag = in.u16();
    result.entity_type = in.u16();
    result.seal_info = in.sized32();
    result.enc_data = in.sized32();
    return result;
}

bytes quote_info(const digest& composite, const digest& external_data) {
    return wire_writer().raw(version_1_1).raw(text("QUOT")).raw(composite).raw(external_data).take();
}

bytes quote_info2(byte_view pcr_info, const digest& external_data) {
    return wire_writer().u16(tag_quote_info2).raw(text("QUT2")).raw(external_data).raw(pcr_info).take();
}

bytes identity_contents(const digest& label_digest, const public_key& identity) {
    return wire_writer()
        .raw(version_1_1)
        .u32(ord::make_identity)
        .raw(label_digest)
        .raw(identity.encode())
        .take();
}

bytes symmetric_key::encode() const {
    return wire_writer().u32(algorithm).u16(enc_scheme).sized16(data).take();
}

symmetric_key symmetric_key::read(wire_reader& in) {
    symmetric_key result;
    result.algorithm = in.u32();
    result.enc_scheme = in.u16();
    result.data = in.sized16();
    return result;
}

bytes asym_ca_contents(const symmetric_key& session, const public_key& identity) {
    return wire_writer().raw(session.encode()).raw(sha1({identity.encode()})).take();
}

}  // namespace vtwin::tpm::tpm12
