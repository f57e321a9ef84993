#include "scenarios/report/verdict_text.h"

#include <fmt/format.h>

#include "scenarios/report/text.h"

namespace vtwin::scenario::report {

std::string verdict_title(const models::verdict& outcome) {
    return fmt::format("{}: {}", printable(outcome.guest), outcome.trusted ? "TRUSTED" : "UNTRUSTED");
}

std::string verdict_reasons(const models::verdict& outcome) {
    std::string lines;
    for (const auto& reason : outcome.reasons)
        lines += fmt::format("  {}  {}: {}\n", reason.passed ? "ok    " : "FAILED", printable(reason.check),
                             printable(reason.text));
    return lines;
}

}  // namespace vtwin::scenario::report
