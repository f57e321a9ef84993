#include "models/vtpmmgr/ctr_drbg.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <systemc>

namespace vtwin::models::manager {

void ctr_drbg::context_deleter::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

ctr_drbg::ctr_drbg(source entropy) : m_source(std::move(entropy)), m_cipher(EVP_CIPHER_CTX_new()) {
    const octets<key_size> zero{};
    const int made = EVP_EncryptInit_ex(m_cipher.get(), EVP_aes_256_ecb(), nullptr,
                                        reinterpret_cast<const unsigned char*>(zero.data()), nullptr);
    sc_assert(made == 1);
    EVP_CIPHER_CTX_set_padding(m_cipher.get(), 0);
}

ctr_drbg::~ctr_drbg() = default;

bool ctr_drbg::gather() {
    const bytes fresh = m_source(gather_size);
    m_pool.insert(m_pool.end(), fresh.begin(), fresh.end());
    return !fresh.empty();
}

bool ctr_drbg::seed() {
    const bool first = gather();
    return reseed() && first;
}

bool ctr_drbg::reseed() {
    m_requests = 0;
    if (!gather())
        return false;
    bytes digest(SHA512_DIGEST_LENGTH);
    SHA512(reinterpret_cast<const unsigned char*>(m_pool.data()), m_pool.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    octets<seed_size> input;
    std::copy_n(digest.begin(), seed_size, input.begin());
    update(input);
    m_pool = std::move(digest);  // later seeds depend on all earlier ones
    return true;
}

void ctr_drbg::next_block(std::span<std::byte> out) {
    for (std::size_t i = block_size; i-- > 0;) {
        m_counter[i] = std::byte(std::to_integer<unsigned>(m_counter[i]) + 1);
        if (m_counter[i] != std::byte{0})
            break;
    }
    int length = 0;
    EVP_EncryptUpdate(m_cipher.get(), reinterpret_cast<unsigned char*>(out.data()), &length,
                      reinterpret_cast<const unsigned char*>(m_counter.data()), block_size);
}

void ctr_drbg::update(const octets<seed_size>& input) {
    octets<seed_size> state;
    for (std::size_t at = 0; at < seed_size; at += block_size)
        next_block(std::span(state).subspan(at, block_size));
    for (std::size_t i = 0; i < seed_size; ++i)
        state[i] ^= input[i];
    EVP_EncryptInit_ex(m_cipher.get(), nullptr, nullptr, reinterpret_cast<const unsigned char*>(state.data()),
                       nullptr);
    std::copy_n(state.begin() + key_size, block_size, m_counter.begin());
}

void ctr_drbg::reseed_when_due() {
    if (m_requests >= reseed_interval)
        reseed();
}

void ctr_drbg::fill(std::span<std::byte> out) {
    reseed_when_due();
    fill_at_once(out);
}

void ctr_drbg::fill_at_once(std::span<std::byte> out) {
    ++m_requests;
    octets<block_size> block;
    for (std::size_t done = 0; done < out.size(); done += block_size) {
        next_block(block);
        std::copy_n(block.begin(), std::min(block_size, out.size() - done),
                    out.begin() + static_cast<long>(done));
    }
    update({});
}

}  // namespace vtwin::models::manager
