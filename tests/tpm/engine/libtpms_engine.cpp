#include "tpm/engine/libtpms_engine.h"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/tpm/support.h"
#include "tpm/codec/wire.h"
#include "tpm/engine/firmware12.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;

namespace {

const std::string success_12 = "00c40000000a00000000";
const std::string success_20 = "80010000000a00000000";

std::string extend_12(unsigned pcr, unsigned fill) {
    std::string digest;
    for (int i = 0; i < 20; ++i)
        digest += fmt::format("{:02x}", fill);
    return fmt::format("00c1 00000022 00000014 {:08x} {}", pcr, digest);
}

/// TPM2_PCR_Extend of a SHA-1 digest with the empty password.
std::string extend_20(unsigned pcr, unsigned fill) {
    std::string digest;
    for (int i = 0; i < 20; ++i)
        digest += fmt::format("{:02x}", fill);
    return fmt::format("8002 00000037 00000182 {:08x} 00000009 40000009 0000 01 0000 00000001 0004 {}", pcr,
                       digest);
}

std::vector<std::string> story_12(unsigned fill) {
    return {std::string(startup_12),        std::string(get_random_12), extend_12(10, fill),
            std::string(pcr_read_12_pcr10), "00c1 0000000a 0000000a",   std::string(get_random_12)};
}

std::vector<std::string> story_20(unsigned fill) {
    return {std::string(startup_20), std::string(get_random_20), extend_20(10, fill),
            std::string(pcr_read_20_pcr10), std::string(get_random_20)};
}

}  // namespace

TEST_CASE("interleaved engines of both families answer as they do alone") {
    libtpms_host host;
    std::vector<std::vector<std::string>> alone(4);
    const auto story = [](std::size_t i) { return i % 2 ? story_20(unsigned(i)) : story_12(unsigned(i)); };
    const auto family_of = [](std::size_t i) { return i % 2 ? family::tpm20 : family::tpm12; };
    for (std::size_t i = 0; i < alone.size(); ++i) {
        bench_tpm tpm(host, family_of(i), 100 + i);
        for (const auto& command : story(i))
            alone[i].push_back(tpm(command));
    }
    REQUIRE(alone[0][0] == success_12);
    REQUIRE(alone[1][0] == success_20);
    REQUIRE(alone[0][1] != alone[2][1]);
    REQUIRE(alone[0][3] != alone[2][3]);

    std::vector<std::unique_ptr<bench_tpm>> together;
    for (std::size_t i = 0; i < alone.size(); ++i)
        together.push_back(std::make_unique<bench_tpm>(host, family_of(i), 100 + i));
    for (std::size_t step = 0; step < 6; ++step)
        for (std::size_t i = 0; i < alone.size(); ++i)
            if (step < alone[i].size())
                CHECK((*together[i])(story(i)[step]) == alone[i][step]);
}

TEST_CASE("fifty engines keep their PCRs apart") {
    libtpms_host host;
    std::vector<std::unique_ptr<bench_tpm>> tpms;
    std::vector<std::string> extended;
    for (unsigned i = 0; i < 50; ++i) {
        tpms.push_back(std::make_unique<bench_tpm>(host, family::tpm12, i));
        REQUIRE((*tpms[i])(startup_12) == success_12);
        extended.push_back((*tpms[i])(extend_12(10, i)));
    }
    CHECK(extended[0] != extended[1]);
    for (unsigned i = 0; i < 50; ++i)
        CHECK((*tpms[49 - i])(pcr_read_12_pcr10) == extended[49 - i]);
    CHECK(host.engines() == 50);
    tpms.clear();
    CHECK(host.engines() == 0);
}

TEST_CASE("the same seed gives the same endorsement key") {
    libtpms_host host;
    const auto endorsement_key = [&host](std::uint64_t seed) {
        bench_tpm tpm(host, family::tpm12, seed);
        REQUIRE(tpm(startup_12) == success_12);
        return tpm(create_ek_12);
    };
    const auto first = endorsement_key(7);
    REQUIRE(first.size() == 2 * 314);
    CHECK(endorsement_key(7) == first);
    CHECK(endorsement_key(8) != first);
}

TEST_CASE("the same seed gives the same TPM 2.0 primary key") {
    libtpms_host host;
    // TPM2_CreatePrimary in the null hierarchy (its seed is drawn at each reset): RSA 2048 storage key
    const std::string create_primary =
        "8002 00000043 00000131 40000007 00000009 40000009 0000 01 0000 0004 0000 0000"
        "001a 0001 000b 00030072 0000 0006 0080 0043 0010 0800 00000000 0000 0000 00000000";
    const auto primary = [&](std::uint64_t seed) {
        bench_tpm tpm(host, family::tpm20, seed);
        REQUIRE(tpm(startup_20) == success_20);
        return tpm(create_primary);
    };
    const auto first = primary(7);
    REQUIRE(first.substr(12, 8) == "00000000");
    CHECK(primary(7) == first);
    CHECK(primary(8) != first);
}

TEST_CASE("an engine without power answers nothing") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    tpm.engine.power_off();
    CHECK(tpm(startup_12).empty());
    CHECK_FALSE(tpm.engine.powered());
    tpm.engine.power_cycle();
    CHECK(tpm(startup_12) == success_12);
}

TEST_CASE("a power cycle loses PCRs and keeps the endorsement key") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 3);
    REQUIRE(tpm(startup_12) == success_12);
    const auto key = tpm(create_ek_12);
    const auto clear = tpm(pcr_read_12_pcr10);
    tpm(extend_12(10, 1));
    REQUIRE(tpm(pcr_read_12_pcr10) != clear);
    tpm.engine.power_cycle();
    CHECK(tpm(pcr_read_12_pcr10) == "00c40000000a00000026");  // TPM_INVALID_POSTINIT: Startup is for software
    REQUIRE(tpm(startup_12) == success_12);
    CHECK(tpm(pcr_read_12_pcr10) == clear);
    CHECK(tpm("00c1 0000001e 0000007c 0000000000000000000000000000000000000000") == key);
}

TEST_CASE("state moves to another engine and damaged state is refused") {
    libtpms_host host;
    for (const family version : {family::tpm12, family::tpm20}) {
        const bool is_12 = version == family::tpm12;
        const auto pcr_read = is_12 ? pcr_read_12_pcr10 : pcr_read_20_pcr10;
        bench_tpm source(host, version, 11), target(host, version, 12);
        source(is_12 ? startup_12 : startup_20);
        source(is_12 ? extend_12(10, 5) : extend_20(10, 5));
        const auto pcr = source(pcr_read);
        const bytes both = source.engine.get_state(state_kind::both);
        const bytes permanent = source.engine.get_state(state_kind::permanent);
        REQUIRE(!permanent.empty());
        REQUIRE(both.size() > permanent.size());

        auto damaged = both;
        damaged[10] ^= std::byte{1};
        CHECK_FALSE(target.engine.set_state(state_kind::both, damaged));
        CHECK_FALSE(target.engine.set_state(state_kind::both, byte_view(both).first(both.size() - 1)));
        CHECK_FALSE(target.engine.set_state(state_kind::permanent, {}));

        REQUIRE(target.engine.set_state(state_kind::both, both));
        target.engine.power_cycle();
        CHECK(target(pcr_read) == pcr);  // resumed: no Startup
        target.engine.power_cycle();
        CHECK(target(pcr_read) != pcr);  // the volatile part is used once
    }
}

TEST_CASE("refused state leaves the engine as it was") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 21);
    REQUIRE(tpm(startup_12) == success_12);
    const auto key = tpm(create_ek_12);
    CHECK_FALSE(tpm.engine.set_state(state_kind::permanent, from_hex("00010022")));
    tpm.engine.power_cycle();
    REQUIRE(tpm(startup_12) == success_12);
    CHECK(tpm("00c1 0000001e 0000007c 0000000000000000000000000000000000000000") == key);
}

TEST_CASE("TPM 1.2 ticks and TPM 2.0 time follow the simulated clock") {
    libtpms_host host;
    bench_tpm tpm12(host, family::tpm12, 1), tpm20(host, family::tpm20, 2);
    REQUIRE(tpm12(startup_12) == success_12);
    REQUIRE(tpm20(startup_20) == success_20);
    const auto ticks = [&] {
        return std::stoull(tpm12("00c1 0000000a 000000f1").substr(24, 16), nullptr, 16);
    };
    const auto time = [&] {
        return std::stoull(tpm20("8001 0000000a 00000181").substr(20, 16), nullptr, 16);
    };
    const auto ticks_before = ticks(), time_before = time();
    CHECK(ticks() == ticks_before);
    tpm12.now_ns += 5'000'000;      // 5 ms: TPM 1.2 counts microseconds
    tpm20.now_ns += 7'000'000'000;  // 7 s: TPM 2.0 counts milliseconds
    CHECK(ticks() == ticks_before + 5'000);
    CHECK(time() == time_before + 7'000);
}

TEST_CASE("locality decides and is given with each command") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    REQUIRE(tpm(startup_12) == success_12);
    const std::string reset_pcr20 = "00c1 0000000f 000000c8 0003 000010";
    CHECK(tpm(reset_pcr20, 0) == "00c40000000a00000033");  // TPM_NOTLOCAL
    CHECK(tpm(reset_pcr20, 2) == success_12);
    CHECK(tpm(reset_pcr20, 0) == "00c40000000a00000033");
}

TEST_CASE("the locality 4 hash sequence resets and extends PCR 17") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    REQUIRE(tpm(startup_12) == success_12);
    const std::string read_pcr17 = "00c1 0000000e 00000015 00000011";
    CHECK(tpm(read_pcr17) == "00c40000001e00000000" + std::string(40, 'f'));
    CHECK_FALSE(tpm.engine.established());
    tpm.engine.hash_start();
    tpm.engine.hash_data(from_hex("616263"));
    tpm.engine.hash_end();
    CHECK(tpm.engine.last_result() == 0);
    CHECK(tpm.engine.established());
    // SHA-1(20 zero bytes || SHA-1("abc")), computed apart
    CHECK(tpm(read_pcr17) == "00c40000001e00000000ccd5bd41458de644ac34a2478b58ff819bef5acf");
    CHECK_FALSE(tpm.engine.reset_established(0));
    CHECK(tpm.engine.reset_established(3));
    CHECK_FALSE(tpm.engine.established());
}

TEST_CASE("malformed commands get a TPM's answer") {
    libtpms_host host;
    bench_tpm tpm12(host, family::tpm12, 1), tpm20(host, family::tpm20, 2);
    REQUIRE(tpm12(startup_12) == success_12);
    REQUIRE(tpm20(startup_20) == success_20);
    CHECK(tpm12("00c1 0000000a 0000ffff") == "00c40000000a0000000a");  // TPM_BAD_ORDINAL
    CHECK(tpm12("00c1 0000000b 00000015") == "00c40000000a00000019");  // TPM_BAD_PARAM_SIZE
    CHECK(tpm20(startup_12) == "00c40000000a0000001e");                // TPM_BAD_TAG in TPM 1.2 form
    CHECK(tpm12("") != success_12);
    CHECK(tpm12("00c1").substr(0, 4) == "00c4");
    const bytes long_12 = concat({from_hex("00c1 00001388 00000015"), bytes(4990)});
    const bytes long_20 = concat({from_hex("8001 00001388 0000017b"), bytes(4990)});
    CHECK(to_hex(tpm12.engine.execute(long_12, 0)) == "00c40000000a00000019");  // TPM_BAD_PARAM_SIZE
    CHECK(to_hex(tpm20.engine.execute(long_20, 0)) == "80010000000a00000142");  // TPM_RC_COMMAND_SIZE
    CHECK(tpm12(get_random_12).substr(12, 8) == "00000000");
    CHECK(tpm20(get_random_20).substr(12, 8) == "00000000");
}

TEST_CASE("a locality above 4 reads PCRs and resets none") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    REQUIRE(tpm(startup_12) == success_12);
    CHECK(tpm(pcr_read_12_pcr10, 5).substr(12, 8) == "00000000");
    CHECK(tpm("00c1 0000000f 000000c8 0003 000010", 5) == "00c40000000a00000033");
    const std::string reset_pcr16 = "00c1 0000000f 000000c8 0003 000001";
    CHECK(tpm(reset_pcr16, 4) == success_12);
    CHECK(tpm(reset_pcr16, 5) == "00c40000000a00000033");
    CHECK(tpm(reset_pcr16, 34) == "00c40000000a00000033");
}

TEST_CASE("an engine refuses the state of the other family") {
    libtpms_host host;
    bench_tpm old(host, family::tpm12, 1), young(host, family::tpm20, 2);
    old(startup_12);
    young(startup_20);
    CHECK_FALSE(old.engine.set_state(state_kind::both, young.engine.get_state(state_kind::both)));
    CHECK_FALSE(young.engine.set_state(state_kind::permanent, old.engine.get_state(state_kind::permanent)));
}

TEST_CASE("a saved state survives power off and with the state another engine") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 5), other(host, family::tpm12, 6);
    REQUIRE(tpm(startup_12) == success_12);
    const auto pcr = tpm(extend_12(10, 9));
    REQUIRE(tpm("00c1 0000000a 00000098") == success_12);  // TPM_SaveState
    tpm.engine.power_off();
    const bytes state = tpm.engine.get_state(state_kind::both);
    const std::string startup_state = "00c1 0000000c 00000099 0002";
    tpm.engine.power_cycle();
    REQUIRE(tpm(startup_state) == success_12);
    CHECK(tpm(pcr_read_12_pcr10) == pcr);

    CHECK(other(startup_state) != success_12);
    REQUIRE(other.engine.set_state(state_kind::both, state));
    other.engine.power_cycle();
    REQUIRE(other(startup_state) == success_12);
    CHECK(other(pcr_read_12_pcr10) == pcr);
}

TEST_CASE("firmware makes a TPM 1.2 ready once per reset") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm12, 1);
    CHECK(make_ready_for_use(tpm.engine) == 0);
    CHECK(tpm("00c1 0000000a 0000006f") == "00c40000000a0000002d");  // PhysicalEnable: presence is locked
    CHECK(make_ready_for_use(tpm.engine) == 38);                     // TPM_INVALID_POSTINIT
    tpm.engine.power_cycle();
    CHECK(make_ready_for_use(tpm.engine) == 0);
}
