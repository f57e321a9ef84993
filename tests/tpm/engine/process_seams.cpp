// The places where engines reach into the process: signals, fork, the clock, OpenSSL's randomness.
#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csetjmp>
#include <csignal>
#include <ctime>

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "tests/tpm/support.h"
#include "tpm/engine/openssl_entropy.h"
#include "tpm/engine/self_test_key.h"
#include "tpm/engine/simulated_clock.h"
#include "tpm/engine/writable_image.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;

namespace {

sigjmp_buf s_after_fault;

void jump_out(int) {
    siglongjmp(s_after_fault, 1);
}

/// What a child process of this one answers, through a pipe.
template <typename Function>
std::string in_child(Function answer) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const std::string text = answer();
        const bool written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
        _exit(written ? 0 : 1);
    }
    close(ends[1]);
    std::string text;
    char chunk[4096];
    for (ssize_t count; (count = read(ends[0], chunk, sizeof chunk)) > 0;)
        text.append(chunk, std::size_t(count));
    close(ends[0]);
    int status = -1;
    waitpid(child, &status, 0);
    REQUIRE(status == 0);
    return text;
}

}  // namespace

TEST_CASE("parent and child of a fork go on from the same state apart") {
    libtpms_host host;
    bench_tpm first(host, family::tpm12, 1), second(host, family::tpm20, 2);
    first(startup_12);
    second(startup_20);
    const auto story = [&] {
        return first(get_random_12) + second(get_random_20) + first(create_ek_12) + second(pcr_read_20_pcr10);
    };
    const auto child = in_child(story);
    const auto other_child = in_child(story);
    CHECK(child.size() > 600);
    CHECK(other_child == child);
    CHECK(story() == child);
    CHECK(story() != child);
}

TEST_CASE("a fault elsewhere reaches the handler that was there before") {
    struct sigaction action {
    }, before{};
    action.sa_handler = jump_out;
    sigemptyset(&action.sa_mask);
    REQUIRE(sigaction(SIGSEGV, &action, &before) == 0);
    auto* page = static_cast<volatile char*>(
        mmap(nullptr, writable_image::page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(page != MAP_FAILED);
    {
        libtpms_host host;
        bench_tpm tpm(host, family::tpm12, 1);
        volatile int faults = 0;
        if (sigsetjmp(s_after_fault, 1) == 0) {
            page[0] = 1;
        } else {
            faults = faults + 1;
        }
        CHECK(faults == 1);
        CHECK(tpm(startup_12) == "00c40000000a00000000");
    }
    struct sigaction after {};
    sigaction(SIGSEGV, &before, &after);
    CHECK(after.sa_handler == jump_out);
    munmap(const_cast<char*>(page), writable_image::page_size);
}

TEST_CASE("an exchange leaves each snapshot its pages and the library as loaded") {
    writable_image image("libtpms.so");
    CHECK(image.page_count() > 40);
    CHECK(image.written_page_count() == 0);
    writable_image::snapshot nothing;
    image.exchange(&nothing, nullptr);
    CHECK(nothing.bytes() == image.page_count() * sizeof(void*));
    image.drop(nothing);
    CHECK(nothing.bytes() == 0);
}

TEST_CASE("start-up pages that an engine only wipes leave the exchange") {
    libtpms_host host;
    bench_tpm first(host, family::tpm20, 1);
    const auto wiped = host.written_pages();
    bench_tpm second(host, family::tpm20, 2);
    first(startup_20);
    second(startup_20);
    first(startup_20);
    CHECK(wiped > 40);
    CHECK(host.written_pages() < 20);
    CHECK(first.engine.data_bytes() < 20 * writable_image::page_size);
}

TEST_CASE("simulated time reaches the C library's clocks inside a scope only") {
    std::uint64_t now = 1'500'000'123;
    const std::function<std::uint64_t()> clock = [&] { return now; };
    {
        const simulated_clock_scope scope(clock);
        timespec time{};
        CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
        CHECK(time.tv_sec == time_t(simulated_clock_scope::epoch_seconds + 1));
        CHECK(time.tv_nsec == 500'000'123);
        timeval coarse{};
        CHECK(gettimeofday(&coarse, nullptr) == 0);
        CHECK(coarse.tv_sec == time_t(simulated_clock_scope::epoch_seconds + 1));
        CHECK(coarse.tv_usec == 500'000);
        CHECK(::clock() == 1'500'000);
    }
    timespec time{};
    CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
    CHECK(time.tv_sec > time_t(simulated_clock_scope::epoch_seconds + 600'000'000));  // after 2020
}

TEST_CASE("OpenSSL draws from the innermost entropy scope and from itself outside") {
    const auto draw = [] {
        bytes out(16);
        REQUIRE(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), int(out.size())) == 1);
        return to_hex(out);
    };
    seeded_entropy outer(1), inner(2), outer_again(1), inner_again(2);
    const auto expected = [](seeded_entropy& stream) {
        bytes out(16);
        stream.fill(out);
        return to_hex(out);
    };
    {
        const openssl_entropy_scope scope(outer);
        CHECK(draw() == expected(outer_again));
        {
            const openssl_entropy_scope nested(inner);
            CHECK(draw() == expected(inner_again));
        }
        CHECK(draw() == expected(outer_again));
    }
    const auto drawn = outer.drawn();
    CHECK(draw() != draw());
    CHECK(outer.drawn() == drawn);
}

TEST_CASE("the self-test key is a working key inside its scope and nobody's outside") {
    const auto modulus = [](int bits) {
        RSA* rsa = RSA_new();
        BIGNUM* exponent = BN_new();
        BN_set_word(exponent, 65537);
        REQUIRE(RSA_generate_key_ex(rsa, bits, exponent, nullptr) == 1);
        CHECK(RSA_check_key(rsa) == 1);
        char* text = BN_bn2hex(RSA_get0_n(rsa));
        const std::string result = text;
        OPENSSL_free(text);
        BN_free(exponent);
        RSA_free(rsa);
        return result;
    };
    std::string inside;
    {
        const self_test_key_scope scope;
        inside = modulus(2048);
        CHECK(modulus(2048) == inside);
        CHECK(modulus(1024).size() == 256);  // other sizes are made
    }
    CHECK(modulus(2048) != inside);
}

TEST_CASE("a self-test by command costs the engine's stream nothing that a key would") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    tpm(startup_12);
    const auto before = tpm.entropy.drawn();
    CHECK(tpm("00c1 0000000a 00000050") == "00c40000000a00000000");
    const auto between = tpm.entropy.drawn();
    CHECK(between - before == 0);
    tpm(create_ek_12);
    CHECK(tpm.entropy.drawn() - between == 88);  // 32 of them the key's seed
}
