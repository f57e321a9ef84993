#include "models/remote/tpm20_structures.h"

#include <fmt/format.h>

#include "models/remote/tpm12_structures.h"

namespace vtwin::models::remote {
namespace {

constexpr std::uint16_t alg_rsa = 1, alg_aes = 6, alg_sha256 = 0x000B, alg_null = 0x0010, alg_rsassa = 0x0014,
                        alg_cfb = 0x0043;
constexpr std::uint16_t rsa_bits = 2048, aes_bits = 128;
constexpr std::uint32_t generated_value = 0xFF544347, endorsement_hierarchy = 0x4000000B;
constexpr std::uint16_t st_attest_quote = 0x8018;
constexpr std::size_t sha256_size = 32;
constexpr std::string_view endorsement_policy =
    "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";

bytes copy(byte_view data) {
    return {data.begin(), data.end()};
}

// TPMT_SYM_DEF_OBJECT. False: neither AES-128 CFB nor null.
bool read_symmetric(octet_reader& in, bool& aes) {
    const std::uint16_t algorithm = in.u16();
    aes = algorithm == alg_aes;
    if (aes)
        return in.u16() == aes_bits && in.u16() == alg_cfb;
    return algorithm == alg_null;
}

bool read_scheme(octet_reader& in, bool& rsassa) {
    const std::uint16_t scheme = in.u16();
    rsassa = scheme == alg_rsassa;
    return rsassa ? in.u16() == alg_sha256 : scheme == alg_null;
}

std::string missing(const public_area& key, std::uint32_t wanted, std::uint32_t unwanted) {
    if ((key.attributes & wanted) == wanted && (key.attributes & unwanted) == 0)
        return {};
    return fmt::format("its attributes are 0x{:08X}: expected 0x{:08X} set and 0x{:08X} clear",
                       key.attributes, wanted, unwanted);
}

}  // namespace

std::optional<public_area> parse_public_area(byte_view data) {
    static constexpr std::uint32_t exponent = 65537;
    octet_reader in(data);
    public_area key;
    const std::uint16_t type = in.u16(), name_algorithm = in.u16();
    key.attributes = in.u32();
    key.policy = copy(in.raw(in.u16()));
    const bool symmetric = read_symmetric(in, key.symmetric_aes128_cfb);
    const bool scheme = read_scheme(in, key.rsassa_sha256);
    const std::uint16_t bits = in.u16();
    const std::uint32_t e = in.u32();
    key.modulus = copy(in.raw(in.u16()));
    if (!in.finished() || !symmetric || !scheme || type != alg_rsa || name_algorithm != alg_sha256 ||
        bits != rsa_bits || (e != 0 && e != exponent) || key.modulus.size() != rsa_size ||
        key.modulus[0] == std::byte{0})
        return std::nullopt;
    return key;
}

std::string refuse_endorsement_key(const public_area& key) {
    if (auto reason = missing(key, fixed_tpm | fixed_parent | sensitive_data_origin | restricted | decrypt,
                              sign_encrypt);
        !reason.empty())
        return reason;
    if (!key.symmetric_aes128_cfb || key.rsassa_sha256)
        return "it is no storage key with AES-128 CFB";
    if (to_hex(key.policy) != endorsement_policy)
        return "its policy is not PolicySecret of the endorsement hierarchy";
    return {};
}

std::string refuse_attestation_key(const public_area& key) {
    if (auto reason = missing(
            key, fixed_tpm | fixed_parent | sensitive_data_origin | restricted | sign_encrypt, decrypt);
        !reason.empty())
        return reason;
    if (key.symmetric_aes128_cfb || !key.rsassa_sha256)
        return "its scheme is not RSASSA with SHA-256";
    return {};
}

bytes object_name(byte_view public_area_octets) {
    return octet_writer().u16(alg_sha256).raw(sha256(public_area_octets)).take();
}

bytes endorsement_qualified_name(byte_view name) {
    const bytes text = octet_writer().u32(endorsement_hierarchy).raw(name).take();
    return octet_writer().u16(alg_sha256).raw(sha256(text)).take();
}

std::optional<attested_quote> parse_quote(byte_view attest, std::string& reason) {
    octet_reader in(attest);
    const std::uint32_t magic = in.u32();
    const std::uint16_t type = in.u16();
    if (magic != generated_value || type != st_attest_quote) {
        reason = magic != generated_value
                     ? fmt::format("its magic is {:08x}: it was not made inside a TPM", magic)
                     : fmt::format("its type is {:04x}, expected {:04x} (quote)", type, st_attest_quote);
        return std::nullopt;
    }
    attested_quote quote;
    quote.qualified_signer = copy(in.raw(in.u16()));
    quote.extra_data = copy(in.raw(in.u16()));
    in.u64();  // clock
    in.u32();  // resetCount
    in.u32();  // restartCount
    in.u8();   // safe
    in.u64();  // firmwareVersion
    const std::uint32_t selections = in.u32();
    for (std::uint32_t i = 0; i < selections && in.good(); ++i) {
        quote.one_sha256_selection = in.u16() == alg_sha256 && selections == 1;
        const byte_view map = in.raw(in.u8());
        for (std::size_t octet = 0; octet < map.size() && octet < selection_octets; ++octet)
            quote.pcr_mask |= std::to_integer<std::uint32_t>(map[octet]) << 8 * octet;
        quote.one_sha256_selection = quote.one_sha256_selection && map.size() == selection_octets;
    }
    quote.pcr_digest = copy(in.raw(in.u16()));
    if (in.finished())
        return quote;
    reason = "its fields do not fill it";
    return std::nullopt;
}

bytes rsassa_sha256_octets(byte_view signature) {
    octet_reader in(signature);
    const std::uint16_t scheme = in.u16(), hash = in.u16();
    bytes octets = copy(in.raw(in.u16()));
    return in.finished() && scheme == alg_rsassa && hash == alg_sha256 ? octets : bytes{};
}

bytes kdf_a(byte_view key, std::string_view label, byte_view context_u, byte_view context_v,
            std::uint32_t bits) {
    const std::size_t wanted = bits / 8;
    bytes out;
    for (std::uint32_t counter = 1; out.size() < wanted; ++counter) {
        octet_writer block;
        block.u32(counter).text(label).u8(0).raw(context_u).raw(context_v).u32(bits);
        const bytes part = hmac_sha256(key, block.take());
        out.insert(out.end(), part.begin(), part.end());
    }
    out.resize(wanted);
    return out;
}

credential make_credential(const public_area& ek, byte_view name, byte_view value, tpm::entropy_if& entropy) {
    bytes seed(sha256_size);
    entropy.fill(seed);
    const bytes inner = octet_writer().u16(static_cast<std::uint16_t>(value.size())).raw(value).take();
    const bytes encrypted =
        encrypt_cfb(kdf_a(seed, "STORAGE", name, {}, aes_size * 8), zeros(aes_size), inner);
    const bytes integrity_key = kdf_a(seed, "INTEGRITY", {}, {}, sha256_size * 8);
    const bytes integrity = hmac_sha256(integrity_key, octet_writer().raw(encrypted).raw(name).take());
    credential made;
    made.blob = octet_writer().u16(sha256_size).raw(integrity).raw(encrypted).take();
    made.secret = encrypt_oaep_sha256(ek.modulus, seed, "IDENTITY", entropy);
    return made;
}

bytes deep_quote20_inner(byte_view nonce, byte_view attest, byte_view signature, std::uint8_t locality) {
    const bytes quoted = sha1(octet_writer().raw(attest).raw(signature).take());
    const bytes external = sha1(octet_writer().raw(nonce).raw(quoted).take());
    return sha1(octet_writer().u32(0).text("DQT2").raw(external).u8(locality).take());
}

}  // namespace vtwin::models::remote
