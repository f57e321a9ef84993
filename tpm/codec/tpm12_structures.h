// Structures of the TPM 1.2 wire (TPM Main Part 2), as values with an encoder and a bounded parser each. A
// parser that meets something malformed makes its reader fail.
#pragma once

#include <cstdint>
#include <span>

#include "tpm/codec/tpm12_constants.h"
#include "tpm/codec/wire.h"

namespace vtwin::tpm::tpm12 {

/// TPM_PCR_SELECTION: u16 size, bit map with PCR 0 in bit 0 of the first byte.
struct pcr_selection {
    bytes map;

    /// Bit i of `mask` selects PCR i; `map_size` bytes on the wire (3 for 24 PCRs).
    static pcr_selection of(std::uint32_t mask, std::size_t map_size = 3);
    bool selects(std::size_t pcr) const;
    bool none() const;
    void write(wire_writer& out) const { out.sized16(map); }
    static pcr_selection read(wire_reader& in) { return {in.sized16()}; }
};

/// TPM_PCR_COMPOSITE over the selected of `pcrs`: selection, u32 size, values. PCRs beyond the given ones are
/// left out.
bytes pcr_composite(const pcr_selection& selection, std::span<const digest> pcrs);
/// TPM_COMPOSITE_HASH: SHA-1 of the composite, or 20 zero bytes when no PCR is selected.
digest composite_hash(const pcr_selection& selection, std::span<const digest> pcrs);

/// TPM_PCR_INFO_LONG, 54 bytes with selections of 3 bytes. Localities are bit masks (bit n: locality n).
struct pcr_info_long {
    std::uint8_t locality_at_creation = 1;
    std::uint8_t locality_at_release = 1;
    pcr_selection creation_selection;
    pcr_selection release_selection;
    digest digest_at_creation{};
    digest digest_at_release{};

    bytes encode() const;
    static pcr_info_long read(wire_reader& in);
};

/// TPM_PCR_INFO_SHORT, 26 bytes with a selection of 3 bytes.
struct pcr_info_short {
    pcr_selection selection;
    std::uint8_t locality_at_release = 1;
    digest digest_at_release{};

    bytes encode() const;
    static pcr_info_short read(wire_reader& in);
};

/// TPM_KEY_PARMS of an RSA key with two primes. An empty exponent stands for 65537.
struct key_parms {
    std::uint32_t algorithm = alg::rsa;
    std::uint16_t enc_scheme = enc::none;
    std::uint16_t sig_scheme = sig::none;
    std::uint32_t key_bits = 2048;
    std::uint32_t primes = 2;
    bytes exponent = {};

    void write(wire_writer& out) const;
    static key_parms read(wire_reader& in);
};

/// TPM_PUBKEY: 284 bytes for 2048 bits.
struct public_key {
    key_parms parms;
    bytes modulus;

    bytes encode() const;
    static public_key read(wire_reader& in);
};

/// TPM_KEY (version 1.1.0.0) and TPM_KEY12 (read only as far as both agree). Without modulus and encData it
/// is the template of a key to be made: 47 bytes.
struct key {
    std::array<std::byte, 4> version{std::byte{1}, std::byte{1}};
    std::uint16_t usage = 0;
    std::uint32_t flags = 0;
    std::uint8_t auth_data_usage = 1;  ///< TPM_AUTH_ALWAYS
    key_parms parms;
    bytes pcr_info;
    bytes modulus;
    bytes enc_data;

    static key storage_template();   ///< SRK: OAEP, no signature scheme
    static key identity_template();  ///< AIK: no encryption scheme, PKCS#1 v1.5 SHA-1
    static key signing_template();   ///< signing key: as the AIK, usage signing

    bytes encode() const;
    static key read(wire_reader& in);
    public_key public_part() const { return {parms, modulus}; }
};

/// TPM_STORED_DATA12, or TPM_STORED_DATA, which has the version 1.1.0.0 in the place of tag and entity type.
struct stored_data {
    std::uint16_t tag = tag_stored_data12;
    std::uint16_t entity_type = 0;
    bytes seal_info;
    bytes enc_data;

    bytes encode() const;
    static stored_data read(wire_reader& in);
};

/// TPM_QUOTE_INFO, 48 bytes: what TPM_Quote signs.
bytes quote_info(const digest& composite, const digest& external_data);
/// TPM_QUOTE_INFO2 with the octets of a TPM_PCR_INFO_SHORT: what TPM_Quote2 signs when no version is asked
/// for.
bytes quote_info2(byte_view pcr_info, const digest& external_data);
/// TPM_IDENTITY_CONTENTS: what TPM_MakeIdentity signs.
bytes identity_contents(const digest& label_digest, const public_key& identity);

/// TPM_SYMMETRIC_KEY
struct symmetric_key {
    std::uint32_t algorithm = alg::aes128;
    std::uint16_t enc_scheme = enc::none;
    bytes data;

    bytes encode() const;
    static symmetric_key read(wire_reader& in);
};
/// TPM_ASYM_CA_CONTENTS: what a privacy CA encrypts under the EK for TPM_ActivateIdentity.
bytes asym_ca_contents(const symmetric_key& session, const public_key& identity);

}  // namespace vtwin::tpm::tpm12
