#include "tpm/engine/rsa_calls.h"

#include <dlfcn.h>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <systemc>
#include <utility>

#include <gmpxx.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "tpm/codec/wire.h"
#include "tpm/engine/openssl_entropy.h"
#include "tpm/engine/rsa_memo.h"
#include "tpm/engine/self_test_key.h"

namespace vtwin::tpm {

namespace {

using generate_function = int(RSA*, int, BIGNUM*, BN_GENCB*);
using operate_function = int(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*, std::size_t);
using sign_function = int(int, const unsigned char*, unsigned int, unsigned char*, unsigned int*, RSA*);
using encrypt_function = int(int, const unsigned char*, unsigned char*, RSA*, int);

// OpenSSL's calls take no context of ours: this is it.
rsa_keys s_keys = rsa_keys::drawn;
bool s_inside = false;  // OpenSSL calls its own functions through the symbols that stand here

/// While it lives, calls come from inside OpenSSL and are not remembered a second time.
class inside_openssl {
  public:
    inside_openssl() : m_outer(std::exchange(s_inside, true)) {}
    ~inside_openssl() { s_inside = m_outer; }
    inside_openssl(const inside_openssl&) = delete;
    inside_openssl& operator=(const inside_openssl&) = delete;

  private:
    bool m_outer;
};

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

sign_function* real_rsa_sign() {
    static auto* const real = next<sign_function>("RSA_sign");
    return real;
}
encrypt_function* real_private_encrypt() {
    static auto* const real = next<encrypt_function>("RSA_private_encrypt");
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

/// A prime of that many bits, the upper two set, that goes with the exponent: the next one after random
/// octets.
number prime_for(int bits, const BIGNUM* exponent, BN_CTX* context) {
    mpz_class prime;
    for (;;) {
        bytes octets(static_cast<std::size_t>((bits + 7) / 8));
        if (RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(octets.size())) != 1)
            return nullptr;
        mpz_import(prime.get_mpz_t(), octets.size(), 1, 1, 1, 0, octets.data());
        mpz_fdiv_r_2exp(prime.get_mpz_t(), prime.get_mpz_t(), static_cast<mp_bitcnt_t>(bits));
        mpz_setbit(prime.get_mpz_t(), static_cast<mp_bitcnt_t>(bits - 1));
        mpz_setbit(prime.get_mpz_t(), static_cast<mp_bitcnt_t>(bits - 2));
        mpz_nextprime(prime.get_mpz_t(), prime.get_mpz_t());
        const auto text = prime.get_str(16);
        BIGNUM* parsed = nullptr;
        if (BN_hex2bn(&parsed, text.c_str()) == 0)
            return nullptr;
        number found(parsed);
        const number less_one(BN_dup(found.get())), common(BN_new());
        if (BN_sub_word(less_one.get(), 1) != 1 ||
            BN_gcd(common.get(), less_one.get(), exponent, context) != 1)
            return nullptr;
        if (BN_num_bits(found.get()) == bits && BN_is_one(common.get()))
            return found;
    }
}

/// The key pair of two primes; empty when they make none of that size (FIPS 186-4 B.3.3 without its lower
/// bounds on the distance of the primes).
bytes pair_of(number p, number q, int bits, const BIGNUM* exponent, BN_CTX* context) {
    if (p == nullptr || q == nullptr || BN_cmp(p.get(), q.get()) == 0)
        return {};
    if (BN_cmp(p.get(), q.get()) < 0)
        std::swap(p, q);
    const number n(BN_new()), p1(BN_new()), q1(BN_new()), phi(BN_new()), dp(BN_new()), dq(BN_new());
    BN_mul(n.get(), p.get(), q.get(), context);
    BN_sub(p1.get(), p.get(), BN_value_one());
    BN_sub(q1.get(), q.get(), BN_value_one());
    BN_mul(phi.get(), p1.get(), q1.get(), context);
    const number d(BN_mod_inverse(nullptr, exponent, phi.get(), context));
    const number qinv(BN_mod_inverse(nullptr, q.get(), p.get(), context));
    if (d == nullptr || qinv == nullptr || BN_num_bits(n.get()) != bits)
        return {};
    BN_mod(dp.get(), d.get(), p1.get(), context);
    BN_mod(dq.get(), d.get(), q1.get(), context);
    return encode({n.get(), exponent, d.get(), p.get(), q.get(), dp.get(), dq.get(), qinv.get()});
}

/// A key pair whose randomness is all in the seed. OpenSSL's own generator works in constant time, tests each
/// prime 64 times and takes four times as long, which would be most of what a run costs.
bytes drawn_pair(int bits, const BIGNUM* exponent, const expanded_seed::seed& seed) {
    const std::unique_ptr<BN_CTX, release> context(BN_CTX_new());
    expanded_seed stream(seed);
    const openssl_entropy_scope scope(stream);
    auto p = prime_for((bits + 1) / 2, exponent, context.get());
    auto q = prime_for(bits / 2, exponent, context.get());
    return pair_of(std::move(p), std::move(q), bits, exponent, context.get());
}

/// One of the 256 primes of that size in the pool.
number pooled_prime(std::byte which, int bits, const BIGNUM* exponent, BN_CTX* context) {
    const expanded_seed::seed seed{which};
    const auto size = wire_writer().u32(static_cast<std::uint32_t>(bits)).take();
    const auto octets = rsa_memo::recall("pooled prime", {seed, size, octets_of(exponent)}, [&] {
        expanded_seed stream(seed);
        const openssl_entropy_scope scope(stream);
        return octets_of(prime_for(bits, exponent, context).get());
    });
    return number_of(octets);
}

bytes pooled_pair(int bits, const BIGNUM* exponent, const expanded_seed::seed& seed) {
    const std::unique_ptr<BN_CTX, release> context(BN_CTX_new());
    const auto other = seed[1] != seed[0] ? seed[1] : ~seed[0];
    return pair_of(pooled_prime(seed[0], (bits + 1) / 2, exponent, context.get()),
                   pooled_prime(other, bits / 2, exponent, context.get()), bits, exponent, context.get());
}

int generate(RSA* target, int bits, BIGNUM* exponent, entropy_if& entropy) {
    expanded_seed::seed seed;
    entropy.fill(seed);
    if (!entropy.works())
        return 0;
    const bool pooled = s_keys == rsa_keys::pooled;
    const auto size = wire_writer().u32(static_cast<std::uint32_t>(bits)).take();
    const auto decides = byte_view(seed).first(pooled ? 2 : seed.size());
    const auto pair =
        rsa_memo::recall(pooled ? "pooled pair" : "key pair", {decides, size, octets_of(exponent)},
                         [&] { return (pooled ? pooled_pair : drawn_pair)(bits, exponent, seed); });
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

byte_view view(const unsigned char* octets, std::size_t size) {
    return {reinterpret_cast<const std::byte*>(octets), size};
}

/// A private operation whose result follows from its parts. `compute` leaves the result in `out`, its size in
/// `size`, and returns OpenSSL's code, 1 for success. Blinding has numbers of its own.
template <typename Compute>
int recall_operation(const char* name, std::initializer_list<byte_view> parts, std::span<unsigned char> out,
                     std::size_t& size, Compute compute) {
    const auto compute_apart = [&] {
        expanded_seed blinding(expanded_seed::seed{});
        const openssl_entropy_scope scope(blinding);
        const inside_openssl inside;
        return compute();
    };
    std::optional<int> code;
    // One octet before the result: an empty plain text is a result too.
    const auto result = rsa_memo::recall(name, parts, [&] {
        code = compute_apart();
        if (*code != 1)
            return bytes{};
        bytes value(1 + size);
        std::memcpy(value.data() + 1, out.data(), size);
        return value;
    });
    if (code)
        return *code;
    if (result.size() - 1 > out.size())
        return compute_apart();  // for its error
    size = result.size() - 1;
    std::memcpy(out.data(), result.data() + 1, size);
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
    if (!parameters || s_inside) {
        const inside_openssl inside;
        return real(context, out, out_size, in, in_size);
    }
    return recall_operation(name, {encode(key), *parameters, view(in, in_size)}, {out, *out_size}, *out_size,
                            [&] { return real(context, out, out_size, in, in_size); });
}

/// The octets of a key's modulus: what a signature takes.
std::size_t modulus_octets(const RSA* key) {
    return static_cast<std::size_t>(RSA_size(key));
}

int sign(int type, const unsigned char* digest, unsigned int digest_size, unsigned char* out,
         unsigned int* out_size, RSA* key) {
    if (s_inside)
        return real_rsa_sign()(type, digest, digest_size, out, out_size, key);
    std::size_t size = 0;
    const auto parameters = wire_writer().u32(static_cast<std::uint32_t>(type)).take();
    const int code = recall_operation("RSA_sign", {encode(key), parameters, view(digest, digest_size)},
                                      {out, modulus_octets(key)}, size, [&] {
                                          const int made =
                                              real_rsa_sign()(type, digest, digest_size, out, out_size, key);
                                          size = made == 1 ? *out_size : 0;
                                          return made;
                                      });
    *out_size = static_cast<unsigned int>(size);
    return code;
}

int private_encrypt(int in_size, const unsigned char* in, unsigned char* out, RSA* key, int padding) {
    if (s_inside || in_size < 0)
        return real_private_encrypt()(in_size, in, out, key, padding);
    std::size_t size = 0;
    int made = 0;
    const auto parameters = wire_writer().u32(static_cast<std::uint32_t>(padding)).take();
    const int code = recall_operation("RSA_private_encrypt",
                                      {encode(key), parameters, view(in, static_cast<std::size_t>(in_size))},
                                      {out, modulus_octets(key)}, size, [&] {
                                          made = real_private_encrypt()(in_size, in, out, key, padding);
                                          size = made > 0 ? static_cast<std::size_t>(made) : 0;
                                          return made > 0 ? 1 : made;
                                      });
    return code == 1 ? static_cast<int>(size) : code;
}

}  // namespace

void use_own_rsa_calls() {}

rsa_keys_scope::rsa_keys_scope(rsa_keys keys) : m_outer(std::exchange(s_keys, keys)) {}

rsa_keys_scope::~rsa_keys_scope() {
    s_keys = m_outer;
}

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

extern "C" int RSA_sign(int type, const unsigned char* digest, unsigned int digest_size, unsigned char* out,
                        unsigned int* out_size, RSA* key) {
    return vtwin::tpm::sign(type, digest, digest_size, out, out_size, key);
}

extern "C" int RSA_private_encrypt(int in_size, const unsigned char* in, unsigned char* out, RSA* key,
                                   int padding) {
    return vtwin::tpm::private_encrypt(in_size, in, out, key, padding);
}
