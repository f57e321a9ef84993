// Reports as a reader sees them: opened in a browser from a file, without a network.
#include "tests/scenarios/end_to_end/program.h"
#include "tests/scenarios/report/sample_page.h"

using namespace vtwin::scenario::report;
using vtwin::scenario::test::content_of;
using vtwin::scenario::test::program_result;
using vtwin::scenario::test::temporary_directory;

namespace {

class browser {
  public:
    /// Loads the page from a file; the document as it stands afterwards is in `out`, the console in `err`.
    program_result open(const std::string& html, std::vector<std::string> options = {"--dump-dom"}) const {
        write_file(m_place.path() / "report.html", html);
        std::vector<std::string> words = {"chromium",
                                          "--headless",
                                          "--no-sandbox",
                                          "--disable-gpu",
                                          "--disable-dev-shm-usage",
                                          "--enable-logging=stderr",
                                          "--v=0",
                                          "--window-size=1200,3200",
                                          "--hide-scrollbars",
                                          "--host-resolver-rules=MAP * ~NOTFOUND",
                                          "--user-data-dir=" + m_place.at("profile")};
        words.insert(words.end(), options.begin(), options.end());
        words.push_back("file://" + m_place.at("report.html"));
        const program_result seen = vtwin::scenario::test::start(words);
        REQUIRE(seen.code == 0);
        return seen;
    }

    /// The picture as PNG. `scheme`: 0 dark, 1 light.
    std::string picture(const std::string& html, int scheme) const {
        const auto file = m_place.path() / "picture.png";
        open(html, {"--screenshot=" + file.string(),
                    "--blink-settings=preferredColorScheme=" + std::to_string(scheme)});
        return content_of(file);
    }

  private:
    temporary_directory m_place;
};

/// What the page says about itself: data-NAME of its root.
std::string said(const program_result& seen, const std::string& name) {
    const std::string root = seen.out.substr(0, seen.out.find("<head"));
    const std::size_t at = root.find("data-" + name + "=\"");
    if (at == std::string::npos)
        return "nothing";
    const std::size_t start = at + name.size() + 7;
    return root.substr(start, root.find('"', start) - start);
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t index = at; index < at + 4; ++index)
        value = value << 8 | static_cast<std::uint8_t>(bytes.at(index));
    return value;
}

}  // namespace

TEST_CASE("A browser draws every chart of a report without an error or a request") {
    const program_result seen = browser().open(render_html(test::sample_page()));
    CHECK(said(seen, "charts") == "6/6");
    CHECK(said(seen, "errors") == "0");
    CHECK(said(seen, "requests") == "0");
    CHECK(seen.err.find("CONSOLE") == std::string::npos);
    CHECK(test::occurrences(seen.out, "<svg") == 6);
    // Texts that only a drawing contains.
    for (const char* drawn :
         {">disk.torn_write / hardened</text>", ">latency [ms]</text>", ">capacity</text>",
          ">deep_quote</text>", ">64 guests</text>", ">waiting [commands]</text>"}) {
        CAPTURE(drawn);
        CHECK(seen.out.find(drawn) != std::string::npos);
    }
}

TEST_CASE("A browser shows hostile names and does not run them") {
    const std::string name = "</script></text><img src=x onerror=\"document.title='owned'\">{a|b}";
    page hostile = test::sample_page();
    std::get<heat_map>(hostile.sections[0].blocks[1]).rows[0] = name;
    std::get<interval_plot>(hostile.sections[0].blocks[2]).intervals[0].label = name;
    std::get<line_chart>(hostile.sections[1].blocks[0]).curves[0].name = name;
    std::get<stacked_bars>(hostile.sections[1].blocks[2]).segments[0].name = name;
    const program_result seen = browser().open(render_html(hostile));
    CHECK(said(seen, "charts") == "6/6");
    CHECK(said(seen, "errors") == "0");
    CHECK(seen.out.find("<img src=x") == std::string::npos);
    CHECK(seen.out.find("<title>owned") == std::string::npos);
}

TEST_CASE("A report whose charts cannot be drawn says so and shows their figures") {
    const program_result seen =
        browser().open(render_html(test::sample_page(), "throw new Error('broken');"));
    CHECK(said(seen, "charts") == "0/6");
    CHECK(said(seen, "errors") == "6");
    CHECK(seen.err.find("CONSOLE") != std::string::npos);
    CHECK(test::occurrences(seen.out, "<details open") == 6);
}

TEST_CASE("The policy of a report stops a script that somebody put into it") {
    std::string html = render_html(test::sample_page());
    html.insert(html.find("<h1>"),
                "<script>document.title = 'owned'</script><img src=\"http://127.0.0.1:9/x\">");
    const program_result seen = browser().open(html);
    CHECK(seen.out.find("<title>owned") == std::string::npos);
    CHECK(seen.err.find("Content Security Policy") != std::string::npos);
    CHECK(said(seen, "charts") == "6/6");
}

TEST_CASE("Reports are pictures in a light and in a dark theme") {
    const std::string html = render_html(test::sample_page());
    const browser reader;
    const std::string light = reader.picture(html, 1), dark = reader.picture(html, 0);
    for (const std::string& picture : {light, dark}) {
        REQUIRE(picture.size() > 50000);  // an empty page of this size has less than 20 000 bytes
        CHECK(picture.substr(1, 3) == "PNG");
        CHECK(big_endian(picture, 16) == 1200);
        CHECK(big_endian(picture, 20) == 3200);
    }
    CHECK(light != dark);
    CHECK(said(reader.open(html, {"--dump-dom", "--blink-settings=preferredColorScheme=0"}), "theme") ==
          "dark");
    CHECK(said(reader.open(html, {"--dump-dom", "--blink-settings=preferredColorScheme=1"}), "theme") ==
          "light");
}
