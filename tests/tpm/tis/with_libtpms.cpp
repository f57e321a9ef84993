// The chip with the engine it is built for: libtpms behind the registers.
#include <openssl/sha.h>

#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"
#include "tpm/engine/libtpms_engine.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

bytes sha1(const bytes& data) {
    bytes digest(SHA_DIGEST_LENGTH);
    SHA1(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

bytes operator+(bytes left, const bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

bytes command(std::uint32_t ordinal, const bytes& body) {
    bytes out{std::byte{0x00}, std::byte{0xC1}};
    return out + be32(static_cast<std::uint32_t>(10 + body.size())) + be32(ordinal) + body;
}

const bytes startup_clear = command(0x99, {std::byte{0}, std::byte{1}});
bytes pcr_read(std::uint32_t pcr) {
    return command(0x15, be32(pcr));
}
bytes extend(std::uint32_t pcr, const bytes& digest) {
    return command(0x14, be32(pcr) + digest);
}

struct real_bench {
    explicit real_bench(const chip_profile& profile)
        : entropy(5), engine(host, {.name = "tpm"}, entropy, [] { return std::uint64_t{0}; }) {
        engine.power_cycle();
        b = std::make_unique<bench>(profile, &engine);
    }
    /// One exchange at the locality that owns the TPM; sleeps through the execution time.
    bytes exchange(const bytes& request, unsigned locality = 0) {
        const std::uint32_t page = locality << 12;
        b->set_sts(0x40, locality);
        b->cpu.send(request, page);
        b->set_sts(0x20, locality);
        while (b->sts(locality) != 0x90) {
            sc_core::wait(sc_time(1, SC_MS));
        }
        bytes response;
        while ((b->sts(locality) & 0x10) != 0) {
            response = response + b->cpu.receive(1, page);
        }
        b->set_sts(0x40, locality);
        return response;
    }
    libtpms_host host;
    splitmix entropy;
    libtpms_engine engine;
    std::unique_ptr<bench> b;
};

bytes body(const bytes& response) {
    return {response.begin() + 10, response.end()};
}

}  // namespace

TEST_CASE("tis device over libtpms extends a PCR and needs Startup again after a reset") {
    auto profile = plain_profile();
    profile.durations[0x14].base = sc_time(7, SC_MS);
    real_bench r(profile);
    const bytes digest(20, std::byte{0xA5});
    REQUIRE(r.b->run([&] {
        r.b->set_access(0, 0x02);
        CHECK(be32_at(r.exchange(pcr_read(10)), 6) == 0x26);  // TPM_INVALID_POSTINIT
        CHECK(be32_at(r.exchange(startup_clear), 6) == 0);
        CHECK(body(r.exchange(extend(10, digest))) == sha1(bytes(20) + digest));
        CHECK(body(r.exchange(pcr_read(10))) == sha1(bytes(20) + digest));
        r.b->tpm.reset();
        r.b->set_access(0, 0x02);
        CHECK(be32_at(r.exchange(pcr_read(10)), 6) == 0x26);
        CHECK(be32_at(r.exchange(startup_clear), 6) == 0);
        CHECK(body(r.exchange(pcr_read(10))) == bytes(20));
    }));
    REQUIRE(r.b->commands.seen.size() == 7);
    CHECK(r.b->commands.seen[0].result == 0x26);
    CHECK(r.b->commands.seen[2].done - r.b->commands.seen[2].go == sc_time(7, SC_MS));
}

TEST_CASE("tis hash sequence over libtpms measures into PCR 17 and sets the established flag") {
    real_bench r(plain_profile());
    const bytes code{std::byte{'s'}, std::byte{'l'}, std::byte{'b'}};
    REQUIRE(r.b->run([&] {
        r.b->set_access(0, 0x02);
        CHECK(be32_at(r.exchange(startup_clear), 6) == 0);
        CHECK(body(r.exchange(pcr_read(17))) == bytes(20, std::byte{0xFF}));
        r.b->set_access(0, 0x20);
        CHECK(r.b->access(0) == 0x81);
        r.b->cpu.special(0x4028);
        CHECK(r.b->access(4) == 0xA0);
        for (const auto value : code) {
            r.b->cpu.special(0x4024, std::to_integer<std::uint32_t>(value));
        }
        r.b->cpu.special(0x4020);
        CHECK(r.b->access(4) == 0x80);
        r.b->set_access(0, 0x02);
        CHECK(body(r.exchange(pcr_read(17))) == sha1(bytes(20) + sha1(code)));
        CHECK(body(r.exchange(pcr_read(18))) == bytes(20));
        r.b->tpm.reset();  // the flag survives, the PCRs do not
        CHECK(r.b->access(0) == 0x80);
    }));
}

TEST_CASE("tis command locality reaches libtpms as it was at tpmGo") {
    real_bench r(plain_profile());
    const bytes digest(20, std::byte{0x01});
    REQUIRE(r.b->run([&] {
        r.b->set_access(0, 0x02);
        r.exchange(startup_clear);
        CHECK(be32_at(r.exchange(extend(21, digest)), 6) == 0x3D);  // TPM_BAD_LOCALITY
        r.b->set_access(2, 0x08);
        CHECK(be32_at(r.exchange(extend(21, digest), 2), 6) == 0);
    }));
}
