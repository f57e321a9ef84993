#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

seen::submission submitted(double at, const char* ring, const char* back) {
    return {s(at), ring, back, bare_extend, 10, 0};
}
seen::run_end over(double at, double last_fault = 0, bool finished = false) {
    return {s(at), finished, s(last_fault)};
}

}  // namespace

TEST_CASE("L-1 catches a command without an answer") {
    oracle_bench good("L-1"), cut_off("L-1"), late("L-1"), never("L-1");
    good << submitted(1, "g1", "v1") << seen::page_state{s(301), "g1", seen::writer::back, 1, 2} << over(999);
    CHECK(good.quiet());
    cut_off << submitted(1, "g1", "v1") << seen::ring_page{s(9), "g1", "v1", false} << over(999);
    CHECK(cut_off.quiet());
    late << submitted(1, "g1", "v1") << seen::page_state{s(302), "g1", seen::writer::back, 1, 2};
    CHECK(late.caught("g1"));
    never << submitted(1, "v1", "mgr") << over(999);
    CHECK(never.caught("v1"));
    CHECK(never.when() == s(301));
}

TEST_CASE("L-4 catches a guest that is not served again after the last fault") {
    const auto served = [](double at) {
        static const bytes done = ok();
        return seen::guest_command{s(at), s(at), "g1", bare_extend, 10, done};
    };
    const auto run = [&](double answer, double end, bool alive) {
        oracle_bench bench("L-4");
        bench << served(1) << seen::guest_asks{s(5), "g1", 0x14};
        if (answer > 0)
            bench << served(answer);
        if (!alive)
            bench << seen::domain_life{s(6), "g1", life::crashed};
        bench << over(end, 10);
        return bench.caught("g1");
    };
    CHECK_FALSE(run(20, 500, true));
    CHECK_FALSE(run(0, 70, true));
    CHECK_FALSE(run(0, 500, false));
    CHECK(run(0, 500, true));
}

TEST_CASE("L-5 reports what makes steps without end") {
    oracle_bench bench("L-5");
    bench << over(999);
    CHECK(bench.quiet());
    bench << seen::no_progress{s(1), "mgr", 1'000'001};
    CHECK(bench.caught("mgr"));
}

TEST_CASE("L-6 catches a domain that keeps pages of one that is gone") {
    const auto run = [](double let_go, bool mapper_dies) {
        oracle_bench bench("L-6");
        bench << seen::grant_mapping{s(1), "v1", "g1", 5, 70, true}
              << seen::domain_life{s(2), "g1", life::destroyed};
        if (mapper_dies)
            bench << seen::domain_life{s(3), "v1", life::crashed};
        if (let_go > 0)
            bench << seen::grant_mapping{s(let_go), "v1", "g1", 5, 70, false};
        bench << over(999);
        return bench.caught("v1");
    };
    CHECK_FALSE(run(12, false));
    CHECK_FALSE(run(0, true));
    CHECK(run(13, false));
    CHECK(run(0, false));
}

TEST_CASE("L-7 catches a stub domain that neither serves nor says why") {
    const auto run = [](bool complains, double answer) {
        oracle_bench bench("L-7");
        bench << seen::domain_life{s(1), "v1", life::created} << submitted(2, "g1", "v1");
        if (complains)
            bench << seen::log_line{s(3), "v1", "no disk", false, true};
        if (answer > 0)
            bench << seen::answer{s(answer), "g1", "v1", bare_extend, {}, 0};
        bench << over(999);
        return bench.caught("v1");
    };
    CHECK_FALSE(run(false, 100));
    CHECK_FALSE(run(true, 0));
    CHECK(run(false, 0));
    CHECK(run(false, 130));
}

TEST_CASE("L-8 catches a request to XenStore without a reply") {
    const auto message = [](double at, bool out, std::uint32_t type) {
        return seen::store_message{s(at), "dom3", "g1", 3, out, type, 7, 0, "path"};
    };
    oracle_bench good("L-8"), dead("L-8"), bad("L-8");
    good << message(1, false, 2) << message(3, true, 16) << over(999);
    CHECK(good.quiet());
    dead << message(1, false, 2) << seen::domain_life{s(3), "g1", life::crashed} << over(999);
    CHECK(dead.quiet());
    bad << message(1, false, 2) << message(3, true, 15) << over(999);
    CHECK(bad.caught("dom3"));
    CHECK(bad.when() == s(21));
}
