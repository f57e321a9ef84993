// Arbitration row by row (A1..A16), then the whole reachable space against a second reading of the same
// table.
#include "tpm/tis/locality_arbiter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>
#include <tuple>

using namespace vtwin::tpm;

namespace {

constexpr std::uint8_t request_use = 0x02, relinquish = 0x20, seize = 0x08, clear_seized = 0x10;

/// A, R, Z of the arbitration table.
struct triple {
    int a = -1;
    std::set<int> r, z;
    bool operator<(const triple& other) const {
        return std::tie(a, r, z) < std::tie(other.a, other.r, other.z);
    }
    bool operator==(const triple& other) const = default;
};

std::set<int> members(std::uint8_t mask) {
    std::set<int> out;
    for (int i = 0; i < 8; ++i) {
        if ((mask >> i & 1) != 0) {
            out.insert(i);
        }
    }
    return out;
}

triple triple_of(const locality_arbiter& arbiter) {
    return {arbiter.active(), members(arbiter.waiting()), members(arbiter.seized())};
}

struct expectation {
    int row = 0;  ///< 0: no row applies, nothing changes
    triple after;
    bool abort = false, interrupt = false;
};

/// Rows A1..A11, written from the table with sets.
expectation by_table(triple s, int l, std::uint8_t value) {
    const int w = value & 0x3A;
    expectation e{0, s};
    if (w == 0x02) {
        e.row = s.a == -1 ? 1 : s.a == l ? 2 : 3;
        if (e.row == 1)
            e.after.a = l;
        if (e.row == 3)
            e.after.r.insert(l);
    } else if (w == 0x20 && s.a == l) {
        e.abort = true;
        e.row = s.r.empty() ? 4 : 5;
        e.after.a = s.r.empty() ? -1 : *s.r.rbegin();
        e.after.r.erase(e.after.a);
        e.interrupt = e.row == 5;
    } else if (w == 0x20) {
        e.row = s.r.count(l) != 0 ? 6 : 7;
        e.after.r.erase(l);
    } else if (w == 0x08 && s.a == -1) {
        e.row = 8;
        e.after.a = l;
    } else if (w == 0x08 && s.a < l) {
        e.row = 9;
        e.abort = true;
        e.interrupt = s.r.count(l) != 0;
        e.after.z.insert(s.a);
        e.after.a = l;
        e.after.r.erase(l);
    } else if (w == 0x08) {
        e.row = 10;
    } else if (w == 0x10) {
        e.row = 11;
        e.after.z.erase(l);
    }
    return e;
}

std::uint8_t access_by_formula(const triple& s, int l, bool established) {
    std::set<int> others = s.r;
    others.erase(l);
    return static_cast<std::uint8_t>(0x80 | 0x20 * (s.a == l) | 0x10 * (s.z.count(l) != 0) |
                                     0x04 * !others.empty() | 0x02 * (s.r.count(l) != 0) |
                                     0x01 * !established);
}

/// Breadth-first through everything that ACCESS writes to pages 0..pages-1 can reach.
std::map<triple, locality_arbiter> explore(int pages) {
    std::map<triple, locality_arbiter> found{{triple{}, locality_arbiter{}}};
    std::deque<triple> open{triple{}};
    while (!open.empty()) {
        const triple here = open.front();
        open.pop_front();
        for (int l = 0; l < pages; ++l) {
            for (const std::uint8_t value : {request_use, relinquish, seize, clear_seized}) {
                locality_arbiter next = found.at(here);
                next.write_access(l, value);
                if (found.emplace(triple_of(next), next).second) {
                    open.push_back(triple_of(next));
                }
            }
        }
    }
    return found;
}

/// ACCESS(0..4) with E = 0.
std::vector<int> all_access(const locality_arbiter& arbiter) {
    std::vector<int> out;
    for (int l = 0; l < 5; ++l) {
        out.push_back(arbiter.read_access(l, false));
    }
    return out;
}

using values = std::vector<int>;

}  // namespace

TEST_CASE("locality arbiter grants a free TPM at once and keeps others waiting") {
    locality_arbiter arbiter;
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x81, 0x81, 0x81});
    auto outcome = arbiter.write_access(1, request_use);  // A1
    CHECK_FALSE(outcome.abort);
    CHECK_FALSE(outcome.interrupt);
    CHECK(all_access(arbiter) == values{0x81, 0xA1, 0x81, 0x81, 0x81});
    arbiter.write_access(1, request_use);  // A2
    CHECK(all_access(arbiter) == values{0x81, 0xA1, 0x81, 0x81, 0x81});
    outcome = arbiter.write_access(2, request_use);  // A3
    CHECK_FALSE(outcome.abort);
    CHECK(all_access(arbiter) == values{0x85, 0xA5, 0x83, 0x85, 0x85});
    arbiter.write_access(3, relinquish);  // A7
    CHECK(all_access(arbiter) == values{0x85, 0xA5, 0x83, 0x85, 0x85});
    arbiter.write_access(2, relinquish);  // A6
    CHECK(all_access(arbiter) == values{0x81, 0xA1, 0x81, 0x81, 0x81});
    outcome = arbiter.write_access(1, relinquish);  // A4
    CHECK(outcome.abort);
    CHECK(outcome.abandoned);
    CHECK_FALSE(outcome.interrupt);
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x81, 0x81, 0x81});
}

TEST_CASE("locality arbiter hands over to the highest waiter") {
    locality_arbiter arbiter;
    arbiter.write_access(0, request_use);
    arbiter.write_access(1, request_use);
    arbiter.write_access(3, request_use);
    CHECK(all_access(arbiter) == values{0xA5, 0x87, 0x85, 0x87, 0x85});
    const auto outcome = arbiter.write_access(0, relinquish);  // A5
    CHECK(outcome.abort);
    CHECK_FALSE(outcome.abandoned);
    CHECK(outcome.interrupt);
    CHECK(all_access(arbiter) == values{0x85, 0x83, 0x85, 0xA5, 0x85});
}

TEST_CASE("locality arbiter lets seize work only upwards") {
    locality_arbiter arbiter;
    auto outcome = arbiter.write_access(2, seize);  // A8
    CHECK_FALSE(outcome.abort);
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0xA1, 0x81, 0x81});
    arbiter.write_access(1, seize);  // A10
    arbiter.write_access(2, seize);
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0xA1, 0x81, 0x81});
    outcome = arbiter.write_access(3, seize);  // A9, not waiting
    CHECK(outcome.abort);
    CHECK_FALSE(outcome.interrupt);
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x91, 0xA1, 0x81});
    arbiter.write_access(3, clear_seized);  // A11 elsewhere
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x91, 0xA1, 0x81});
    arbiter.write_access(2, clear_seized);  // A11
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x81, 0xA1, 0x81});
    arbiter.write_access(4, request_use);
    outcome = arbiter.write_access(4, seize);  // A9, waiting
    CHECK(outcome.interrupt);
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x81, 0x91, 0xA1});
}

TEST_CASE("locality arbiter opens a launch sequence only when no ordinary locality owns the TPM") {
    locality_arbiter arbiter;
    arbiter.write_access(0, request_use);
    CHECK_FALSE(arbiter.hash_start().accepted);  // A13
    CHECK_FALSE(arbiter.hash_end().accepted);
    CHECK(all_access(arbiter) == values{0xA1, 0x81, 0x81, 0x81, 0x81});
    arbiter.write_access(0, relinquish);
    auto outcome = arbiter.hash_start();  // A12
    CHECK(outcome.accepted);
    CHECK(outcome.abort);
    CHECK(arbiter.hash_open());
    CHECK(arbiter.read_access(4, true) == 0xA0);
    CHECK(arbiter.read_access(0, true) == 0x80);
    CHECK_FALSE(arbiter.hash_start().accepted);  // already open
    outcome = arbiter.hash_end();                // A14, nobody waits
    CHECK(outcome.accepted);
    CHECK_FALSE(outcome.interrupt);
    CHECK(arbiter.active() == locality_arbiter::none);
    arbiter.hash_start();
    arbiter.write_access(1, request_use);
    arbiter.write_access(2, request_use);
    outcome = arbiter.hash_end();  // A14, as A5
    CHECK(outcome.interrupt);
    CHECK(arbiter.active() == 2);
    CHECK(members(arbiter.waiting()) == std::set<int>{1});
    arbiter.reset();  // A15
    CHECK(all_access(arbiter) == values{0x81, 0x81, 0x81, 0x81, 0x81});
    CHECK_FALSE(arbiter.hash_open());
}

TEST_CASE("locality arbiter reaches exactly the states of the arbitration table") {
    CHECK(explore(5).size() == 1296);
    CHECK(explore(4).size() == 264);
    for (const auto& [state, arbiter] : explore(5)) {
        REQUIRE(state.r.count(state.a) == 0);
        REQUIRE((state.a != -1 || state.r.empty()));
        REQUIRE(state.z.count(4) == 0);
    }
    for (const auto& [state, arbiter] : explore(4)) {
        REQUIRE(state.z.count(3) == 0);
    }
}

TEST_CASE("locality arbiter agrees with the table for every byte in every reachable state") {
    std::map<int, int> rows;
    int wrong = 0;
    for (const auto& [state, arbiter] : explore(5)) {
        for (int l = 0; l < 5; ++l) {
            wrong += arbiter.read_access(l, false) != access_by_formula(state, l, false);
            wrong += arbiter.read_access(l, true) != access_by_formula(state, l, true);
            for (int value = 0; value < 256; ++value) {
                const auto expected = by_table(state, l, static_cast<std::uint8_t>(value));
                locality_arbiter next = arbiter;
                const auto outcome = next.write_access(l, static_cast<std::uint8_t>(value));
                wrong += !(triple_of(next) == expected.after);
                wrong += outcome.abort != expected.abort;
                wrong += outcome.interrupt != expected.interrupt;
                ++rows[expected.row];
            }
        }
    }
    CHECK(wrong == 0);
    for (int row = 1; row <= 11; ++row) {
        CHECK(rows[row] > 0);
    }
    // 256 values hold 16 combinations of the other four bits per combination of the writable ones.
    CHECK(rows[0] == 1296 * 5 * 16 * 12);
}
