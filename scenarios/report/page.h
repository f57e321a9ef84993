// A report as plain data: sections of text, tables, charts and commands, and how it is shown. Who has results
// fills a page; whoever reads it gets one HTML file that opens without a network, or text in a terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace vtwin::scenario::report {

/// What a value means for the reader; shown as a colour and, in tables, never by colour alone.
enum class severity : std::uint8_t { none, good, notice, warning, bad, broken };

enum class alignment : std::uint8_t { left, right };

struct paragraph {
    std::string text;
};

struct column {
    std::string title;
    alignment align = alignment::left;  ///< numbers: right
};

struct cell {
    std::string text;
    severity meaning = severity::none;
};

/// Rows may be shorter than `columns` (the rest is empty), never longer.
struct table {
    std::string caption;  ///< "" for none
    std::vector<column> columns;
    std::vector<std::vector<cell>> rows;
};

/// A command to copy; `label` stands above it.
struct code_line {
    std::string label;
    std::string command;
};

/// `unit` is appended to titles in brackets and to values in tooltips; "" for plain numbers.
struct axis {
    std::string title;
    std::string unit;
    bool logarithmic = false;  ///< base 10; values that are not positive are left out
};

/// Counts by row (a kind of fault, say) and column (a class of outcome): counts[row][column].
struct heat_map {
    std::string caption;
    std::vector<std::string> rows;
    std::vector<std::string> columns;
    std::vector<severity> column_meanings;  ///< empty, or one per column: its cells take that colour
    std::vector<std::vector<std::uint64_t>> counts;
};

struct interval {
    std::string label;
    double point = 0;
    double low = 0;
    double high = 0;
    std::string note;  ///< e.g. "3 of 200"
    severity meaning = severity::none;
};

/// One line per label: a point and the interval around it.
struct interval_plot {
    std::string caption;
    axis scale;
    std::vector<interval> intervals;
    std::optional<double> reference;  ///< a vertical line, e.g. the ratio allowed
    std::string reference_label;
};

struct point {
    double x = 0;
    double y = 0;
    std::optional<double> low = {};  ///< of y; an error bar when both are there
    std::optional<double> high = {};
};

enum class line_style : std::uint8_t { line, steps, dashed, points };

struct series {
    std::string name;
    std::vector<point> points;  ///< in order of x
    line_style style = line_style::line;
};

/// A value on the x or y axis that matters: a time limit, a capacity.
struct mark {
    std::string label;
    double value = 0;
    bool on_x = true;
};

/// Curves over a common axis: distribution functions (steps, y from 0 to 1), latencies, utilisation.
struct line_chart {
    std::string caption;
    axis x;
    axis y;
    std::vector<series> curves;
    std::vector<mark> marks;
};

struct segment {
    std::string name;
    std::vector<double> lengths;  ///< one per bar
};

/// Horizontal bars made of the same segments: where the time of a command goes, hop by hop.
struct stacked_bars {
    std::string caption;
    axis scale;  ///< never logarithmic
    std::vector<std::string> bars;
    std::vector<segment> segments;
};

struct bin {
    double low = 0;
    double high = 0;
    std::uint64_t count = 0;
};

struct histogram {
    std::string caption;
    axis scale;
    std::vector<bin> bins;  ///< in order, not overlapping
};

using block =
    std::variant<paragraph, table, code_line, heat_map, interval_plot, line_chart, stacked_bars, histogram>;

struct section {
    std::string title;
    std::vector<block> blocks;
};

struct page {
    std::string title;
    std::vector<std::string> subtitle;  ///< lines below the title: what was run, when it is from, fingerprint
    std::vector<section> sections;
};

/// The cumulative distribution of `values` (any order) as steps from 0 to 1; at most `limit` points, both
/// ends kept.
series distribution(std::string name, std::vector<double> values, std::size_t limit = 500);

/// One self-contained HTML file: no request leaves it. `chart_library` is the text of the JavaScript library
/// that draws (load_chart_library). Equal pages and libraries give equal bytes. Every text is escaped: names
/// may come from hostile guests. Numbers that are not finite are left out of charts.
std::string render_html(const page& what, const std::string& chart_library);
/// With the library that was installed beside this program. Throws user_error when it is not there.
std::string render_html(const page& what);

/// The same for a terminal, `width` characters wide where tables allow; charts become small tables. Control
/// characters in names are shown, not sent.
std::string render_text(const page& what, std::size_t width = 100);

/// Reads the chart library that tools/report/fetch leaves in the build tree. Throws user_error, with what to
/// run, when it is not there.
std::string load_chart_library();
/// Writes `text` to `file` in one step: either the whole file is there or the old one. Throws user_error.
void write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace vtwin::scenario::report
