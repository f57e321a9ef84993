// Counting crossings, beginning and ending of faults, and going on with some of them.
#include "scenarios/faults/wire.h"

#include <catch2/catch.hpp>

#include "scenarios/faults/matcher.h"

namespace vtwin::scenario {
namespace {

using sc_core::SC_MS;
using sc_core::sc_time;

/// Notes the crossings that it acted on.
struct counting_effect final : fault_effect {
    void begin() override { ++begun; }
    void end() override { ++ended; }
    int begun = 0, ended = 0;
};

/// A hub with two wires and a fault that acts on them.
struct bench {
    wire_hub hub{{"*"}};
    wire& a = hub.add("a.ring", wire_class::ring);
    wire& b = hub.add("b.ring", wire_class::ring);

    std::pair<armed_fault*, counting_effect*> arm(trigger when, const std::string& name = "f") {
        fault what{name, "ring.test", "*", std::move(when), {}};
        auto effect = std::make_unique<counting_effect>();
        auto* shown = effect.get();
        return {&hub.arm(what, std::move(effect), 1), shown};
    }
    static crossing store(std::string_view member, std::uint64_t value) {
        crossing what("store");
        what.put(field::member, member);
        what.put(field::value, value);
        return what;
    }
};

trigger on(const std::string& wires) {
    trigger when;
    when.on = wires;
    return when;
}

}  // namespace

TEST_CASE("a fault acts on the nth crossing that meets its conditions") {
    bench t;
    auto when = on("a.ring");
    when.where = {{"member", "state"}, {"operation", "store"}};
    when.nth = 3;
    when.count = 2;
    const auto [armed, effect] = t.arm(when);
    CHECK(t.a.cross(crossing("load")).empty());
    CHECK(t.a.cross(t.store("state", 1)).empty());
    CHECK(t.a.cross(t.store("length", 1)).empty());
    CHECK(t.b.cross(t.store("state", 1)).empty());
    CHECK(t.a.cross(t.store("state", 2)).empty());
    CHECK_FALSE(armed->begun());
    const auto acting = t.a.cross(t.store("state", 3));
    REQUIRE(acting.size() == 1);
    CHECK(acting[0] == effect);
    CHECK(t.a.cross(t.store("state", 4)).size() == 1);
    CHECK(t.a.cross(t.store("state", 5)).empty());
    CHECK(armed->acted() == 2);
    CHECK(armed->over());
    CHECK(effect->begun == 1);
    CHECK(t.a.crossings() == 7);
    CHECK(t.hub.position() == 8);
}

TEST_CASE("a fault on several wires counts their crossings together") {
    bench t;
    auto when = on("*.ring");
    when.nth = 2;
    t.arm(when);
    CHECK(t.a.cross(crossing("load")).empty());
    CHECK(t.b.cross(crossing("load")).size() == 1);
    CHECK(t.a.cross(crossing("load")).empty());
}

TEST_CASE("a fault with a probability acts on some crossings and on the same ones in every run") {
    const auto pattern = [](const std::string& name) {
        bench t;
        auto when = on("a.ring");
        when.per_million = 250'000;
        when.count = 0;
        t.arm(when, name);
        std::string acted;
        for (int i = 0; i < 400; ++i)
            acted += t.a.cross(crossing("load")).empty() ? '.' : 'x';
        return acted;
    };
    const auto first = pattern("f");
    CHECK(first == pattern("f"));
    CHECK(first != pattern("g"));
    const auto hits = std::ranges::count(first, 'x');
    CHECK(hits > 70);
    CHECK(hits < 130);
}

TEST_CASE("a fault waits for its time and ends when its time has passed") {
    bench t;
    auto when = on("a.ring");
    when.at = sc_time(10, SC_MS);
    when.duration = sc_time(5, SC_MS);
    const auto [armed, effect] = t.arm(when);
    std::vector<double> acted;
    sc_core::sc_spawn([&] {
        for (int i = 0; i < 20; ++i) {
            if (!t.a.cross(crossing("load")).empty())
                acted.push_back(sc_core::sc_time_stamp().to_seconds() * 1000);
            sc_core::wait(2, SC_MS);
        }
    });
    sc_core::sc_start(50, SC_MS);
    CHECK(acted == std::vector<double>{10, 12, 14});
    CHECK(effect->begun == 1);
    CHECK(effect->ended == 1);
    CHECK(armed->over());
}

TEST_CASE("a fault without a wire begins at its time") {
    bench t;
    trigger when;
    when.at = sc_time(7, SC_MS);
    const auto [armed, effect] = t.arm(when);
    when.at = sc_time(3, SC_MS);
    const auto [sooner, other] = t.arm(when, "sooner");
    sc_core::sc_start(50, SC_MS);
    CHECK(armed->began_at() == sc_time(7, SC_MS));
    CHECK(sooner->began_at() == sc_time(3, SC_MS));
    CHECK(effect->begun == 1);
    CHECK(other->begun == 1);
}

TEST_CASE("a rehearsed fault is asked for and does nothing") {
    bench t;
    auto when = on("a.ring");
    when.nth = 2;
    fault what{"f", "ring.test", "a.ring", when, {}};
    auto& armed = t.hub.arm(what, nullptr, 1);
    std::vector<std::uint64_t> asked;
    t.hub.may_begin = [&](armed_fault& which) {
        asked.push_back(t.hub.occurrences(which));
        return false;
    };
    for (int i = 0; i < 4; ++i)
        CHECK(t.a.cross(crossing("load")).empty());
    CHECK(asked == std::vector<std::uint64_t>{2});
    CHECK_FALSE(armed.begun());
    CHECK(armed.over());
    CHECK(t.hub.occurrences(armed) == 4);
}

TEST_CASE("keeping only some faults goes on with their counts in the same crossing") {
    bench t;
    auto first = on("a.ring");
    first.nth = 3;
    auto second = on("a.ring");
    second.where = {{"operation", "load"}};
    second.nth = 4;
    auto& f = t.hub.arm({"f", "ring.test", "a.ring", first, {}}, nullptr, 1);
    auto& g = t.hub.arm({"g", "ring.test", "a.ring", second, {}}, nullptr, 1);
    auto& never = t.hub.arm({"never", "ring.test", "a.ring", first, {}}, nullptr, 1);
    auto effect_f = std::make_unique<counting_effect>();
    auto effect_g = std::make_unique<counting_effect>();
    const fault_effect* shown_f = effect_f.get();
    const fault_effect* shown_g = effect_g.get();
    t.hub.may_begin = [&](armed_fault& which) {
        if (&which == &f) {
            std::vector<wire_hub::live_fault> live;
            live.push_back({&f, std::move(effect_f)});
            live.push_back({&g, std::move(effect_g)});
            t.hub.keep_only(std::move(live));
        }
        return &which == &f || &which == &g;
    };
    t.a.cross(crossing("load"));
    t.a.cross(crossing("load"));
    auto acting = t.a.cross(crossing("load"));
    REQUIRE(acting.size() == 1);
    CHECK(acting[0] == shown_f);
    acting = t.a.cross(crossing("load"));
    REQUIRE(acting.size() == 1);
    CHECK(acting[0] == shown_g);
    CHECK(t.hub.occurrences(g) == 4);
    CHECK_FALSE(never.begun());
    CHECK(t.a.cross(crossing("load")).empty());
}

TEST_CASE("only the wires that are asked for are wanted") {
    wire_hub hub({"guest?.ring", "tpm.*"});
    CHECK(hub.wanted("guest1.ring"));
    CHECK(hub.wanted("tpm.chip"));
    CHECK_FALSE(hub.wanted("guest10.ring"));
    CHECK_FALSE(hub.wanted("vtpm1.disk"));
}

TEST_CASE("conditions match words numbers and ranges") {
    crossing what("store");
    what.put(field::value, 20);
    what.put(field::member, "state");
    const auto matches = [&](const std::string& name, const std::string& pattern) {
        return matcher({name, pattern}).matches(what, "guest1");
    };
    CHECK(matches("value", "20"));
    CHECK(matches("value", "0x14"));
    CHECK(matches("value", "3..20"));
    CHECK(matches("value", "1|20"));
    CHECK(matches("value", "*"));
    CHECK_FALSE(matches("value", "21..30"));
    CHECK_FALSE(matches("value", "2?"));
    CHECK(matches("member", "st*"));
    CHECK(matches("member", "length|state"));
    CHECK_FALSE(matches("member", "stat"));
    CHECK(matches("stage", "guest?"));
    CHECK_FALSE(matches("path", "*"));
    CHECK_FALSE(matches("no such field", "*"));
    CHECK(matcher::problem_of({"value", "7..3"}) != "");
    CHECK(matcher::problem_of({"value", "1||2"}) != "");
    CHECK(matcher::problem_of({"value", "3..7"}).empty());
}

}  // namespace vtwin::scenario
