#include "scenarios/schema/key.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "scenarios/schema/problem.h"
#include "scenarios/schema/value_parser.h"

using namespace vtwin::scenario;

TEST_CASE("every declared key is documented once and its default is valid") {
    std::set<std::string> seen;
    for (const key_declaration& key : all_keys()) {
        INFO(key.pattern);
        CHECK(seen.insert(key.pattern).second);
        CHECK_FALSE(key.doc.empty());
        if (key.when_absent == absence::standard)
            CHECK(std::holds_alternative<value>(parse_value_text(key, key.standard, ".")));
        if (key.when_absent == absence::derived)
            CHECK_FALSE(key.standard.empty());
    }
    CHECK(seen.size() > 50);
}

TEST_CASE("a path finds its declaration through its wildcards") {
    CHECK(find_key("seed")->pattern == "seed");
    CHECK(find_key("guest.any-name_1.kernel")->pattern == "guest.<name>.kernel");
    CHECK(find_key("machine.firmware.12.pcr")->pattern == "machine.firmware.<n>.pcr");
    CHECK(find_key("behaviours.vtpm.something")->pattern == "behaviours.<behaviour>");
    CHECK(find_key("guest.g1.kernal") == nullptr);
    CHECK(find_key("guest.a b.kernel") == nullptr);
    CHECK(find_key("guest.kernel") == nullptr);
    CHECK(find_key("machine.firmware.x.pcr") == nullptr);
    CHECK(is_section("guest"));
    CHECK(is_section("guest.g1"));
    CHECK_FALSE(is_section("guest.g1.kernel"));
    CHECK_FALSE(is_section("guests"));
    CHECK(is_array("machine.firmware"));
    CHECK_FALSE(is_array("machine.firmware.0"));
    CHECK_FALSE(is_array("guest"));
}

TEST_CASE("paths are ordered by number where they have numbers") {
    path_less less;
    CHECK(less("guest.g2.x", "guest.g10.x"));
    CHECK_FALSE(less("guest.g10.x", "guest.g2.x"));
    CHECK(less("guest.g", "guest.g.x"));
    CHECK(less("guest.g.z", "guest.g1.a"));
    CHECK(less("guest.g-1.z", "guest.g-2.a"));
    CHECK_FALSE(less("a", "a"));
    CHECK(less("a1", "a01") != less("a01", "a1"));
}

TEST_CASE("the nearest name is offered only when it is near") {
    CHECK(nearest_name("kernal", {"initrd", "kernel", "label"}) == "kernel");
    CHECK(nearest_name("ekrnel", {"kernel"}) == "kernel");
    CHECK(nearest_name("quux", {"kernel", "label"}).empty());
}
