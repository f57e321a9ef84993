#include "models/live/recorded_work.h"

#include "tests/models/drivers/world.h"

using namespace vtwin::models;
using namespace vtwin::models::live;
using vtwin::models::test::us;

namespace {

recorded_operation recorded(std::uint8_t octet, double think, std::uint8_t answered) {
    recorded_operation what;
    what.what.data = {std::byte{octet}};
    what.think = us(think);
    what.answered = {std::byte{answered}};
    return what;
}

answer with(std::uint8_t octet, answer::status what = answer::status::done) {
    answer result;
    result.what = what;
    result.data = {std::byte{octet}};
    return result;
}

}  // namespace

TEST_CASE("a recording is asked for again after the same idle times and its differences are counted") {
    const recording what{vtwin::tpm::family::tpm20,
                         start_mode::clear,
                         place::guest,
                         {recorded(1, 5, 11), recorded(2, 0, 12), recorded(3, 7, 13)}};
    sc_core::sc_time now = us(100);
    recorded_work work(what, [&] { return now; });
    int ended = 0;
    work.on_end = [&] { ++ended; };
    const auto first = work.next();
    REQUIRE(first);
    CHECK(first->at == us(105));
    CHECK(first->what.data == bytes{std::byte{1}});
    CHECK_FALSE(first->idle);
    // What was not done is asked for again: a power cycle ends the thread that had asked.
    CHECK(work.next()->what.data == bytes{std::byte{1}});
    work.done(first->what, with(11));
    now = us(200);
    CHECK(work.next()->at == us(200));
    work.done(work.next()->what, with(12, answer::status::failed));
    CHECK(work.next()->at == us(207));
    work.done(work.next()->what, with(99));
    CHECK(ended == 0);
    CHECK_FALSE(work.next());
    CHECK_FALSE(work.next());
    CHECK(ended == 1);
    CHECK(work.performed() == 3);
    CHECK(work.different() == 2);
    CHECK(work.first_different() == 1);
}
