// Cryptography of the manager's disk format. Every primitive is OpenSSL's; what is the manager's own is the
// form of the counter block and the places where the primitives are used. Source:
// stubdom/vtpmmgr/disk_crypto.c (form only).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "models/ports.h"

struct evp_cipher_ctx_st;

namespace vtwin::models::manager {

template <std::size_t N>
using octets = std::array<std::byte, N>;

using sha1_digest = octets<20>;
using sha256_digest = octets<32>;
using aes_key = octets<16>;
using aes_block = octets<16>;

sha1_digest sha1(byte_view data);
sha256_digest sha256(byte_view data);

/// Raw bytes of a trivially copyable structure.
template <typename T>
byte_view as_octets(const T& object) {
    return std::as_bytes(std::span<const T, 1>(&object, 1));
}

/// AES-128 under one key, in the two modes of the disk format. Contexts are kept, so a call allocates
/// nothing.
class sector_cipher {
  public:
    explicit sector_cipher(const aes_key& key);
    ~sector_cipher();
    sector_cipher(sector_cipher&&) noexcept;
    sector_cipher& operator=(sector_cipher&&) noexcept;

    /// Counter mode, in place. Block i of the keystream is AES(first), AES(first + 1), ... where the counter
    /// is the second half of the block as a little-endian 64-bit number that wraps without a carry into the
    /// first half.
    void ctr(const aes_block& first, std::span<std::byte> data) const;
    /// AES-CMAC (RFC 4493) over `data` whose length is a positive multiple of 16, as all uses of the format
    /// are.
    aes_block cmac(byte_view data) const;
    /// One block through the cipher; used to derive keys.
    aes_block encrypt(const aes_block& block) const;

  private:
    struct context_deleter {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    using context = std::unique_ptr<evp_cipher_ctx_st, context_deleter>;
    context m_ecb, m_cbc;
    aes_block m_subkey{};  ///< K1 of RFC 4493
};

/// Outcome of an RSASSA-PKCS1-v1_5 SHA-1 check with a 2048-bit modulus and e = 65537, as the manager reports
/// it.
enum class signature_check : std::uint32_t {
    good = 0,
    key_unusable = 32,  ///< zero or even modulus, or signature value not below it
    wrong_digest = 33,  ///< well formed, other digest
    wrong_padding = 39,
};
signature_check check_saa_signature(byte_view modulus, byte_view signature, const sha1_digest& digest);

/// Diffie-Hellman in RFC 3526 group 14 with g = 2: both results 256 bytes, big-endian.
struct dh_result {
    octets<256> public_value;  ///< 2^x
    octets<256> shared;        ///< peer^x
};
std::optional<dh_result> dh_group14(byte_view private_exponent, byte_view peer);

}  // namespace vtwin::models::manager
