#include "scenarios/campaign/outcome_set.h"

namespace vtwin::scenario {

outcome_set outcome_set::all_but_failures() {
    outcome_set made;
    for (std::size_t i = 0; i < outcome_classes; ++i)
        if (const auto which = static_cast<outcome_class>(i); which != outcome_class::simulator_failure)
            made.add(which);
    return made;
}

std::string outcome_set::text() const {
    std::string text;
    for (std::size_t i = 0; i < outcome_classes; ++i)
        if (const auto which = static_cast<outcome_class>(i); contains(which))
            text += (text.empty() ? "" : " ") + std::string(code_of(which));
    return text;
}

outcome_set outcome_set::parse(std::string_view text) {
    outcome_set made;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find(' ', start), text.size());
        if (const auto which = parse_outcome_class(text.substr(start, end - start)))
            made.add(*which);
        start = end + 1;
    }
    return made;
}

std::optional<outcome_class> parse_outcome_class(std::string_view text) {
    for (std::size_t i = 0; i < outcome_classes; ++i)
        if (const auto which = static_cast<outcome_class>(i);
            code_of(which) == text || name_of(which) == text)
            return which;
    return std::nullopt;
}

std::vector<std::string> outcome_codes() {
    std::vector<std::string> codes;
    for (std::size_t i = 0; i < outcome_classes; ++i)
        codes.emplace_back(code_of(static_cast<outcome_class>(i)));
    return codes;
}

}  // namespace vtwin::scenario
