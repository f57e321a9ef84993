// A study of two settings, and points of it as its store gives them back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "scenarios/study/results.h"
#include "scenarios/study/study.h"

namespace vtwin::scenario::test {

inline study::stored_point point(std::size_t setting, std::uint64_t seed, study::metrics values,
                                 const std::string& problem = "") {
    study::stored_point made;
    made.setting = setting;
    made.seed = seed;
    made.values = std::move(values);
    made.problem = problem;
    return made;
}

inline study::study two_settings() {
    study::study made;
    made.title = "a study";
    made.sweeps.push_back({"guests", {"fleet.count"}, {{"1"}, {"2"}}, {"1", "2"}, {}});
    made.replications = 2;
    made.metrics = {"latency.mean_ns"};
    return made;
}

}  // namespace vtwin::scenario::test
