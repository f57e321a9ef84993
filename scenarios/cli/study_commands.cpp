#include "scenarios/cli/study_commands.h"

#include <fmt/format.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <filesystem>
#include <memory>

#include "scenarios/report/page.h"
#include "scenarios/runner/run.h"
#include "scenarios/study/execution.h"
#include "scenarios/study/report.h"
#include "tpm/engine/rsa_memo.h"

namespace vtwin::scenario {
namespace {

namespace fs = std::filesystem;

struct study_line {
    CLI::App *command = nullptr, *run = nullptr, *report = nullptr, *list = nullptr;
    std::string file;
    fs::path out;
    unsigned jobs = 1;
    bool quiet = false, html = false;

    fs::path folder(const study::study& what) const {
        return out.empty() ? fs::path("out") / "studies" / what.name : out;
    }
};

void add_options(CLI::App& command, study_line& line) {
    command.add_option("STUDY", line.file, "path of a study file, or the name of one in the library")
        ->required();
    command.add_option("--out", line.out, "directory of the results (default out/studies/<study>)");
}

void write_report(const study::study& what, const study_line& line, std::ostream& out) {
    const fs::path folder = line.folder(what);
    const auto points = study::results(folder / "study.db", what, false).all();
    const report::page page = study::report_data(what, points);
    const std::string text = report::render_text(page);
    report::write_file(folder / "report.txt", text);
    report::write_file(folder / "points.csv", study::csv_of(what, points));
    out << text;
    if (line.html) {
        report::write_file(folder / "report.html", report::render_html(page));
        out << "report       " << (folder / "report.html").string() << '\n';
    }
}

int run(const study_line& line, std::ostream& out) {
    const study::study what = study::read_study(line.file);
    // Guests of the same seed have the same keys in every setting.
    constexpr std::size_t memory_of_keys = 256 << 20;
    tpm::rsa_memo::share(memory_of_keys);
    const auto summary =
        study::execute(what, {line.folder(what), line.jobs, !line.quiet}, study::run_point, out);
    if (!line.quiet)
        write_report(what, line, out);
    out << fmt::format("points       {} run, {} of them failed, {} were there already\n", summary.done,
                       summary.failed, summary.skipped)
        << "output       " << line.folder(what).string() << '\n';
    return static_cast<int>(summary.failed == 0 ? exit_code::ok : exit_code::expectation_failed);
}

}  // namespace

std::function<std::optional<int>(std::ostream&)> add_study_commands(CLI::App& app) {
    auto line = std::make_shared<study_line>();
    line->command = app.add_subcommand("study", "vary the keys of a scenario and measure what comes of it");
    line->command->require_subcommand(1);
    line->run = line->command->add_subcommand("run", "run what is still missing of a study, then report");
    add_options(*line->run, *line);
    line->run->add_option("--jobs,-j", line->jobs, "simulations at a time")->check(CLI::Range(1, 1024));
    line->run->add_flag("--quiet", line->quiet, "no line per point, no report");
    line->report = line->command->add_subcommand("report", "report what a study has come to so far");
    add_options(*line->report, *line);
    for (CLI::App* each : {line->run, line->report})
        each->add_flag("--html", line->html, "leave report.html too");
    line->list = line->command->add_subcommand("list", "show the studies of the library");
    return [line](std::ostream& out) -> std::optional<int> {
        if (!line->command->parsed())
            return std::nullopt;
        if (line->run->parsed())
            return run(*line, out);
        if (line->report->parsed())
            write_report(study::read_study(line->file), *line, out);
        else
            for (const study::study_entry& each : study::list_studies())
                out << fmt::format("{:<24} {}\n", each.name, each.description);
        return 0;
    };
}

}  // namespace vtwin::scenario
