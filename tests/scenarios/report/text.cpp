#include "scenarios/report/text.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace vtwin::scenario::report;

TEST_CASE("Printable text keeps letters of all languages and nothing that acts on a terminal") {
    CHECK(printable("plain näme 名 🙂") == "plain näme 名 🙂");
    CHECK(printable("a\nb\tc") == "a b c");
    CHECK(printable("red \x1b[31m") == "red \xEF\xBF\xBD[31m");
    CHECK(printable(std::string_view("a\0b", 3)) ==
          "a\xEF\xBF\xBD"
          "b");
    CHECK(printable("exe.\xE2\x80\xAEtxt") == "exe.\xEF\xBF\xBDtxt");  // right-to-left override
    CHECK(printable("a\xC2\x9B"
                    "31m") ==
          "a\xEF\xBF\xBD"
          "31m");                                          // C1 control sequence introducer
    CHECK(printable("\xEF\xBB\xBFx") == "\xEF\xBF\xBDx");  // byte order mark
}

TEST_CASE("Malformed UTF-8 becomes replacement characters") {
    const std::string mark = "\xEF\xBF\xBD";
    CHECK(printable("\xFF") == mark);
    CHECK(printable("\xC3") == mark);                                   // cut short
    CHECK(printable("\xC0\xBC") == mark + mark);                        // "<" in an overlong form
    CHECK(printable("\xE0\x80\xBC") == mark + mark + mark);             // the same in three bytes
    CHECK(printable("\xED\xA0\x80") == mark + mark + mark);             // a surrogate
    CHECK(printable("\xF4\x90\x80\x80") == mark + mark + mark + mark);  // beyond U+10FFFF
    CHECK(printable("\xC3(") == mark + "(");
}

TEST_CASE("HTML text cannot become markup") {
    CHECK(escape_html("<script>alert('1' & \"2\")</script>") ==
          "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;");
    CHECK(escape_html("\x01<") == "\xEF\xBF\xBD&lt;");
}

TEST_CASE("Texts are shortened by characters and not by bytes") {
    CHECK(length_of("näme…") == 5);
    CHECK(shortened("näme", 4) == "näme");
    CHECK(shortened("nämen", 4) == "näm…");
    CHECK(shortened("ab", 1) == "…");
    CHECK(shortened("ab", 0).empty());
}

TEST_CASE("Numbers have five significant digits and no needless exponent") {
    CHECK(number_text(0) == "0");
    CHECK(number_text(-0.0) == "0");
    CHECK(number_text(0.0188234567) == "0.018823");
    CHECK(number_text(1234.5678) == "1234.6");
    CHECK(number_text(1234567.8) == "1234568");
    CHECK(number_text(-98765.4) == "-98765");
    CHECK(number_text(2e-9) == "2e-09");
    CHECK(number_text(std::numeric_limits<double>::infinity()) == "–");
    CHECK(number_text(std::numeric_limits<double>::quiet_NaN()) == "–");
}
