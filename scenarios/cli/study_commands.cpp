#include "scenarios/cli/study_commands.h"

#include <fmt/format.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <filesystem>
#include <memory>

#include "scenarios/cli/engine_options.h"
#include "scenarios/report/page.h"
#include "scenarios/runner/run.h"
#include "scenarios/study/execution.h"
#include "scenarios/study/report.h"
#include "scenarios/study/sharded_study.h"
#include "tpm/engine/rsa_memo.h"

namespace vtwin::scenario {
namespace {

namespace fs = std::filesystem;

struct study_line {
    CLI::App *command = nullptr, *run = nullptr, *merge = nullptr, *report = nullptr, *list = nullptr;
    std::string file, part;
    fs::path out;
    std::vector<fs::path> parts;  ///< directories of results
    unsigned jobs = 1;
    engine_options where;
    bool quiet = false, html = false, complete = false;

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
    const std::string hash = fmt::format("results      {}\n", study::result_hash(what, points));
    const report::page page = study::report_data(what, points);
    const std::string text = report::render_text(page) + hash;
    report::write_file(folder / "report.txt", text);
    report::write_file(folder / "points.csv", study::csv_of(what, points));
    out << text;
    if (line.html) {
        report::write_file(folder / "report.html", report::render_html(page));
        out << "report       " << (folder / "report.html").string() << '\n';
    }
}

/// How many points there are, and the exit code that follows.
int exit_of(const study::study& what, const study_line& line, std::ostream& out) {
    const auto points = study::results(line.folder(what) / "study.db", what, false).all();
    const auto failed = std::ranges::count_if(points, [](const auto& each) { return !each.problem.empty(); });
    out << fmt::format("points       {} there, {} of them failed\noutput       {}\n", points.size(), failed,
                       line.folder(what).string());
    return static_cast<int>(failed == 0 ? exit_code::ok : exit_code::expectation_failed);
}

int run_by_slurm(const study_line& line, const study::study& what, std::ostream& out, std::ostream& err) {
    if (!line.part.empty())
        throw user_error({"--engine slurm", 0}, "", "--shard needs --engine local");
    study::check_settings(what);
    study::sharded_study work(what, line.file, line.folder(what), own_program());
    if (const auto code = run_until_merged(work, line.where.for_slurm(line.jobs), out, err))
        return *code;
    if (!line.quiet)
        write_report(what, line, out);
    return exit_of(what, line, out);
}

int run(const study_line& line, std::ostream& out, std::ostream& err) {
    line.where.check();
    const study::study what = study::read_study(line.file);
    if (line.where.slurm())
        return run_by_slurm(line, what, out, err);
    // Guests of the same seed have the same keys in every setting.
    constexpr std::size_t memory_of_keys = 256 << 20;
    tpm::rsa_memo::share(memory_of_keys);
    const auto summary = study::execute(
        what, {line.folder(what), line.jobs, !line.quiet, parse_shard(line.part)}, study::run_point, out);
    if (!line.quiet)
        write_report(what, line, out);
    out << fmt::format("points       {} run, {} of them failed, {} were there already\n", summary.done,
                       summary.failed, summary.skipped)
        << "output       " << line.folder(what).string() << '\n';
    return static_cast<int>(summary.failed == 0 ? exit_code::ok : exit_code::expectation_failed);
}

int merge(const study_line& line, std::ostream& out) {
    const study::study what = study::read_study(line.file);
    const fs::path folder = line.folder(what);
    std::vector<fs::path> files;
    for (const fs::path& each : line.parts)
        files.push_back(each / "study.db");
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed)
        throw user_error({folder.string(), 0}, "", "cannot be made: " + failed.message());
    study::merge_results(folder / "study.db", files, what, line.complete);
    write_report(what, line, out);
    return exit_of(what, line, out);
}

}  // namespace

std::function<std::optional<int>(std::ostream&, std::ostream&)> add_study_commands(CLI::App& app) {
    auto line = std::make_shared<study_line>();
    line->command = app.add_subcommand("study", "vary the keys of a scenario and measure what comes of it");
    line->command->require_subcommand(1);
    line->run = line->command->add_subcommand("run", "run what is still missing of a study, then report");
    add_options(*line->run, *line);
    line->run->add_option("--jobs,-j", line->jobs, "simulations at a time")->check(CLI::Range(1, 1024));
    line->run->add_option("--shard", line->part, "i/n: only points whose number is i modulo n");
    line->where.add_to(*line->run);
    line->run->add_flag("--quiet", line->quiet, "no line per point, no report");
    line->merge = line->command->add_subcommand("merge", "put the results of parts together, then report");
    add_options(*line->merge, *line);
    line->merge->add_option("PARTS", line->parts, "directories of the parts' results")->required();
    line->merge->add_flag("--complete", line->complete, "refuse when a point is missing");
    line->report = line->command->add_subcommand("report", "report what a study has come to so far");
    add_options(*line->report, *line);
    for (CLI::App* each : {line->run, line->merge, line->report})
        each->add_flag("--html", line->html, "leave report.html too");
    line->list = line->command->add_subcommand("list", "show the studies of the library");
    return [line](std::ostream& out, std::ostream& err) -> std::optional<int> {
        if (!line->command->parsed())
            return std::nullopt;
        if (line->run->parsed())
            return run(*line, out, err);
        if (line->merge->parsed())
            return merge(*line, out);
        if (line->report->parsed())
            write_report(study::read_study(line->file), *line, out);
        else
            for (const study::study_entry& each : study::list_studies())
                out << fmt::format("{:<24} {}\n", each.name, each.description);
        return 0;
    };
}

}  // namespace vtwin::scenario
