// The tables of a campaign file to a campaign; what needs the scenario is left out.
#pragma once

#include <string>
#include <vector>

#include "scenarios/campaign/campaign_file.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

/// `shown_name` is what messages call the file; `standard_name` the campaign's name when it gives none.
campaign read_campaign_text(const std::string& text, const std::string& shown_name,
                            const std::string& standard_name, std::vector<problem>& problems);

}  // namespace vtwin::scenario
