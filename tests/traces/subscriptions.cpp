#include "traces/subscriptions.h"

#include <catch2/catch.hpp>
#include <optional>

TEST_CASE("a subscription hears what a port tells until it goes") {
    tlm::tlm_analysis_port<int> numbers("numbers");
    tlm::tlm_analysis_port<char> letters("letters");
    int sum = 0;
    std::optional<vtwin::trace::subscriptions> heard(std::in_place);
    heard->listen(numbers, [&](const int& what) { sum += what; });
    heard->listen(letters, [&](const char&) { sum += 100; });
    numbers.write(3);
    letters.write('x');
    CHECK(sum == 103);
    heard.reset();
    numbers.write(5);
    letters.write('x');
    CHECK(sum == 103);
}
