#include "scenarios/runner/forked_child.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <vector>

using vtwin::scenario::forked_child;
using vtwin::scenario::process_end;

namespace {

process_end end_of(const std::function<int()>& work) {
    return forked_child(work).wait();
}

int sleep_for_ever() {
    for (;;)
        ::pause();
}

bool exists(pid_t process) {
    return ::kill(process, 0) == 0 || errno != ESRCH;
}

}  // namespace

TEST_CASE("a child's end says how it came to it") {
    CHECK(end_of([] { return 0; }).good());
    CHECK(end_of([] { return 7; }).text() == "ended with status 7");
    CHECK(end_of([]() -> int { throw std::runtime_error("unheard"); }).text() == "ended with status 1");
    const auto killed = end_of([] { return ::raise(SIGKILL); });
    CHECK_FALSE(killed.good());
    CHECK(killed.text() == "was ended by signal 9 (Killed)");
}

TEST_CASE("a child that is asked again tells the same end") {
    forked_child child([] { return 3; });
    CHECK(child.wait().status == 3);
    REQUIRE(child.ended());
    CHECK(child.ended()->status == 3);
    CHECK(child.wait().status == 3);
}

TEST_CASE("a child runs on when it is moved and is gone with its object") {
    pid_t first = 0, second = 0;
    {
        std::vector<forked_child> children;
        children.emplace_back(sleep_for_ever);
        children.emplace_back(sleep_for_ever);
        first = children[0].id();
        second = children[1].id();
        CHECK_FALSE(children[0].ended());
        children.erase(children.begin());
        CHECK_FALSE(exists(first));
        CHECK(children[0].id() == second);
        CHECK_FALSE(children[0].ended());
    }
    CHECK_FALSE(exists(second));
}

TEST_CASE("signals to the whole group do not end a child") {
    int begun[2], go_on[2];
    REQUIRE(::pipe(begun) == 0);
    REQUIRE(::pipe(go_on) == 0);
    forked_child child([&] {
        char octet = 'x';
        return ::write(begun[1], &octet, 1) == 1 && ::read(go_on[0], &octet, 1) == 1 ? 5 : 6;
    });
    char octet = 0;
    REQUIRE(::read(begun[0], &octet, 1) == 1);
    ::kill(child.id(), SIGINT);
    ::kill(child.id(), SIGTERM);
    REQUIRE(::write(go_on[1], &octet, 1) == 1);
    CHECK(child.wait().status == 5);
}
