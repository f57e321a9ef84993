#include "scenarios/study/point.h"

#include "scenarios/study/probe.h"

namespace vtwin::scenario::study {

point_result run_point(const models::run_config& config) {
    point_result result;
    models::platform machine("machine", config, [](const models::timeline_entry&) {});
    probe listening(machine, config);
    const auto& outcome = machine.run();
    result.problem = outcome.problem;
    if (!outcome.finished)
        return result;
    const observations seen = listening.take(result.problem);
    if (!result.problem.empty())
        return result;
    result.values = measure(seen);
    result.latencies = latencies(seen);
    return result;
}

}  // namespace vtwin::scenario::study
