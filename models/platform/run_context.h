// What all domains of one run share: choices, costs, seed and the timeline.
#pragma once

#include <functional>
#include <string>
#include <systemc>

#include "models/behaviours/behaviours.h"
#include "models/costs.h"
#include "models/drivers/driver_params.h"
#include "models/ports.h"

namespace vtwin::models {

/// One line of the run's timeline.
struct timeline_entry {
    sc_core::sc_time at;
    std::string domain;
    stubdom_services_if::level severity = stubdom_services_if::level::info;
    std::string text;
};
using timeline_sink = std::function<void(timeline_entry)>;

struct run_context {
    std::uint64_t seed = 0;
    behaviour_set behaviours;
    software_costs costs;
    driver_params drivers;
    timeline_sink timeline = [](const timeline_entry&) {};

    void say(const std::string& domain, const std::string& text,
             stubdom_services_if::level severity = stubdom_services_if::level::info) const {
        timeline({sc_core::sc_time_stamp(), domain, severity, text});
    }
};

}  // namespace vtwin::models
