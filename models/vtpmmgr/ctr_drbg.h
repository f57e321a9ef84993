// The manager's random generator: CTR_DRBG with AES-256, fed only by the hardware TPM.
#pragma once

#include <functional>
#include <memory>

#include "models/vtpmmgr/crypto.h"
#include "tpm/ports.h"

namespace vtwin::models::manager {

/// NIST SP 800-90A CTR_DRBG (AES-256) with an entropy accumulator before it, in the shape of PolarSSL 1.1:
/// each gather asks the one source for 128 bytes, SHA-512 of all that was gathered is the seed input, and the
/// generator reseeds itself after 10 000 requests. It deviates from PolarSSL in that the first 48 bytes of
/// the hash are the seed as they are (no block cipher derivation function): the bytes differ, the traffic to
/// the TPM does not.
class ctr_drbg final : public tpm::entropy_if {
  public:
    /// Returns what the TPM gave (any number of bytes), empty on failure.
    using source = std::function<bytes(std::size_t wanted)>;

    explicit ctr_drbg(source entropy);
    ~ctr_drbg() override;

    /// One gather, then seeding with another. False when either gave nothing: the generator then stays keyed
    /// with zeros and gives predictable bytes.
    bool seed();
    void fill(std::span<std::byte> out) override;
    /// As fill, but never asks the source: the reseeding that is due waits for reseed_when_due or fill.
    void fill_at_once(std::span<std::byte> out);
    void reseed_when_due();

    template <std::size_t N>
    octets<N> draw() {
        octets<N> result;
        fill(result);
        return result;
    }

  private:
    static constexpr std::size_t key_size = 32, block_size = 16, seed_size = key_size + block_size;
    static constexpr std::size_t gather_size = 128;
    static constexpr std::uint32_t reseed_interval = 10000;

    bool gather();
    bool reseed();
    void next_block(std::span<std::byte> out);
    void update(const octets<seed_size>& input);

    struct context_deleter {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    source m_source;
    bytes m_pool;  ///< hash input so far; bounded by chaining, see gather
    std::unique_ptr<evp_cipher_ctx_st, context_deleter> m_cipher;
    aes_block m_counter{};
    std::uint32_t m_requests = 0;
};

}  // namespace vtwin::models::manager
