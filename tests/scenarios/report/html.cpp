#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "scenarios/report/chart_data.h"
#include "tests/scenarios/report/sample_page.h"

using namespace vtwin::scenario::report;

namespace {

const std::string hostile = "</script><img src=x onerror=\"alert(1)\">'&\x1b";

/// A page in which every text is hostile.
page hostile_page() {
    const std::vector<std::string> names = {hostile};
    const axis scale{hostile, hostile};
    const std::vector<block> blocks = {
        paragraph{hostile},
        table{hostile, {{hostile}}, {{{hostile, severity::bad}}}},
        code_line{hostile, hostile},
        heat_map{hostile, names, names, {severity::bad}, {{1}}},
        interval_plot{hostile, scale, {{hostile, 1, 0, 2, hostile}}, 1, hostile},
        line_chart{hostile, scale, scale, {{hostile, {{1, 1}}}}, {{hostile, 1}}},
        stacked_bars{hostile, scale, names, {{hostile, {1}}}},
        histogram{hostile, scale, {{0, 1, 1}}}};
    return {hostile, {hostile}, {{hostile, blocks}, {hostile, {}}, {hostile, {}}}};
}

std::string without_scripts(std::string text) {
    for (std::size_t start; (start = text.find("<script")) != std::string::npos;) {
        const std::size_t end = text.find("</script>", start);
        REQUIRE(end != std::string::npos);
        text.erase(start, end + 9 - start);
    }
    return text;
}

}  // namespace

TEST_CASE("Hostile names cannot become markup or script in an HTML report") {
    const std::string html = render_html(hostile_page(), "library();");
    CHECK(html.find("<img") == std::string::npos);
    CHECK(html.find('\x1b') == std::string::npos);
    // Five charts' data, the library and the page's own script; each ended once.
    CHECK(test::occurrences(html, "<script") == 7);
    CHECK(test::occurrences(html, "</script") == 7);
    CHECK(without_scripts(html).find("onerror=\"") == std::string::npos);
    CHECK(without_scripts(html).find("&lt;img src=x onerror=&quot;") != std::string::npos);
}

TEST_CASE("Equal pages give equal HTML and another page another") {
    page other = test::sample_page();
    CHECK(render_html(test::sample_page(), "x") == render_html(other, "x"));
    other.subtitle[0] += '!';
    CHECK(render_html(test::sample_page(), "x") != render_html(other, "x"));
}

TEST_CASE("An HTML report names nothing outside itself") {
    const std::string html = without_scripts(render_html(test::sample_page(), "x"));
    for (const char* loads : {"http:", "https:", "//", "src=", "@import", "url(", "<iframe", "<object"}) {
        CAPTURE(loads);
        CHECK(html.find(loads) == std::string::npos);
    }
    CHECK(html.find("default-src 'none'") != std::string::npos);
    // What the real library mentions: licences and the names of SVG's namespaces.
    const std::string library = load_chart_library();
    CHECK(test::occurrences(library, "http") ==
          test::occurrences(library, "http://www.w3.org/") +
              test::occurrences(library, "http://www.apache.org/licenses/") +
              test::occurrences(library, "https://github.com/ecomfe/zrender/blob/master/LICENSE") +
              test::occurrences(library, "(https://www.apache.org/)"));
}

TEST_CASE("The policy of an HTML report admits its own scripts by their hashes and no other") {
    // printf 'library();' | openssl dgst -sha256 -binary | base64
    const std::string html = render_html(test::sample_page(), "library();");
    const std::size_t policy = html.find("Content-Security-Policy");
    REQUIRE(policy != std::string::npos);
    const std::string line = html.substr(policy, html.find('\n', policy) - policy);
    CHECK(test::occurrences(line, "'sha256-") == 2);
    CHECK(line.find("'sha256-ZXlx0tgn02tf3IjBAOX1WtPEQ9AtSmSeolzS9I8s2Jk='") != std::string::npos);
    CHECK(line.find("script-src 'unsafe") == std::string::npos);
    CHECK(policy < html.find("<title>"));
}

TEST_CASE("A library that contains the end of a script element cannot end it") {
    const std::string html = render_html({"T", {}, {}}, "a='</script><!--'");
    CHECK(html.find("a='<\\/script><\\!--'") != std::string::npos);
    CHECK(test::occurrences(html, "</script") == 2);
}

TEST_CASE("Numbers that no axis can show are left out of charts") {
    const double none = std::numeric_limits<double>::quiet_NaN(),
                 endless = std::numeric_limits<double>::infinity();
    const line_chart lines{"",
                           {"x", "", true},
                           {"y", "", true},
                           {{"a", {{0, 1}, {1, 0}, {1, none}, {endless, 1}, {2, 3, 0, 4}, {3, 4, 3, none}}}},
                           {{"m", -1}, {"n", 5}}};
    const auto made = chart_data(lines);
    CHECK(made["curves"][0]["points"].dump() == "[[2.0,3.0,null,4.0],[3.0,4.0]]");
    CHECK(made["marks"].size() == 1);
    CHECK(chart_data(stacked_bars{"", {}, {"a", "b", "c"}, {{"s", {none, 1}}}})["segments"][0]["lengths"]
              .dump() == "[null,1.0,null]");
    CHECK(chart_data(interval_plot{"", {"", "", true}, {{"a", 0.1, 0, 1, ""}}, {}, ""})["intervals"][0]["low"]
              .is_null());
    CHECK(chart_data(histogram{"", {}, {{0, endless, 1}, {1, 2, 3}}})["bins"].dump() == "[[1.0,2.0,3]]");
}

TEST_CASE("Cells without a row or a meaning are shown as they are") {
    const std::string html = render_html(
        {"T",
         {},
         {{"S", {table{"", {{"a"}, {"n", alignment::right}}, {{{"x", severity::bad}}, {{"y"}, {"2"}}}}}}}},
        "x");
    CHECK(html.find("<tr><td class=\"short\" data-meaning=\"bad\">x</td><td class=\"number\"></td></tr>") !=
          std::string::npos);
    CHECK(html.find("<tr><td class=\"short\">y</td><td class=\"number\">2</td></tr>") != std::string::npos);
}
