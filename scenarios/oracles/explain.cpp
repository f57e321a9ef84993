#include "scenarios/oracles/explain.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace vtwin::scenario {
namespace {

std::string stamp(const sc_core::sc_time& at) {
    return fmt::format("{:.6f} s", at.to_seconds());
}

std::string sentence(const history_line& line) {
    return fmt::format("at {} {}: {}", stamp(line.at), line.who, line.text);
}

bool about_a_fault(const history_line& line) {
    return line.text.starts_with("fault ");
}

/// How often each line was said in the run without faults; times do not count.
class said_before {
  public:
    explicit said_before(const run_record& golden) {
        for (const auto& line : golden.history)
            ++m_left[{line.who, line.text}];
    }
    bool take(const history_line& line) {
        const auto found = m_left.find({line.who, line.text});
        return found != m_left.end() && found->second-- > 0;
    }

  private:
    std::map<std::pair<std::string, std::string>, int> m_left;
};

/// Lines that the run without faults does not have, without those about the faults themselves.
std::vector<const history_line*> divergent(const run_record& golden, const run_record& run) {
    said_before known(golden);
    std::vector<const history_line*> found;
    for (const auto& line : run.history)
        if (!about_a_fault(line) && !known.take(line))
            found.push_back(&line);
    return found;
}

/// The first line that stands in one history where the other has something else; its time may differ, too.
std::optional<std::string> first_difference(const run_record& golden, const run_record& run) {
    std::vector<const history_line*> lines;
    for (const auto& line : run.history)
        if (!about_a_fault(line))
            lines.push_back(&line);
    for (std::size_t i = 0; i < std::max(lines.size(), golden.history.size()); ++i) {
        const auto* now = i < lines.size() ? lines[i] : nullptr;
        const auto* then = i < golden.history.size() ? &golden.history[i] : nullptr;
        if (now == nullptr)
            return fmt::format("What should have come and did not: {}.", sentence(*then));
        if (then == nullptr)
            return fmt::format("The first difference: {}.", sentence(*now));
        if (now->who != then->who || now->text != then->text)
            return fmt::format("The first difference: {} (without the fault: {}).", sentence(*now),
                               sentence(*then));
        if (now->at != then->at)
            return fmt::format("The first difference is one of time: {}, without the fault at {}.",
                               sentence(*now), stamp(then->at));
    }
    return std::nullopt;
}

/// Faults as asked for and as they happened.
void tell_faults(std::string& text, const run_record& run, const std::vector<fault>& faults) {
    for (const auto& each : faults) {
        const auto began = std::ranges::find_if(run.history, [&](const history_line& line) {
            return line.text.starts_with("fault " + each.name + " ") && line.text.ends_with("begins");
        });
        if (began == run.history.end())
            text +=
                fmt::format("The fault {} ({} on {}) did not begin.\n", each.name, each.kind, each.target);
        else
            text += fmt::format("The fault {} ({} on {}) began at {}.\n", each.name, each.kind, each.target,
                                stamp(began->at));
    }
}

/// Shortened to the first half and the last; a line that repeats is told once, with its count.
void tell_what_followed(std::string& text, const std::vector<const history_line*>& lines, std::size_t most) {
    struct told {
        const history_line* line;
        std::size_t times;
    };
    std::vector<told> once;
    for (const auto* line : lines) {
        const auto same = std::ranges::find_if(once, [&](const told& each) {
            return each.line->who == line->who && each.line->text == line->text;
        });
        if (same == once.end())
            once.push_back({line, 1});
        else
            ++same->times;
    }
    for (std::size_t i = 0; i < once.size(); ++i) {
        if (once.size() > most && i == most / 2) {
            text += fmt::format("  ... {} more ...\n", once.size() - most);
            i = once.size() - (most - most / 2);
        }
        const auto& [line, times] = once[i];
        text += "  " + sentence(*line);
        text += times > 1 ? fmt::format(" ({} times)\n", times) : "\n";
    }
}

}  // namespace

std::string explain(const run_record& golden, const run_record& run, const std::vector<fault>& faults,
                    std::size_t most) {
    std::string text;
    tell_faults(text, run, faults);
    const auto result = judge(golden, run);
    if (const auto first = first_difference(golden, run))
        text += *first + "\n";
    const auto lines = divergent(golden, run);
    if (!lines.empty()) {
        text += "What only this run has:\n";
        tell_what_followed(text, lines, most);
    }
    for (const auto& each : result.violations)
        text += fmt::format("{} was violated at {} ({}): {}.\n", each.invariant, stamp(each.at),
                            name_of(each.worst), each.text);
    text +=
        fmt::format("Outcome: {}, {}; {}.\n", code_of(result.worst), name_of(result.worst), result.summary);
    return text;
}

}  // namespace vtwin::scenario
