#include "models/chance.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <systemc>
#include <vector>

namespace vtwin::models {

namespace {

using key_t = std::array<unsigned char, 32>;

/// SHA-256 over the seed in big-endian order followed by the consumer's name.
key_t derive_key(std::uint64_t seed, std::string_view consumer) {
    std::vector<unsigned char> input;
    input.reserve(sizeof seed + consumer.size());
    for (int shift = 56; shift >= 0; shift -= 8) {
        input.push_back(static_cast<unsigned char>(seed >> shift));
    }
    input.insert(input.end(), consumer.begin(), consumer.end());
    key_t key{};
    unsigned int length = 0;
    const int ok = EVP_Digest(input.data(), input.size(), key.data(), &length, EVP_sha256(), nullptr);
    sc_assert(ok == 1 && length == key.size());
    return key;
}

struct cipher_deleter {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

}  // namespace

/// Keystream of ChaCha20 with counter and nonce zero, taken in blocks so that small draws stay cheap.
struct chance_stream::state {
    std::unique_ptr<EVP_CIPHER_CTX, cipher_deleter> context{EVP_CIPHER_CTX_new()};
    std::array<unsigned char, 256> block{};
    std::size_t used = block.size();

    void refill() {
        block.fill(0);
        int produced = 0;
        const int ok = EVP_EncryptUpdate(context.get(), block.data(), &produced, block.data(),
                                         static_cast<int>(block.size()));
        sc_assert(ok == 1 && produced == static_cast<int>(block.size()));
        used = 0;
    }
};

chance_stream::chance_stream(std::uint64_t seed, std::string_view consumer)
    : m_state(std::make_unique<state>()) {
    const key_t key = derive_key(seed, consumer);
    const std::array<unsigned char, 16> counter_and_nonce{};
    const int ok = EVP_EncryptInit_ex(m_state->context.get(), EVP_chacha20(), nullptr, key.data(),
                                      counter_and_nonce.data());
    sc_assert(ok == 1);
}

chance_stream::~chance_stream() = default;
chance_stream::chance_stream(chance_stream&&) noexcept = default;
chance_stream& chance_stream::operator=(chance_stream&&) noexcept = default;

void chance_stream::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        if (m_state->used == m_state->block.size()) {
            m_state->refill();
        }
        const std::size_t count = std::min(out.size(), m_state->block.size() - m_state->used);
        std::memcpy(out.data(), m_state->block.data() + m_state->used, count);
        m_state->used += count;
        out = out.subspan(count);
    }
}

std::uint64_t chance_stream::next_u64() {
    std::array<std::byte, 8> raw;
    fill(raw);
    std::uint64_t value = 0;
    for (const std::byte octet : raw) {
        value = (value << 8) | std::to_integer<std::uint64_t>(octet);
    }
    return value;
}

std::uint64_t chance_stream::below(std::uint64_t bound) {
    sc_assert(bound > 0);
    // Values below 2^64 mod bound would favour small results; they are drawn again.
    const std::uint64_t reject_below = (0 - bound) % bound;
    while (true) {
        const std::uint64_t value = next_u64();
        if (value >= reject_below) {
            return value % bound;
        }
    }
}

}  // namespace vtwin::models
