// From a campaign to its runs: populations counted, points drawn, noise added, numbers given.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scenarios/campaign/campaign_file.h"
#include "scenarios/campaign/execution.h"

namespace vtwin::scenario {

struct stratum_plan {
    std::string name;
    std::uint64_t population = 0;  ///< points, over all seeds; each is run once per variant
    std::uint64_t drawn = 0;       ///< points that are run
    double weight = 0;             ///< in estimates over all strata
    std::string sampling;          ///< in words
};

struct campaign_plan {
    std::vector<world> worlds;  ///< for each seed, each variant; those of null runs included
    std::vector<stratum_plan> strata;
    std::uint64_t runs = 0;
};

/// Makes the plan, then gives its runs one by one, in order of their ids: null runs first, then stratum by
/// stratum, point by point in ascending order, variant by variant. `engine` may be null as long as no fault
/// has nth = "all"; crossings are counted in every variant and the largest number holds, so that all variants
/// meet the same faults. Throws user_error: a population that cannot be counted, more than 10 million runs, a
/// fault-free run that is not sound, nth = "all" without an engine. The campaign must outlive it.
class planner {
  public:
    planner(const campaign& what, execution_if* engine, const fault_check& check = check_fault);
    ~planner();
    planner(const planner&) = delete;
    planner& operator=(const planner&) = delete;

    const campaign_plan& plan() const;
    void for_each_run(const std::function<void(const planned_run&)>& sink) const;

  private:
    struct parts;
    std::unique_ptr<parts> m_parts;
};

}  // namespace vtwin::scenario
