#include "tpm/engine/rsa_calls.h"

#include <dlfcn.h>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <systemc>
#include <utility>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tpm/codec/wire.h"
#include "tpm/engine/openssl_entropy.h"
#include "tpm/engine/rsa_memo.h"
#include "tpm/engine/self_test_key.h"

namespace vtwin::tpm {

namespace {

using generate_function = int(RSA*, int, BIGNUM*, BN_GENCB*);
using operate_function = int(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*, std::size_t);

struct release {
    void operator()(BIGNUM* number) const { BN_clear_free(number); }
    void operator()(RSA* key) const { RSA_free(key); }
    void operator()(BN_CTX* context) const { BN_CTX_free(context); }
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using number = std::unique_ptr<BIGNUM, release>;

template <typename Function>
Function* next(const char* name) {
    auto* const found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
    sc_assert(found != nullptr);
    return found;
}
generate_function* real_generate() {
    static auto* const real = next<generate_function>("RSA_generate_key_ex");
    return real;
}
operate_function* real_sign() {
    static auto* const real = next<operate_function>("EVP_PKEY_sign");
    return real;
}
operate_function* real_decrypt() {
    static auto* const real = next<operate_function>("EVP_PKEY_decrypt");
    return real;
}

/// A long stream from a short seed: the key stream of ChaCha20.
class expanded_seed final : public entropy_if {
  public:
    using seed = std::array<std::byte, 32>;
    explicit expanded_seed(const seed& key) : m_cipher(EVP_CIPHER_CTX_new()) {
        const std::array<unsigned char, 16> start{};
        const int made = EVP_EncryptInit_ex(m_cipher.get(), EVP_chacha20(), nullptr,
                                            reinterpret_cast<const unsigned char*>(key.data()), start.data());
        sc_assert(made == 1);
    }
    void fill(std::span<std::byte> out) override {
        std::ranges::fill(out, std::byte{0});
        auto* const text = reinterpret_cast<unsigned char*>(out.data());
        int done = 0;
        EVP_EncryptUpdate(m_cipher.get(), text, &done, text, static_cast<int>(out.size()));
    }

  private:
    std::unique_ptr<EVP_CIPHER_CTX, release> m_cipher;
};

bytes octets_of(const BIGNUM* value) {
    if (value == nullptr)
        return {};
    bytes out(static_cast<std::size_t>(BN_num_bytes(value)));
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

number number_of(byte_view octets) {
    return number(BN_bin2bn(reinterpret_cast<const unsigned char*>(octets.data()),
                            static_cast<int>(octets.size()), nullptr));
}

/// Everything in a key: n, e, d, p, q and the three numbers of the Chinese remainder theorem.
bytes encode(const std::array<const BIGNUM*, 8>& parts) {
    wire_writer text;
    for (const auto* part : parts)
        text.sized32(octets_of(part));
    return text.take();
}
bytes encode(const RSA* key) {
    return encode(std::array{RSA_get0_n(key), RSA_get0_e(key), RSA_get0_d(key), RSA_get0_p(key),
                             RSA_get0_q(key), RSA_get0_dmp1(key), RSA_get0_dmq1(key), RSA_get0_iqmp(key)});
}

int decode(byte_view text, RSA* key) {
    wire_reader reader(text);
    std::array<number, 8> part;
    for (auto& each : part)
        each = number_of(reader.sized32());
    if (!reader.ok())
        return 0;
    auto& [n, e, d, p, q, dp, dq, qinv] = part;
    return RSA_set0_key(key, n.release(), e.release(), d.release()) &&
           RSA_set0_factors(key, p.release(), q.release()) &&
           RSA_set0_crt_params(key, dp.release(), dq.release(), qinv.release());
}

/// A prime of that many bits, the upper two set, that goes with the exponent.
number prime_for(int bits, const BIGNUM* exponent, BN_CTX* context) {
    for (;;) {
        number prime(BN_new()), less_one(BN_new()), common(BN_new());
        if (BN_generate_prime_ex(prime.get(), bits, 0, nullptr, nullptr, nullptr) != 1 ||
            BN_sub(less_one.get(), prime.get(), BN_value_one()) != 1 ||
            BN_gcd(common.get(), less_one.get(), exponent, context) != 1)
            return nullptr;
        if (BN_is_one(common.get()))
            return prime;
    }
}

/// A key pair with random numbers from the current scope (FIPS 186-4 B.3.3 without its lower bounds on the
/// distance of the primes). OpenSSL's own generator does the same in constant time and takes more than twice
/// as long, which is most of what a run costs.
bytes make_pair(int bits, const BIGNUM* exponent) {
    const std::unique_ptr<BN_CTX, release> context(BN_CTX_new());
    auto p = prime_for((bits + 1) / 2, exponent, context.get());
    auto q = prime_for(bits / 2, exponent, context.get());
    if (p == nullptr || q == nullptr || BN_cmp(p.get(), q.get()) == 0)
        return {};
    if (BN_cmp(p.get(), q.get()) < 0)
        std::swap(p, q);
    const number n(BN_new()), p1(BN_new()), q1(BN_new()), phi(BN_new()), dp(BN_new()), dq(BN_new());
    BN_mul(n.get(), p.get(), q.get(), context.get());
    BN_sub(p1.get(), p.get(), BN_value_one());
    BN_sub(q1.get(), q.get(), BN_value_one());
    BN_mul(phi.get(), p1.get(), q1.get(), context.get());
    const number d(BN_mod_inverse(nullptr, exponent, phi.get(), context.get()));
    const number qinv(BN_mod_inverse(nullptr, q.get(), p.get(), context.get()));
    if (d == nullptr || qinv == nullptr || BN_num_bits(n.get()) != bits)
        return {};
    BN_mod(dp.get(), d.get(), p1.get(), context.get());
    BN_mod(dq.get(), d.get(), q1.get(), context.get());
    return encode({n.get(), exponent, d.get(), p.get(), q.get(), dp.get(), dq.get(), qinv.get()});
}

int generate(RSA* target, int bits, BIGNUM* exponent, entropy_if& entropy) {
    expanded_seed::seed seed;
    entropy.fill(seed);
    if (!entropy.works())
        return 0;
    const auto size = wire_writer().u32(static_cast<std::uint32_t>(bits)).take();
    const auto pair = rsa_memo::recall("key pair", {seed, size, octets_of(exponent)}, [&] {
        expanded_seed stream(seed);
        const openssl_entropy_scope scope(stream);
        return make_pair(bits, exponent);
    });
    return pair.empty() ? 0 : decode(pair, target);
}

std::uint32_t number_of(const EVP_MD* digest) {
    return digest == nullptr ? 0 : static_cast<std::uint32_t>(EVP_MD_get_type(digest));
}

/// What besides key and input decides about a signature; nullopt when chance does too.
std::optional<bytes> signature_parameters(EVP_PKEY_CTX* context) {
    int padding = 0;
    const EVP_MD* digest = nullptr;
    if (EVP_PKEY_CTX_get_rsa_padding(context, &padding) <= 0 || padding != RSA_PKCS1_PADDING)
        return std::nullopt;
    EVP_PKEY_CTX_get_signature_md(context, &digest);
    return wire_writer().u32(static_cast<std::uint32_t>(padding)).u32(number_of(digest)).take();
}

std::optional<bytes> decryption_parameters(EVP_PKEY_CTX* context) {
    int padding = 0;
    if (EVP_PKEY_CTX_get_rsa_padding(context, &padding) <= 0)
        return std::nullopt;
    wire_writer text;
    text.u32(static_cast<std::uint32_t>(padding));
    if (padding == RSA_PKCS1_OAEP_PADDING) {
        const EVP_MD *digest = nullptr, *mask = nullptr;
        unsigned char* label = nullptr;
        EVP_PKEY_CTX_get_rsa_oaep_md(context, &digest);
        EVP_PKEY_CTX_get_rsa_mgf1_md(context, &mask);
        const int size = EVP_PKEY_CTX_get0_rsa_oaep_label(context, &label);
        text.u32(number_of(digest)).u32(number_of(mask));
        text.raw({reinterpret_cast<const std::byte*>(label), static_cast<std::size_t>(size > 0 ? size : 0)});
    } else if (padding != RSA_PKCS1_PADDING && padding != RSA_NO_PADDING) {
        return std::nullopt;
    }
    return text.take();
}

/// A private operation whose result follows from key, parameters and input.
int recall_operation(const char* name, operate_function* real, const bytes& parameters, EVP_PKEY_CTX* context,
                     const RSA* key, unsigned char* out, std::size_t* out_size, const unsigned char* in,
                     std::size_t in_size) {
    const std::size_t room = *out_size;
    int code = 1;
    bool computed = false;
    const byte_view input(reinterpret_cast<const std::byte*>(in), in_size);
    // One octet before the result: an empty plain text is a result too.
    const auto result = rsa_memo::recall(name, {encode(key), parameters, input}, [&] {
        expanded_seed blinding(expanded_seed::seed{});
        const openssl_entropy_scope scope(blinding);
        code = real(context, out, out_size, in, in_size);
        computed = true;
        if (code != 1)
            return bytes{};
        bytes value(1 + *out_size);
        std::memcpy(value.data() + 1, out, *out_size);
        return value;
    });
    if (computed)
        return code;
    if (result.size() - 1 > room)
        return real(context, out, out_size, in, in_size);  // for its error
    *out_size = result.size() - 1;
    std::memcpy(out, result.data() + 1, *out_size);
    return 1;
}

const RSA* rsa_of(EVP_PKEY_CTX* context) {
    auto* const key = context != nullptr ? EVP_PKEY_CTX_get0_pkey(context) : nullptr;
    return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? EVP_PKEY_get0_RSA(key) : nullptr;
}

template <typename Parameters>
int operate(const char* name, operate_function* real, Parameters parameters_of, EVP_PKEY_CTX* context,
            unsigned char* out, std::size_t* out_size, const unsigned char* in, std::size_t in_size) {
    const auto* const key = out != nullptr ? rsa_of(context) : nullptr;
    const auto parameters = key != nullptr ? parameters_of(context) : std::nullopt;
    if (!parameters)
        return real(context, out, out_size, in, in_size);
    return recall_operation(name, real, *parameters, context, key, out, out_size, in, in_size);
}

}  // namespace

void use_own_rsa_calls() {}

}  // namespace vtwin::tpm

// These stand before OpenSSL's definitions in symbol lookup, also for libtpms.

extern "C" int RSA_generate_key_ex(RSA* target, int bits, BIGNUM* exponent, BN_GENCB* progress) {
    using namespace vtwin::tpm;
    if (self_test_key_scope::gives(bits))
        return self_test_key_scope::give(target, exponent);
    auto* const entropy = openssl_entropy_scope::current();
    return entropy != nullptr ? generate(target, bits, exponent, *entropy)
                              : real_generate()(target, bits, exponent, progress);
}

extern "C" int EVP_PKEY_sign(EVP_PKEY_CTX* context, unsigned char* out, std::size_t* out_size,
                             const unsigned char* in, std::size_t in_size) {
    using namespace vtwin::tpm;
    return operate("signature", real_sign(), signature_parameters, context, out, out_size, in, in_size);
}

extern "C" int EVP_PKEY_decrypt(EVP_PKEY_CTX* context, unsigned char* out, std::size_t* out_size,
                                const unsigned char* in, std::size_t in_size) {
    using namespace vtwin::tpm;
    return operate("decryption", real_decrypt(), decryption_parameters, context, out, out_size, in, in_size);
}
