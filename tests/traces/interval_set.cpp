#include "traces/interval_set.h"

#include <catch2/catch.hpp>

using vtwin::trace::interval_set;
using spans = std::vector<interval_set::span>;

TEST_CASE("spans are merged where they touch") {
    interval_set set;
    set.add(10, 20);
    set.add(30, 40);
    set.add(5, 5);
    set.add(20, 25);
    CHECK(set.spans() == spans{{10, 25}, {30, 40}});
    set.add(0, 3);
    CHECK(set.spans() == spans{{0, 3}, {10, 25}, {30, 40}});
    set.add(24, 31);
    CHECK(set.spans() == spans{{0, 3}, {10, 40}});
    set.add(1, 50);
    CHECK(set.spans() == spans{{0, 50}});
    CHECK(set.length() == 50);
}

TEST_CASE("spans are intersected and taken away") {
    interval_set a(0, 100), b;
    b.add(10, 20);
    b.add(50, 60);
    b.add(90, 120);
    CHECK(a.intersected(b).spans() == spans{{10, 20}, {50, 60}, {90, 100}});
    CHECK(a.without(b).spans() == spans{{0, 10}, {20, 50}, {60, 90}});
    CHECK(b.without(a).spans() == spans{{100, 120}});
    CHECK(a.without({}).spans() == a.spans());
    CHECK(a.without(a).spans().empty());
    interval_set two(0, 15);
    two.add(55, 58);
    CHECK(two.without(b).spans() == spans{{0, 10}});
    CHECK(a.without(b).length() + a.intersected(b).length() == a.length());
}

TEST_CASE("the past is forgotten") {
    interval_set set(10, 20);
    set.add(30, 40);
    set.forget_before(35);
    CHECK(set.spans() == spans{{35, 40}});
    set.forget_before(40);
    CHECK(set.spans().empty());
}
