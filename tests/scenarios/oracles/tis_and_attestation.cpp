#include <openssl/sha.h>

#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;
using fsm = vtwin::tpm::tis_state::fsm;

namespace {

seen::tis_change change(fsm state, int active = 2) {
    seen::tis_change made{};
    made.state = state;
    made.active_locality = static_cast<std::int8_t>(active);
    if (active >= 0)
        made.access[active] = 0xA0;
    return made;
}
seen::bus_byte bus(bool write, std::uint16_t address, unsigned data) {
    return {s(1), s(1), write, address, static_cast<std::uint8_t>(data), 0};
}
bytes folded(const bytes& pcr, const bytes& digest) {
    const auto both = pcr + digest;
    bytes result(20);
    SHA1(reinterpret_cast<const unsigned char*>(both.data()), both.size(),
         reinterpret_cast<unsigned char*>(result.data()));
    return result;
}
seen::execution run(double at, const char* tpm, const bytes& command, const bytes& response) {
    return {s(at), tpm, command, 0, response};
}
const bytes startup = packet(0xC1, 0x99, big(1, 2)), ones = filled(20, 0x11);
bytes extend_of(unsigned pcr) {
    return packet(0xC1, 0x14, big(pcr, 4) + ones);
}
bytes quote(unsigned nonce, unsigned ordinal = 0x16) {
    return packet(0xC2, ordinal, big(0x01000000, 4) + filled(20, nonce) + big(3, 2) + filled(3, 0));
}

}  // namespace

TEST_CASE("I-T1 follows the TIS interface and catches a jump") {
    oracle_bench good("I-T1"), bad("I-T1");
    for (const auto state : {fsm::ready, fsm::reception, fsm::reception_complete, fsm::execution,
                             fsm::completion, fsm::completion_read, fsm::idle})
        good << change(state);
    CHECK(good.quiet());
    bad << change(fsm::ready) << change(fsm::reception) << change(fsm::execution);
    CHECK(bad.caught("tpm"));
}

TEST_CASE("I-T2 catches two active localities") {
    oracle_bench good("I-T2"), two("I-T2"), other("I-T2");
    good << change(fsm::idle, -1) << change(fsm::ready, 0) << change(fsm::ready, 2);
    CHECK(good.quiet());
    auto both = change(fsm::ready, 2);
    both.access[0] = 0xA0;
    two << both;
    CHECK(two.caught("tpm"));
    auto wrong = change(fsm::ready, 2);
    wrong.active_locality = 1;
    other << wrong;
    CHECK(other.caught("tpm"));
}

TEST_CASE("I-T3 catches a command that is not what came over the bus") {
    const auto command = extend_of(3);
    const auto sent = [&](const bytes& executed, const bytes& response) {
        oracle_bench bench("I-T3");
        bench << bus(true, 0x2024, 0xEE) << bus(true, 0x2018, 0x40);  // thrown away by commandReady
        for (const auto octet : command)
            bench << bus(true, 0x2024, std::to_integer<unsigned>(octet)) << bus(false, 0x2018, 0x88);
        bench << run(2, "tpm", executed, response);
        return bench.caught("tpm");
    };
    CHECK_FALSE(sent(command, ok()));
    CHECK_FALSE(sent(extend_of(4), refused(2)));
    CHECK(sent(extend_of(4), ok()));
}

TEST_CASE("I-T4 folds PCRs and catches one that took another value") {
    const auto first = folded(filled(20, 0), ones), second = folded(first, ones);
    const auto history = [&](const bytes& last) {
        oracle_bench bench("I-T4");
        bench << run(1, "v1", startup, ok()) << run(2, "v1", extend_of(10), ok(first))
              << run(3, "v1", packet(0xC1, 0x15, big(10, 4)), ok(last));
        return bench.caught("v1");
    };
    CHECK_FALSE(history(first));
    CHECK(history(second));
    // PCR 17 takes another value in a launch, and in nothing else.
    for (const bool launched : {true, false}) {
        oracle_bench bench("I-T4");
        bench << run(1, "v1", startup, ok())
              << run(2, "v1", packet(0xC1, 0x15, big(17, 4)), ok(filled(20, 0xFF)));
        if (launched)
            bench << seen::launch{s(3), "v1"};
        bench << run(4, "v1", packet(0xC1, 0x15, big(17, 4)), ok(first));
        CHECK(bench.quiet() == launched);
    }
    oracle_bench restored("I-T4");
    restored << run(1, "v1", startup, ok()) << seen::state_given{s(2), "v1", 1, true}
             << run(3, "v1", extend_of(10), ok(second));
    CHECK(restored.quiet());
}

TEST_CASE("I-T5 catches a TPM that works on after its self-test failed") {
    oracle_bench good("I-T5"), bad("I-T5");
    for (auto* bench : {&good, &bad})
        *bench << run(1, "tpm", extend_of(1), refused(0x1C)) << run(2, "tpm", packet(0xC1, 0x65), ok())
               << run(3, "tpm", extend_of(1), refused(0x1C));
    good << seen::tpm_power{s(4), "tpm", power::cycled} << run(5, "tpm", extend_of(1), ok());
    CHECK(good.quiet());
    bad << run(5, "tpm", extend_of(1), ok());
    CHECK(bad.caught("tpm"));
}

TEST_CASE("I-T8 catches random numbers that repeat or stand still") {
    const auto random = [](const bytes& octets) { return ok(big(octets.size(), 4) + octets); };
    const auto ask = packet(0xC1, 0x46, big(8, 4));
    oracle_bench good("I-T8"), again("I-T8"), constant("I-T8");
    good << run(1, "tpm", ask, random(big(0x0102030405060708, 8)))
         << run(2, "v1", ask, random(big(0x0102030405060708, 8)))
         << run(3, "tpm", ask, random(big(0x0102030405060709, 8)));
    CHECK(good.quiet());
    again << run(1, "tpm", ask, random(big(0x0102030405060708, 8)))
          << run(2, "tpm", ask, random(big(0x0102030405060708, 8)));
    CHECK(again.caught("tpm"));
    constant << run(1, "tpm", ask, random(filled(8, 7)));
    CHECK(constant.caught("tpm"));
}

TEST_CASE("I-T9 catches an authorised command that succeeds twice") {
    oracle_bench good("I-T9"), bad("I-T9");
    good << run(1, "v1", quote(1), ok()) << run(2, "v1", quote(2), ok()) << run(3, "v1", quote(2), refused(1))
         << run(4, "v1", extend_of(1), ok()) << run(5, "v1", extend_of(1), ok())
         << run(6, "v2", quote(1), ok());
    CHECK(good.quiet());
    bad << run(1, "v1", quote(1), ok()) << run(2, "v1", quote(1), ok());
    CHECK(bad.caught("v1"));
}

TEST_CASE("I-Q1 knows which quote the guest's own vTPM really made") {
    const auto first = folded(filled(20, 0), ones);
    const auto nonce = filled(20, 9);
    std::vector<bytes> claimed(24, filled(20, 0));
    claimed[10] = first;
    const auto judged = [&](const char* quoting, unsigned quoted_nonce, std::vector<bytes> values,
                            unsigned ordinal = 0x16) {
        oracle_bench bench("I-Q1");
        for (const char* tpm : {"v1", "v2"})
            bench << run(1, tpm, startup, ok()) << run(2, tpm, extend_of(10), ok(first));
        bench << run(3, quoting, quote(quoted_nonce, ordinal), ok())
              << seen::appraisal{s(4), "g1", true, nonce, 1u << 10 | 1u << 3, 0, std::move(values), {}};
        return bench.caught("g1");
    };
    CHECK_FALSE(judged("v1", 9, claimed));
    CHECK(judged("v2", 9, claimed));              // another guest's vTPM
    CHECK(judged("v1", 8, claimed));              // another nonce
    CHECK_FALSE(judged("v1", 9, claimed, 0x3E));  // TPM_Quote2
    CHECK(judged("v1", 8, claimed, 0x3E));
    CHECK(judged("v1", 9, claimed, 0x46));
    claimed[3] = ones;
    CHECK(judged("v1", 9, claimed));  // other PCRs
}

TEST_CASE("I-Q2 knows the PCRs that the hardware TPM had") {
    const auto first = folded(filled(20, 0), ones);
    const auto judged = [&](const bytes& values, bool quoted) {
        oracle_bench bench("I-Q2");
        bench << run(1, "tpm", startup, ok()) << run(2, "tpm", extend_of(1), ok(first));
        if (quoted)
            bench << run(3, "tpm", quote(1), ok());
        const auto evidence = filled(256, 0) + values;
        bench << seen::appraisal{s(4), "g1", true, {}, 0, 3, {}, evidence};
        return bench.caught("g1");
    };
    CHECK_FALSE(judged(filled(20, 0) + first, true));
    CHECK(judged(filled(20, 0) + first, false));
    CHECK(judged(filled(20, 0) + ones, true));
    CHECK(judged(filled(20, 0), true));
}

TEST_CASE("I-Q3 catches a nonce that is accepted twice") {
    const auto nonce = filled(20, 9), other = filled(20, 8);
    const auto shown = [&](const bytes& which, bool trusted) {
        return seen::appraisal{s(1), "g1", trusted, which, 0, 0, {}, {}};
    };
    oracle_bench good("I-Q3"), bad("I-Q3");
    good << shown(nonce, true) << shown(other, true) << shown(nonce, false);
    CHECK(good.quiet());
    bad << shown(nonce, true) << shown(nonce, true);
    CHECK(bad.caught("g1"));
}

TEST_CASE("I-Q4 catches a late vTPM that is taken for a measured boot") {
    oracle_bench good("I-Q4"), bad("I-Q4");
    good << seen::appraisal{s(1), "g1", true, {}, 0, 0, {}, {}}
         << seen::appraisal{s(1), "g2", false, {}, 0, 0, {}, {}};
    CHECK(good.quiet());
    bad << seen::appraisal{s(1), "g2", true, {}, 0, 0, {}, {}};
    CHECK(bad.caught("g2"));
}

namespace {

const bytes startup20 = packet(0x8001, 0x144, big(0, 2));
const bytes no_password = big(9, 4) + big(0x40000009, 4) + big(0, 2) + octets({0}) + big(0, 2);

bytes extend20(unsigned pcr, const bytes& sha256_digest) {
    return packet(
        0x8002, 0x182,
        big(pcr, 4) + no_password + big(2, 4) + big(4, 2) + filled(20, 1) + big(0xB, 2) + sha256_digest);
}
/// TPM2_PCR_Read of one PCR of one bank, and its answer.
bytes read20(unsigned pcr, unsigned bank = 0xB) {
    return packet(0x8001, 0x17E, big(1, 4) + big(bank, 2) + octets({3}) + octets({1U << pcr, 0, 0}));
}
bytes shows20(unsigned pcr, const bytes& value, unsigned bank = 0xB) {
    return packet(0x8001, 0,
                  big(7, 4) + big(1, 4) + big(bank, 2) + octets({3}) + octets({1U << pcr, 0, 0}) + big(1, 4) +
                      big(value.size(), 2) + value);
}
bytes quote20(unsigned nonce) {
    return packet(0x8002, 0x158,
                  big(0x81010002, 4) + no_password + big(20, 2) + filled(20, nonce) + big(0x10, 2));
}
bytes done20() {
    return packet(0x8002, 0, big(0, 4));
}
bytes folded20(const bytes& pcr, const bytes& digest) {
    const auto both = pcr + digest;
    bytes result(32);
    SHA256(reinterpret_cast<const unsigned char*>(both.data()), both.size(),
           reinterpret_cast<unsigned char*>(result.data()));
    return result;
}
const bytes event20 = filled(32, 0x22);

}  // namespace

TEST_CASE("I-T4 folds the extends of a TPM 2.0 in its SHA-256 bank") {
    const auto after_one = folded20(filled(32, 0), event20);
    const auto shown = [&](const bytes& value, unsigned bank = 0xB) {
        oracle_bench bench("I-T4");
        bench << run(1, "v1", startup20, done20()) << run(2, "v1", extend20(4, event20), done20())
              << run(3, "v1", read20(4, bank), shows20(4, value, bank));
        return bench.caught("v1");
    };
    CHECK_FALSE(shown(after_one));
    CHECK(shown(filled(32, 0)));
    CHECK(shown(folded20(after_one, event20)));
    CHECK_FALSE(shown(filled(20, 5), 4));  // the SHA-1 bank is not followed
    // Measured before TPM2_Startup: PCR 0 does not begin with zeros.
    for (const bool launched : {true, false}) {
        oracle_bench bench("I-T4");
        if (launched)
            bench << seen::launch{s(1), "v1"};
        bench << run(2, "v1", startup20, done20()) << run(3, "v1", read20(0), shows20(0, after_one));
        CHECK(bench.quiet() == launched);
    }
    // What a refused extend, a reset or a restored state leaves.
    oracle_bench refused("I-T4"), reset("I-T4");
    refused << run(1, "v1", startup20, done20()) << run(2, "v1", extend20(4, event20), packet(0x8001, 0x101))
            << run(3, "v1", read20(4), shows20(4, filled(32, 0)));
    CHECK(refused.quiet());
    reset << run(1, "v1", startup20, done20())
          << run(2, "v1", packet(0x8002, 0x13D, big(4, 4) + no_password), done20())
          << run(3, "v1", read20(4), shows20(4, ones));
    CHECK(reset.quiet());
}

TEST_CASE("I-Q1 knows the quotes of a vTPM 2.0") {
    std::vector<bytes> claimed(24, filled(32, 0));
    claimed[4] = folded20(filled(32, 0), event20);
    const auto judged = [&](const char* quoting, unsigned nonce, const std::vector<bytes>& values) {
        oracle_bench bench("I-Q1");
        for (const char* tpm : {"v1", "v2"})
            bench << run(1, tpm, startup20, done20()) << run(2, tpm, extend20(4, event20), done20());
        bench << run(3, quoting, quote20(nonce), done20())
              << seen::appraisal{s(4), "g1", true, filled(20, 9), 1u << 4 | 1u << 3, 0, values, {}};
        return bench.caught("g1");
    };
    CHECK_FALSE(judged("v1", 9, claimed));
    CHECK(judged("v2", 9, claimed));
    CHECK(judged("v1", 8, claimed));
    claimed[3] = event20;
    CHECK(judged("v1", 9, claimed));
}
