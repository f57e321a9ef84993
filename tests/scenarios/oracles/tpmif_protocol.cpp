#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const bytes read_pcr = packet(0xC1, 0x15, big(3, 4)), get_random = packet(0xC1, 0x46, big(4, 4));

seen::submission submitted(double at, const bytes& command, std::uint32_t length) {
    return {s(at), "g1", "v1", command, length, 0};
}
seen::answer answered(double at, const bytes& command, const bytes& response) {
    return {s(at), "g1", "v1", command, response, static_cast<std::uint32_t>(response.size())};
}
seen::execution executed(double at, const bytes& command, const bytes& response) {
    return {s(at), "v1", command, 0, response};
}

}  // namespace

TEST_CASE("I-P1 allows the four moves of the page and catches all others") {
    using seen::writer;
    const auto run = [](writer by, std::uint8_t from, std::uint8_t to) {
        oracle_bench bench("I-P1");
        bench << seen::page_state{s(1), "g1", by, from, to};
        return bench.caught("g1");
    };
    for (const auto& [by, from, to] : {std::tuple{writer::front, 0, 1},
                                       {writer::front, 2, 1},
                                       {writer::front, 1, 3},
                                       {writer::back, 1, 2},
                                       {writer::back, 1, 0},
                                       {writer::back, 3, 2},
                                       {writer::back, 3, 0},
                                       {writer::back, 2, 2}})
        CHECK_FALSE(run(by, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to)));
    for (const auto& [by, from, to] : {std::tuple{writer::front, 1, 2},
                                       {writer::front, 0, 3},
                                       {writer::front, 3, 1},
                                       {writer::back, 0, 2},
                                       {writer::back, 2, 0},
                                       {writer::back, 0, 1},
                                       {writer::other, 0, 1},
                                       {writer::front, 0, 9}})
        CHECK(run(by, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to)));
}

TEST_CASE("I-P2 catches a submission that is executed or answered twice") {
    oracle_bench good("I-P2"), executed_twice("I-P2"), answered_twice("I-P2");
    for (int i = 0; i < 2; ++i)
        good << submitted(1, read_pcr, 14) << executed(2, read_pcr, ok()) << answered(3, read_pcr, ok());
    CHECK(good.quiet());
    executed_twice << submitted(1, read_pcr, 14) << executed(2, read_pcr, ok()) << answered(3, read_pcr, ok())
                   << executed(4, read_pcr, ok());
    CHECK(executed_twice.caught("v1"));
    answered_twice << submitted(1, read_pcr, 14) << answered(3, read_pcr, ok())
                   << answered(4, read_pcr, ok());
    CHECK(answered_twice.caught("v1"));
}

TEST_CASE("I-P3 catches the answer of another command") {
    const auto stale = ok(filled(20, 1)), due = ok(filled(8, 2));
    const auto run = [&](const bytes& given) {
        oracle_bench bench("I-P3");
        bench << submitted(1, read_pcr, 14) << executed(2, read_pcr, stale) << answered(3, read_pcr, stale)
              << submitted(4, get_random, 14) << executed(5, get_random, due)
              << answered(6, get_random, given);
        return bench.caught("g1");
    };
    CHECK_FALSE(run(due));
    CHECK_FALSE(run(refused(9)));
    CHECK(run(stale));
}

TEST_CASE("I-P4 catches lengths that disagree and answers that do not fit the page") {
    const auto run = [](std::uint32_t length, const bytes& command, const bytes& response) {
        oracle_bench bench("I-P4");
        bench << submitted(1, command, length) << executed(2, command, response)
              << answered(3, command, response);
        return bench.caught("v1");
    };
    const auto longer = read_pcr + filled(1, 0);
    CHECK_FALSE(run(14, read_pcr, ok()));
    CHECK_FALSE(run(15, longer, refused(25)));
    CHECK(run(15, longer, ok()));
    CHECK(run(20, read_pcr, ok()));
    CHECK_FALSE(run(14, read_pcr, ok(filled(4078, 0))));
    CHECK(run(14, read_pcr, ok(filled(4079, 0))));
}

TEST_CASE("I-P6 catches a cancelled command that goes on for too long") {
    const auto run = [](double end) {
        oracle_bench bench("I-P6");
        bench << seen::page_state{s(1), "g1", seen::writer::front, 1, 3}
              << seen::page_state{s(end), "g1", seen::writer::back, 3, 0};
        return bench.caught("g1");
    };
    CHECK_FALSE(run(121));
    CHECK(run(122));
    oracle_bench never("I-P6");
    never << seen::page_state{s(1), "g1", seen::writer::front, 1, 3} << seen::run_end{s(200), false, {}};
    CHECK(never.caught("g1"));
    CHECK(never.when() == s(121));
}

TEST_CASE("I-P7 catches a page that was not named or that was not blank") {
    const std::string name = std::string("device/vtpm/0/ring-ref") + '\0' + "12";
    const auto run = [&](std::uint32_t ref, bool clean) {
        oracle_bench bench("I-P7");
        bench << seen::store_message{s(1), "dom3", "g1", 3, false, 11, 1, 0, name}
              << seen::ring_page{s(2), "g1", "v1", true, ref, clean};
        return bench.caught("g1");
    };
    CHECK_FALSE(run(12, true));
    CHECK(run(13, true));
    CHECK(run(12, false));
}
