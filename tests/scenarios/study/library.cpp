#include <catch2/catch.hpp>

#include "scenarios/config/scenario.h"
#include "scenarios/study/study.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::study;

TEST_CASE("every setting of every study of the library can be loaded") {
    const auto studies = list_studies();
    CHECK(studies.size() >= 4);
    for (const study_entry& each : studies) {
        CHECK_FALSE(each.description.empty());
        const auto read = read_study(each.name);
        for (const setting& one : settings_of(read))
            CHECK_NOTHROW(load_scenario(read.scenario, one.overrides));
    }
}
