#include "scenarios/study/setting_tables.h"

#include <fmt/format.h>

namespace vtwin::scenario::study {

std::string number(double value) {
    return fmt::format("{:.6g}", value);
}

report::table table_of(const study& what, const std::string& caption,
                       const std::vector<std::string>& titles) {
    report::table made;
    made.caption = caption;
    for (const sweep& each : what.sweeps)
        made.columns.push_back({each.name});
    for (const std::string& each : titles)
        made.columns.push_back({each, report::alignment::right});
    return made;
}

std::vector<report::cell> labels_of(const setting_points& of) {
    std::vector<report::cell> cells;
    for (const std::string& label : of.which.labels)
        cells.push_back({label});
    return cells;
}

}  // namespace vtwin::scenario::study
