#include "traces/signals.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace vtwin::trace;

TEST_CASE("signal descriptions are found by the signals of a run") {
    CHECK(find_signal("tpm.tpm.access_4")->path == "tpm.<tpm>.access_<n>");
    CHECK(find_signal("events.vtpm-1.port_12")->width == 1);
    CHECK(find_signal("events.vtpm-1.port_") == nullptr);
    CHECK(find_signal("events..port_1") == nullptr);
    CHECK(find_signal("tpm.tpm.sts.x") == nullptr);
    CHECK(find_signal("nothing") == nullptr);
    CHECK(std::ranges::is_sorted(all_signals(), {}, &signal_description::path));
}
