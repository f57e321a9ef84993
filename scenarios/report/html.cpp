// A page as one HTML file: a policy that forbids every request, the style, the text, the charts' figures, and
// two scripts that the policy knows by their hashes.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <nlohmann/json.hpp>

#include "scenarios/config/files.h"
#include "scenarios/report/assets.h"
#include "scenarios/report/chart_data.h"
#include "scenarios/report/chart_tables.h"
#include "scenarios/report/page.h"
#include "scenarios/report/text.h"

namespace vtwin::scenario::report {
namespace {

constexpr std::size_t longest_unbroken = 20;  // octets of a cell that stays on one line
constexpr std::array<std::string_view, 6> meaning_classes = {"",        "good", "notice",
                                                             "warning", "bad",  "broken"};

std::string base64(std::span<const std::byte> data) {
    std::string made((data.size() + 2) / 3 * 4 + 1, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                        reinterpret_cast<const unsigned char*>(data.data()), static_cast<int>(data.size()));
    made.resize(static_cast<std::size_t>(length));
    return made;
}

/// The name by which the page's policy admits an inline script.
std::string script_hash(std::string_view script) {
    return "'sha256-" + base64(sha256(std::as_bytes(std::span(script)))) + "'";
}

/// A script's text so that it cannot end its element early. Both forms occur in string literals only, where
/// the added backslash changes nothing.
std::string script_text(std::string text) {
    const auto replace = [&](std::string_view what, std::string_view with) {
        for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
            text.replace(at, what.size(), with);
    };
    replace("</script", "<\\/script");
    replace("<!--", "<\\!--");
    return text;
}

std::string cell_html(const column& head, const cell& what) {
    std::string made = "<td";
    if (head.align == alignment::right)
        made += " class=\"number\"";
    else if (what.text.size() <= longest_unbroken)
        made += " class=\"short\"";
    if (what.meaning != severity::none)
        made += fmt::format(" data-meaning=\"{}\"", meaning_classes[static_cast<std::size_t>(what.meaning)]);
    return made + ">" + escape_html(what.text) + "</td>";
}

std::string table_html(const table& what) {
    std::string made = "<div class=\"scroll\" tabindex=\"0\"><table>\n";
    if (!what.caption.empty())
        made += "<caption>" + escape_html(what.caption) + "</caption>\n";
    made += "<thead><tr>";
    for (const column& head : what.columns)
        made +=
            fmt::format("<th scope=\"col\"{}>{}</th>",
                        head.align == alignment::right ? " class=\"number\"" : "", escape_html(head.title));
    made += "</tr></thead>\n<tbody>\n";
    for (const std::vector<cell>& row : what.rows) {
        made += "<tr>";
        for (std::size_t place = 0; place < what.columns.size(); ++place)
            made += cell_html(what.columns[place], place < row.size() ? row[place] : cell{});
        made += "</tr>\n";
    }
    return made + "</tbody></table></div>\n";
}

template <typename chart>
std::string chart_html(const chart& what) {
    return fmt::format(
        "<figure class=\"chart\">\n<figcaption>{0}</figcaption>\n"
        "<div class=\"drawing\" role=\"img\" aria-label=\"{0}\"></div>\n"
        "<script type=\"application/json\">{1}</script>\n"
        "<details><summary>Figures as a table</summary>\n{2}</details>\n</figure>\n",
        escape_html(what.caption), embedded(chart_data(what)), table_html(table_of(what)));
}

struct to_html {
    std::string operator()(const paragraph& what) const { return "<p>" + escape_html(what.text) + "</p>\n"; }
    std::string operator()(const table& what) const { return table_html(what); }
    std::string operator()(const code_line& what) const {
        std::string made = "<div class=\"command\">";
        if (!what.label.empty())
            made += "<div class=\"label\">" + escape_html(what.label) + "</div>";
        return made + "<div class=\"line\"><code>" + escape_html(what.command) +
               "</code><button type=\"button\" class=\"copy\">Copy</button></div></div>\n";
    }
    template <typename chart>
    std::string operator()(const chart& what) const {
        return chart_html(what);
    }
};

std::string section_html(const section& what, std::size_t number) {
    std::string made = fmt::format("<section aria-labelledby=\"s{0}\">\n<h2 id=\"s{0}\">{1}</h2>\n", number,
                                   escape_html(what.title));
    for (const block& each : what.blocks)
        made += std::visit(to_html{}, each);
    return made + "</section>\n";
}

std::string contents_html(const page& what) {
    if (what.sections.size() < 3)
        return "";
    std::string made = "<nav aria-label=\"Contents\"><ol>\n";
    for (std::size_t number = 0; number < what.sections.size(); ++number)
        made += fmt::format("<li><a href=\"#s{}\">{}</a></li>\n", number + 1,
                            escape_html(what.sections[number].title));
    return made + "</ol></nav>\n";
}

std::string body_html(const page& what) {
    std::string made =
        "<main class=\"sheet\">\n<button type=\"button\" class=\"theme\">Dark theme</button>\n";
    made += "<h1>" + escape_html(what.title) + "</h1>\n";
    for (const std::string& line : what.subtitle)
        made += "<p class=\"subtitle\">" + escape_html(line) + "</p>\n";
    made += contents_html(what);
    for (std::size_t number = 0; number < what.sections.size(); ++number)
        made += section_html(what.sections[number], number + 1);
    return made +
           "<footer>vtpm-twin " VTWIN_VERSION
           ". Charts drawn by Apache ECharts (Apache-2.0), which is part of this file.</footer>\n</main>\n";
}

}  // namespace

std::string render_html(const page& what, const std::string& chart_library) {
    const std::string library = script_text(chart_library), script = script_text(std::string(page_script()));
    const std::string policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src " +
                               script_hash(library) + " " + script_hash(script) +
                               "; base-uri 'none'; form-action 'none'";
    std::string made = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    made += "<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n";
    made += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    made += "<title>" + escape_html(what.title) + "</title>\n";
    made += "<link rel=\"icon\" href=\"data:,\">\n";
    made += "<style>\n" + std::string(page_style()) + "</style>\n</head>\n<body>\n" + body_html(what);
    made += "<script>" + library + "</script>\n<script>" + script + "</script>\n</body>\n</html>\n";
    return made;
}

std::string render_html(const page& what) {
    return render_html(what, load_chart_library());
}

}  // namespace vtwin::scenario::report
