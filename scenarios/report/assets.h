// The style sheet and the script that every HTML report carries: page.css and page.js, as the build found
// them.
#pragma once

#include <string_view>

namespace vtwin::scenario::report {

std::string_view page_style();
std::string_view page_script();

}  // namespace vtwin::scenario::report
