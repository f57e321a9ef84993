// A page as text for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/report/chart_tables.h"
#include "scenarios/report/page.h"
#include "scenarios/report/text.h"

namespace vtwin::scenario::report {
namespace {

constexpr std::size_t narrowest = 12;  ///< a column of text is not shortened below this
constexpr std::size_t bar_column = 4;  ///< of an interval plot, behind label, point, low and high
constexpr std::string_view gap = "  ";

std::string repeated(std::string_view what, std::size_t times) {
    std::string made;
    for (std::size_t time = 0; time < times; ++time)
        made += what;
    return made;
}

std::string wrapped(std::string_view text, std::size_t width) {
    std::string made, line;
    std::size_t start = 0;
    const std::string clean = printable(text);
    while (start < clean.size()) {
        const std::size_t end = std::min(clean.find(' ', start), clean.size());
        const std::string word = clean.substr(start, end - start);
        start = end + 1;
        if (word.empty())
            continue;
        if (!line.empty() && length_of(line) + 1 + length_of(word) > width) {
            made += line + '\n';
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return line.empty() ? made : made + line + '\n';
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

std::string padded(const std::string& text, std::size_t width, alignment align) {
    const std::string shown = shortened(text, width);
    const std::string space(width - std::min(width, length_of(shown)), ' ');
    return align == alignment::right ? space + shown : shown + space;
}

std::size_t widest_word(const std::string& text) {
    std::size_t widest = 0;
    for (std::size_t start = 0, end = 0; end < text.size(); start = end + 1) {
        end = std::min(text.find(' ', start), text.size());
        widest = std::max(widest, length_of(text.substr(start, end - start)));
    }
    return widest;
}

/// Some columns must not be cut: numbers, and bars drawn from characters.
bool may_give_way(const column& which, const std::vector<std::size_t>& fixed, std::size_t place) {
    return which.align == alignment::left && std::find(fixed.begin(), fixed.end(), place) == fixed.end();
}

std::size_t total_of(const std::vector<std::size_t>& widths) {
    std::size_t total = 0;
    for (std::size_t place = 0; place < widths.size(); ++place)
        total += widths[place] + (place ? gap.size() : 0);
    return total;
}

/// As wide as their longest cell; titles keep up to `title` characters in one line.
std::vector<std::size_t> natural_widths(const std::vector<std::vector<std::string>>& texts,
                                        std::size_t title) {
    std::vector<std::size_t> widths;
    for (std::size_t place = 0; place < texts[0].size(); ++place) {
        std::size_t widest =
            std::max(widest_word(texts[0][place]), std::min(title, length_of(texts[0][place])));
        for (std::size_t row = 1; row < texts.size(); ++row)
            widest = std::max(widest, length_of(texts[row][place]));
        widths.push_back(widest);
    }
    return widths;
}

/// When tables are too wide, first titles are broken into lines, then the widest columns of text give way.
std::vector<std::size_t> column_widths(const table& what, const std::vector<std::vector<std::string>>& texts,
                                       std::size_t width, const std::vector<std::size_t>& fixed) {
    constexpr std::size_t comfortable = 16;
    std::vector<std::size_t> widths = natural_widths(texts, comfortable);
    if (total_of(widths) > width)
        widths = natural_widths(texts, 0);
    for (std::size_t total = total_of(widths); total > width; --total) {
        std::size_t* most = nullptr;
        for (std::size_t place = 0; place < widths.size(); ++place)
            if (may_give_way(what.columns[place], fixed, place) && widths[place] > narrowest &&
                (!most || widths[place] > *most))
                most = &widths[place];
        if (!most)
            break;
        --*most;
    }
    return widths;
}

std::string line_text(const std::vector<std::string>& texts, const table& what,
                      const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t place = 0; place < widths.size(); ++place) {
        if (place)
            line += gap;
        line += padded(texts[place], widths[place], what.columns[place].align);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

/// Titles stand at the bottom of as many lines as the longest of them needs.
std::string head_text(const std::vector<std::string>& titles, const table& what,
                      const std::vector<std::size_t>& widths) {
    std::vector<std::vector<std::string>> stacks;
    std::size_t height = 0;
    for (std::size_t place = 0; place < titles.size(); ++place) {
        stacks.push_back(lines_of(wrapped(titles[place], widths[place])));
        height = std::max(height, stacks.back().size());
    }
    std::string made;
    for (std::size_t line = 0; line < height; ++line) {
        std::vector<std::string> texts;
        texts.reserve(stacks.size());
        for (const auto& stack : stacks)
            texts.push_back(line + stack.size() < height ? "" : stack[line + stack.size() - height]);
        made += line_text(texts, what, widths);
    }
    return made + repeated("─", total_of(widths)) + '\n';
}

std::string table_text(const table& what, std::size_t width, const std::vector<std::size_t>& fixed = {}) {
    std::vector<std::vector<std::string>> texts(1);
    for (const column& head : what.columns)
        texts[0].push_back(printable(head.title));
    for (const auto& row : what.rows) {
        std::vector<std::string> shown;
        for (std::size_t place = 0; place < what.columns.size(); ++place)
            shown.push_back(place < row.size() ? printable(row[place].text) : "");
        texts.push_back(std::move(shown));
    }
    const std::vector<std::size_t> widths = column_widths(what, texts, width, fixed);
    std::string made = wrapped(what.caption, width) + head_text(texts[0], what, widths);
    for (std::size_t row = 1; row < texts.size(); ++row)
        made += line_text(texts[row], what, widths);
    return made;
}

/// "├──●────┤" on a scale that spans all intervals.
table with_bars(const interval_plot& chart) {
    constexpr std::size_t places = 31;
    table made = table_of(chart);
    const auto scaled = [&](double value) {
        return !chart.scale.logarithmic ? value : value > 0 ? std::log10(value) : std::nan("");
    };
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (const interval& each : chart.intervals)
        for (const double value : {scaled(each.low), scaled(each.point), scaled(each.high)})
            if (std::isfinite(value)) {
                least = std::min(least, value);
                most = std::max(most, value);
            }
    const auto place_of = [&](double value) {
        const double share = (scaled(value) - least) / (most - least);
        return std::isfinite(share) ? static_cast<std::size_t>(std::lround(share * (places - 1))) : 0;
    };
    made.columns.insert(made.columns.begin() + bar_column, column{});
    for (std::size_t row = 0; row < made.rows.size(); ++row) {
        const interval& each = chart.intervals[row];
        std::string bar;
        for (std::size_t place = 0; place < places; ++place) {
            const std::size_t low = place_of(each.low), high = place_of(each.high);
            bar += place == place_of(each.point) ? "●"
                   : place < low || place > high ? " "
                   : place == low                ? "├"
                   : place == high               ? "┤"
                                                 : "─";
        }
        made.rows[row].insert(made.rows[row].begin() + bar_column, cell{bar});
    }
    return made;
}

table with_bars(const histogram& chart) {
    constexpr std::uint64_t places = 40;
    table made = table_of(chart);
    std::uint64_t most = 1;
    for (const bin& each : chart.bins)
        most = std::max(most, each.count);
    made.columns.push_back({});
    for (std::size_t row = 0; row < made.rows.size(); ++row) {
        const double share = static_cast<double>(chart.bins[row].count) / static_cast<double>(most);
        made.rows[row].push_back({repeated("█", static_cast<std::size_t>(std::lround(share * places)))});
    }
    return made;
}

struct to_text {
    std::size_t width;

    std::string operator()(const paragraph& what) const { return wrapped(what.text, width); }
    std::string operator()(const table& what) const { return table_text(what, width); }
    std::string operator()(const code_line& what) const {
        return wrapped(what.label, width) + "    " + printable(what.command) + '\n';
    }
    std::string operator()(const heat_map& what) const { return captioned(what.caption, table_of(what)); }
    std::string operator()(const interval_plot& what) const {
        std::string made = captioned(what.caption, with_bars(what), {bar_column});
        if (what.reference)
            made += wrapped(what.reference_label + ": " + number_text(*what.reference), width);
        return made;
    }
    std::string operator()(const line_chart& what) const {
        constexpr std::size_t rows = 20;
        std::string made = captioned(what.caption, table_of(what, rows));
        for (const mark& each : what.marks)
            made += wrapped(
                each.label + ": " + title_of(each.on_x ? what.x : what.y) + " = " + number_text(each.value),
                width);
        return made;
    }
    std::string operator()(const stacked_bars& what) const { return captioned(what.caption, table_of(what)); }
    std::string operator()(const histogram& what) const {
        return captioned(what.caption, with_bars(what), {3});
    }

    std::string captioned(const std::string& caption, table what,
                          const std::vector<std::size_t>& fixed = {}) const {
        what.caption = caption;
        return table_text(what, width, fixed);
    }
};

}  // namespace

std::string render_text(const page& what, std::size_t width) {
    width = std::max<std::size_t>(width, 20);
    std::string made = wrapped(what.title, width);
    for (const std::string& line : what.subtitle)
        made += wrapped(line, width);
    for (const section& part : what.sections) {
        const std::string title = printable(part.title);
        made += '\n' + title + '\n' + repeated("═", std::min(width, length_of(title))) + '\n';
        for (std::size_t index = 0; index < part.blocks.size(); ++index)
            made += (index ? "\n" : "") + std::visit(to_text{width}, part.blocks[index]);
    }
    return made;
}

}  // namespace vtwin::scenario::report
