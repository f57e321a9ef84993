// The JavaScript library that draws the charts: fetched once by tools/report/fetch, kept in the build tree.
#include <fstream>
#include <sstream>

#include "scenarios/report/page.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario::report {

std::string load_chart_library() {
    std::ifstream file(VTWIN_CHART_LIBRARY, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty())
        throw user_error(
            {VTWIN_CHART_LIBRARY, 0}, "",
            "HTML reports need the chart library, which is not here; tools/report/fetch fetches it");
    return text.str();
}

}  // namespace vtwin::scenario::report
