// RSA that is remembered: the same octets with and without a memo, in every process that shares it.
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tests/tpm/support.h"
#include "tpm/engine/openssl_entropy.h"
#include "tpm/engine/rsa_calls.h"
#include "tpm/engine/rsa_memo.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;

namespace {

memo_digest digest(std::uint8_t first, std::uint8_t last = 0) {
    memo_digest value{};
    value.front() = std::byte{first};
    value.back() = std::byte{last};
    return value;
}

template <typename Work>
int status_of_child(Work work) {
    const pid_t child = fork();
    if (child == 0) {
        work();
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

struct key_pair {
    explicit key_pair(entropy_if& entropy, int bits = 1024) : rsa(RSA_new()), key(EVP_PKEY_new()) {
        use_own_rsa_calls();
        const openssl_entropy_scope scope(entropy);
        BIGNUM* const exponent = BN_new();
        BN_set_word(exponent, 65537);
        REQUIRE(RSA_generate_key_ex(rsa, bits, exponent, nullptr) == 1);
        BN_free(exponent);
        REQUIRE(EVP_PKEY_assign_RSA(key, rsa) == 1);
    }
    ~key_pair() { EVP_PKEY_free(key); }
    key_pair(const key_pair&) = delete;
    std::string modulus() const {
        char* const text = BN_bn2hex(RSA_get0_n(rsa));
        const std::string result = text;
        OPENSSL_free(text);
        return result;
    }

    RSA* rsa;
    EVP_PKEY* key;
};

/// One operation of a key; "refused" when OpenSSL fails.
std::string operation(const key_pair& key, bool sign, int padding, byte_view in, std::size_t room = 128) {
    EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(key.key, nullptr);
    REQUIRE((sign ? EVP_PKEY_sign_init(context) : EVP_PKEY_decrypt_init(context)) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1);
    if (sign)
        REQUIRE(EVP_PKEY_CTX_set_signature_md(context, EVP_sha1()) == 1);
    bytes out(room);
    std::size_t size = room;
    const auto* const from = reinterpret_cast<const unsigned char*>(in.data());
    auto* const to = reinterpret_cast<unsigned char*>(out.data());
    const int code = sign ? EVP_PKEY_sign(context, to, &size, from, in.size())
                          : EVP_PKEY_decrypt(context, to, &size, from, in.size());
    EVP_PKEY_CTX_free(context);
    return code == 1 ? to_hex({out.data(), size}) : "refused";
}

bytes encrypted(const key_pair& key, int padding, byte_view plain) {
    EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(key.key, nullptr);
    REQUIRE(EVP_PKEY_encrypt_init(context) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1);
    bytes out(128);
    std::size_t size = out.size();
    REQUIRE(EVP_PKEY_encrypt(context, reinterpret_cast<unsigned char*>(out.data()), &size,
                             reinterpret_cast<const unsigned char*>(plain.data()), plain.size()) == 1);
    EVP_PKEY_CTX_free(context);
    return out;
}

/// A signature as libtpms' TPM 1.2 makes it; "refused" when OpenSSL fails.
std::string signature(const key_pair& key, byte_view digest) {
    bytes out(128);
    unsigned int size = 0;
    const int code = RSA_sign(NID_sha1, reinterpret_cast<const unsigned char*>(digest.data()),
                              static_cast<unsigned int>(digest.size()),
                              reinterpret_cast<unsigned char*>(out.data()), &size, key.rsa);
    return code == 1 ? to_hex({out.data(), size}) : "refused";
}

/// The bare private operation with PKCS#1 v1.5 padding; "refused" when OpenSSL fails.
std::string private_encryption(const key_pair& key, byte_view in) {
    bytes out(128);
    const int size =
        RSA_private_encrypt(static_cast<int>(in.size()), reinterpret_cast<const unsigned char*>(in.data()),
                            reinterpret_cast<unsigned char*>(out.data()), key.rsa, RSA_PKCS1_PADDING);
    return size > 0 ? to_hex({out.data(), static_cast<std::size_t>(size)}) : "refused";
}

/// Everything about an engine that RSA could change, in one text.
std::string story_of_an_engine() {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    return tpm(startup_12) + tpm("00c1 0000000a 00000050") + tpm(create_ek_12) + tpm(get_random_12) +
           std::to_string(tpm.entropy.drawn()) + to_hex(tpm.engine.get_state(state_kind::permanent));
}

}  // namespace

TEST_CASE("what a memo was given it gives back and nothing else") {
    shared_memo memo(1 << 20);
    CHECK_FALSE(memo.find(digest(1)));
    CHECK(memo.insert(digest(1), from_hex("0102")));
    CHECK(memo.insert(digest(2), {}));
    CHECK(memo.insert(digest(1, 1), from_hex("03")));  // same place, another key
    CHECK(to_hex(*memo.find(digest(1))) == "0102");
    CHECK(memo.find(digest(2))->empty());
    CHECK(to_hex(*memo.find(digest(1, 1))) == "03");
    CHECK_FALSE(memo.find(digest(1, 2)));
    CHECK_FALSE(memo.insert(digest(1), from_hex("04")));
    CHECK(to_hex(*memo.find(digest(1))) == "0102");
    CHECK(memo.entries() == 3);
    CHECK(memo.hits() == 4);
    CHECK(memo.misses() == 2);
}

TEST_CASE("a full memo keeps what it has and takes no more") {
    shared_memo memo(1);
    REQUIRE(memo.capacity() == 64 * 1024);
    const bytes value(4096, std::byte{7});
    std::uint8_t taken = 0;
    while (memo.insert(digest(std::uint8_t(taken + 1)), value))
        ++taken;
    CHECK(taken >= 13);
    CHECK(taken < 16);
    for (std::uint8_t i = 1; i <= taken; ++i)
        CHECK(memo.find(digest(i)) == value);
    CHECK_FALSE(memo.find(digest(std::uint8_t(taken + 1))));
    CHECK_FALSE(memo.insert(digest(200), bytes(1 << 20)));  // larger than everything
}

TEST_CASE("keys that meet in one place beyond the longest probe are not taken") {
    shared_memo memo(1 << 20);
    std::uint8_t taken = 0;
    while (taken < 255 && memo.insert(digest(9, taken), from_hex("aa")))
        ++taken;
    CHECK(taken == 64);
    CHECK(memo.find(digest(9, 63)));
    CHECK_FALSE(memo.find(digest(9, 64)));
}

TEST_CASE("processes of one family read what any of them wrote") {
    shared_memo memo(1 << 20);
    CHECK(status_of_child([&] { memo.insert(digest(1), from_hex("11")); }) == 0);
    CHECK(to_hex(*memo.find(digest(1))) == "11");
    const int status = status_of_child([&] {
        const auto known = memo.find(digest(1));
        _exit(known && to_hex(*known) == "11" ? 7 : 1);
    });
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("children that are killed while they insert leave a memo that works") {
    shared_memo memo(8 << 20);
    const bytes value(900, std::byte{5});
    std::vector<pid_t> children;
    for (std::uint8_t child = 0; child < 4; ++child) {
        children.push_back(fork());
        if (children.back() == 0) {
            for (std::uint32_t i = 0;; ++i) {
                memo_digest key = digest(std::uint8_t(i), child);
                std::memcpy(key.data() + 1, &i, sizeof i);
                memo.insert(key, value);
            }
        }
    }
    while (memo.entries() < 200)
        usleep(100);
    for (const pid_t child : children) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    std::uint64_t whole = 0;
    for (std::uint8_t child = 0; child < 4; ++child)
        for (std::uint32_t i = 0; i < 20'000; ++i) {
            memo_digest key = digest(std::uint8_t(i), child);
            std::memcpy(key.data() + 1, &i, sizeof i);
            const auto found = memo.find(key);
            REQUIRE((!found || *found == value));
            whole += found.has_value();
        }
    CHECK(whole >= 200);
    CHECK(whole <= memo.entries());
}

TEST_CASE("a pure function is computed once with a memo and each time without") {
    int computed = 0;
    const auto call = [&](std::string_view function, byte_view part) {
        return to_hex(rsa_memo::recall(function, {part}, [&] {
            ++computed;
            return bytes(part.begin(), part.end());
        }));
    };
    CHECK(call("f", from_hex("01")) == "01");
    CHECK(call("f", from_hex("01")) == "01");
    CHECK(computed == 2);
    rsa_memo::share(1 << 20);
    for (int i = 0; i < 3; ++i) {
        CHECK(call("f", from_hex("01")) == "01");
        CHECK(call("f", from_hex("02")) == "02");
        CHECK(call("g", from_hex("01")) == "01");
    }
    CHECK(computed == 5);
    CHECK(rsa_memo::statistics().entries == 3);
    CHECK(rsa_memo::statistics().hits == 6);
    call("f", {});  // failure: asked again
    call("f", {});
    CHECK(computed == 7);
    rsa_memo::stop();
    call("f", from_hex("01"));
    CHECK(computed == 8);
    CHECK(rsa_memo::statistics().entries == 0);
}

TEST_CASE("a key pair is a function of 32 octets of its consumer") {
    seeded_entropy first(1), again(1), other(2);
    const key_pair a(first), b(again), c(other);
    CHECK(a.modulus() == b.modulus());
    CHECK(a.modulus() != c.modulus());
    CHECK(RSA_check_key(a.rsa) == 1);
    CHECK(first.drawn() == 32);
    CHECK(other.drawn() == 32);
    rsa_memo::share(1 << 20);
    seeded_entropy third(1), fourth(1);
    const key_pair made(third), remembered(fourth);
    CHECK(rsa_memo::statistics().hits == 1);
    CHECK(made.modulus() == a.modulus());
    CHECK(remembered.modulus() == a.modulus());
    CHECK(RSA_check_key(remembered.rsa) == 1);
    CHECK(fourth.drawn() == 32);
    seeded_entropy fifth(1);
    CHECK(key_pair(fifth, 1152).modulus() != a.modulus());  // the size is part of the question
    rsa_memo::stop();
}

TEST_CASE("pooled keys are sound and come from two octets of their consumer") {
    const rsa_keys_scope pooled(rsa_keys::pooled);
    seeded_entropy first(1), again(1), other(2);
    const key_pair a(first), b(again), c(other);
    CHECK(a.modulus() == b.modulus());
    CHECK(a.modulus() != c.modulus());
    CHECK(RSA_check_key(a.rsa) == 1);
    CHECK(RSA_bits(a.rsa) == 1024);
    CHECK(first.drawn() == 32);  // as much as a drawn key takes
    std::vector<std::string> moduli;
    {
        const rsa_keys_scope drawn(rsa_keys::drawn);
        seeded_entropy third(1);
        moduli.push_back(key_pair(third).modulus());
    }
    CHECK(moduli[0] != a.modulus());
    rsa_memo::share(1 << 20);
    seeded_entropy fourth(1), fifth(1);
    CHECK(key_pair(fourth).modulus() == a.modulus());
    const auto before = rsa_memo::statistics().hits;
    CHECK(key_pair(fifth).modulus() == a.modulus());
    CHECK(rsa_memo::statistics().hits == before + 1);
    rsa_memo::stop();
}

TEST_CASE("a pooled key has two different primes even when its octets are equal") {
    struct stuck final : entropy_if {
        void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{0x5a}); }
    } entropy;
    const rsa_keys_scope pooled(rsa_keys::pooled);
    const key_pair key(entropy);
    CHECK(RSA_check_key(key.rsa) == 1);
}

TEST_CASE("keys outside any scope are OpenSSL's own business") {
    rsa_memo::share(1 << 20);
    use_own_rsa_calls();
    RSA* const rsa = RSA_new();
    BIGNUM* const exponent = BN_new();
    BN_set_word(exponent, 65537);
    CHECK(RSA_generate_key_ex(rsa, 1024, exponent, nullptr) == 1);
    CHECK(rsa_memo::statistics().misses == 0);
    BN_free(exponent);
    RSA_free(rsa);
    rsa_memo::stop();
}

TEST_CASE("private operations give the same with and without a memo and draw nothing") {
    seeded_entropy entropy(1), other_entropy(2);
    const key_pair key(entropy), other(other_entropy);
    const bytes hash(20, std::byte{3}), plain = from_hex("00112233");
    const auto oaep = encrypted(key, RSA_PKCS1_OAEP_PADDING, plain);
    const auto empty = encrypted(key, RSA_PKCS1_OAEP_PADDING, {});
    seeded_entropy consumer(5);
    const openssl_entropy_scope scope(consumer);
    const auto all = [&] {
        return std::vector<std::string>{operation(key, true, RSA_PKCS1_PADDING, hash),
                                        operation(other, true, RSA_PKCS1_PADDING, hash),
                                        operation(key, false, RSA_PKCS1_OAEP_PADDING, oaep),
                                        operation(key, false, RSA_PKCS1_OAEP_PADDING, empty),
                                        operation(key, false, RSA_NO_PADDING, oaep),
                                        operation(key, false, RSA_PKCS1_PADDING, hash),
                                        operation(other, false, RSA_PKCS1_OAEP_PADDING, oaep),
                                        operation(key, true, RSA_PKCS1_PADDING, plain),
                                        operation(key, true, RSA_PKCS1_PADDING, hash, 127)};
    };
    const auto without = all();
    CHECK(without[0] != without[1]);
    CHECK(without[2] == "00112233");
    CHECK(without[3] == "");
    CHECK(without[4].size() == 256);
    for (std::size_t i = 5; i < without.size(); ++i)
        CHECK(without[i] == "refused");
    rsa_memo::share(1 << 20);
    CHECK(all() == without);
    CHECK(rsa_memo::statistics().entries == 5);
    CHECK(all() == without);
    CHECK(rsa_memo::statistics().entries == 5);
    CHECK(rsa_memo::statistics().hits >= 5);
    CHECK(consumer.drawn() == 0);
    rsa_memo::stop();
}

TEST_CASE("signatures of a TPM 1.2 give the same with and without a memo and draw nothing") {
    seeded_entropy entropy(1), other_entropy(2), consumer(5);
    const key_pair key(entropy), other(other_entropy);
    const bytes hash(20, std::byte{3}), changed(20, std::byte{4}), all_of_it(128, std::byte{5});
    const openssl_entropy_scope scope(consumer);
    const auto all = [&] {
        return std::vector<std::string>{signature(key, hash),        signature(other, hash),
                                        signature(key, changed),     private_encryption(key, hash),
                                        private_encryption(key, {}), private_encryption(key, all_of_it),
                                        signature(key, all_of_it)};
    };
    const auto without = all();
    for (std::size_t i = 0; i < 5; ++i)
        for (std::size_t j = 0; j < i; ++j)
            CHECK(without[i] != without[j]);
    CHECK(without[0] == operation(key, true, RSA_PKCS1_PADDING, hash));
    CHECK(without[5] == "refused");
    CHECK(without[6] == "refused");
    rsa_memo::share(1 << 20);
    CHECK(all() == without);
    CHECK(rsa_memo::statistics().entries == 5);
    CHECK(all() == without);
    CHECK(rsa_memo::statistics().entries == 5);
    CHECK(consumer.drawn() == 0);
    rsa_memo::stop();
}

TEST_CASE("a signature with chance in it is made anew each time") {
    seeded_entropy entropy(1), consumer(5);
    const key_pair key(entropy);
    rsa_memo::share(1 << 20);
    const openssl_entropy_scope scope(consumer);
    const bytes hash(20, std::byte{3});
    CHECK(operation(key, true, RSA_PKCS1_PSS_PADDING, hash) !=
          operation(key, true, RSA_PKCS1_PSS_PADDING, hash));
    CHECK(rsa_memo::statistics().entries == 0);
    CHECK(consumer.drawn() > 0);
    rsa_memo::stop();
}

TEST_CASE("an engine is the same octet for octet without a memo and when all is remembered") {
    const auto without = story_of_an_engine();
    rsa_memo::share(1 << 20);
    CHECK(story_of_an_engine() == without);
    const auto before = rsa_memo::statistics();
    CHECK(before.entries > 0);
    CHECK(story_of_an_engine() == without);
    CHECK(rsa_memo::statistics().entries == before.entries);
    CHECK(rsa_memo::statistics().hits > before.hits);
    rsa_memo::stop();
}
