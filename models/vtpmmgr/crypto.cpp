#include "models/vtpmmgr/crypto.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <systemc>

namespace vtwin::models::manager {

namespace {

const unsigned char* in(byte_view data) {
    return reinterpret_cast<const unsigned char*>(data.data());
}
unsigned char* out(std::span<std::byte> data) {
    return reinterpret_cast<unsigned char*>(data.data());
}

aes_block doubled(const aes_block& block) {
    aes_block result;
    unsigned carry = 0;
    for (std::size_t i = block.size(); i-- > 0;) {
        const unsigned value = (std::to_integer<unsigned>(block[i]) << 1) | carry;
        result[i] = std::byte(value);
        carry = value >> 8 & 1;
    }
    if (carry != 0)
        result[15] ^= std::byte{0x87};
    return result;
}

struct bn_deleter {
    void operator()(BIGNUM* number) const { BN_free(number); }
};
struct bn_ctx_deleter {
    void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using bignum = std::unique_ptr<BIGNUM, bn_deleter>;
using bignum_context = std::unique_ptr<BN_CTX, bn_ctx_deleter>;

bignum number(byte_view data) {
    return bignum(BN_bin2bn(in(data), static_cast<int>(data.size()), nullptr));
}

/// DigestInfo of SHA-1 (PKCS #1).
constexpr unsigned char sha1_prefix[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E,
                                         0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14};

}  // namespace

sha1_digest sha1(byte_view data) {
    sha1_digest digest;
    SHA1(in(data), data.size(), out(digest));
    return digest;
}

sha256_digest sha256(byte_view data) {
    sha256_digest digest;
    SHA256(in(data), data.size(), out(digest));
    return digest;
}

void sector_cipher::context_deleter::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

sector_cipher::sector_cipher(const aes_key& key) : m_ecb(EVP_CIPHER_CTX_new()), m_cbc(EVP_CIPHER_CTX_new()) {
    const aes_block zero{};
    const int ecb = EVP_EncryptInit_ex(m_ecb.get(), EVP_aes_128_ecb(), nullptr, in(key), nullptr);
    const int cbc = EVP_EncryptInit_ex(m_cbc.get(), EVP_aes_128_cbc(), nullptr, in(key), in(zero));
    sc_assert(ecb == 1 && cbc == 1);
    EVP_CIPHER_CTX_set_padding(m_ecb.get(), 0);
    EVP_CIPHER_CTX_set_padding(m_cbc.get(), 0);
    m_subkey = doubled(encrypt(zero));
}

sector_cipher::~sector_cipher() = default;
sector_cipher::sector_cipher(sector_cipher&&) noexcept = default;
sector_cipher& sector_cipher::operator=(sector_cipher&&) noexcept = default;

aes_block sector_cipher::encrypt(const aes_block& block) const {
    aes_block result;
    int length = 0;
    EVP_EncryptUpdate(m_ecb.get(), out(result), &length, in(block), static_cast<int>(block.size()));
    return result;
}

void sector_cipher::ctr(const aes_block& first, std::span<std::byte> data) const {
    constexpr std::size_t batch = 1024;
    std::array<std::byte, batch> stream;
    std::uint64_t counter;
    std::memcpy(&counter, first.data() + 8, sizeof counter);  // the format's counter is x86's byte order
    for (std::size_t done = 0; done < data.size(); done += batch) {
        const std::size_t wanted = std::min(batch, data.size() - done);
        const std::size_t blocks = (wanted + 15) / 16;
        for (std::size_t i = 0; i < blocks; ++i, ++counter) {
            std::memcpy(stream.data() + 16 * i, first.data(), 8);
            std::memcpy(stream.data() + 16 * i + 8, &counter, 8);
        }
        int length = 0;
        EVP_EncryptUpdate(m_ecb.get(), out(stream), &length, in(stream), static_cast<int>(16 * blocks));
        for (std::size_t i = 0; i < wanted; ++i)
            data[done + i] ^= stream[i];
    }
}

aes_block sector_cipher::cmac(byte_view data) const {
    sc_assert(!data.empty() && data.size() % 16 == 0);
    constexpr std::size_t batch = 1024;
    std::array<std::byte, batch> scratch;
    const aes_block zero{};
    EVP_EncryptInit_ex(m_cbc.get(), nullptr, nullptr, nullptr, in(zero));
    const std::size_t body = data.size() - 16;
    int length = 0;
    for (std::size_t done = 0; done < body; done += batch) {
        const std::size_t wanted = std::min(batch, body - done);
        EVP_EncryptUpdate(m_cbc.get(), out(scratch), &length, in(data.subspan(done)),
                          static_cast<int>(wanted));
    }
    aes_block last;
    for (std::size_t i = 0; i < 16; ++i)
        last[i] = data[body + i] ^ m_subkey[i];
    aes_block mac;
    EVP_EncryptUpdate(m_cbc.get(), out(mac), &length, in(last), 16);
    return mac;
}

signature_check check_saa_signature(byte_view modulus, byte_view signature, const sha1_digest& digest) {
    const bignum n = number(modulus), s = number(signature), e(BN_new());
    const bignum_context context(BN_CTX_new());
    BN_set_word(e.get(), 65537);
    // An even or zero modulus is the stub group's unclaimed key or nonsense.
    if (!BN_is_odd(n.get()) || BN_cmp(s.get(), n.get()) >= 0)
        return signature_check::key_unusable;
    const bignum m(BN_new());
    if (BN_mod_exp(m.get(), s.get(), e.get(), n.get(), context.get()) != 1)
        return signature_check::key_unusable;
    octets<256> message;
    if (BN_bn2binpad(m.get(), out(message), message.size()) < 0)
        return signature_check::key_unusable;
    octets<256> expected;
    expected.fill(std::byte{0xFF});
    expected[0] = std::byte{0};
    expected[1] = std::byte{1};
    constexpr std::size_t info = 256 - 20 - sizeof sha1_prefix;
    expected[info - 1] = std::byte{0};
    std::memcpy(expected.data() + info, sha1_prefix, sizeof sha1_prefix);
    if (!std::equal(expected.begin(), expected.begin() + 236, message.begin()))
        return signature_check::wrong_padding;
    return std::equal(digest.begin(), digest.end(), message.begin() + 236) ? signature_check::good
                                                                           : signature_check::wrong_digest;
}

std::optional<dh_result> dh_group14(byte_view private_exponent, byte_view peer) {
    const bignum p(BN_get_rfc3526_prime_2048(nullptr)), x = number(private_exponent), y = number(peer);
    const bignum g(BN_new()), result(BN_new());
    const bignum_context context(BN_CTX_new());
    BN_set_word(g.get(), 2);
    dh_result both;
    if (BN_mod_exp(result.get(), g.get(), x.get(), p.get(), context.get()) != 1 ||
        BN_bn2binpad(result.get(), out(both.public_value), 256) < 0)
        return std::nullopt;
    if (BN_mod_exp(result.get(), y.get(), x.get(), p.get(), context.get()) != 1 ||
        BN_bn2binpad(result.get(), out(both.shared), 256) < 0)
        return std::nullopt;
    return both;
}

}  // namespace vtwin::models::manager
