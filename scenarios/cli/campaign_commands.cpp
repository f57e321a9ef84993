#include "scenarios/cli/campaign_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "scenarios/batch/parts.h"
#include "scenarios/campaign/coordinator.h"
#include "scenarios/campaign/fault_json.h"
#include "scenarios/campaign/keys.h"
#include "scenarios/campaign/report.h"
#include "scenarios/campaign/reproduce.h"
#include "scenarios/campaign/sharded_campaign.h"
#include "scenarios/cli/engine_options.h"
#include "scenarios/cli/trace_flags.h"
#include "scenarios/faults/matcher.h"
#include "scenarios/runner/run.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

struct campaign_line {
    std::string file, out, json, html;
    std::vector<std::string> parts;  ///< stores
    std::string part;                ///< "i/n"
    std::uint64_t id = 0;
    std::optional<std::uint64_t> limit;
    unsigned jobs = 0;
    engine_options where;
    bool replace = false, complete = false, snapshots = true;
    run_options shown;         ///< a run that is replayed with traces
    std::uint64_t random = 0;  ///< runs to be replayed
    std::size_t lines = 10;    ///< of a shrunk scenario

    unsigned job_count() const {
        return jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency());
    }
    void check_engine() const {
        where.check();
        if (where.slurm() && (!part.empty() || limit || !snapshots))
            throw user_error({"--engine slurm", 0}, "",
                             "--shard, --limit and --no-snapshots need --engine local");
    }
};

int show_plan(const campaign& what, execution_if* engine, std::ostream& out) {
    const planner made(what, engine);
    const auto& plan = made.plan();
    out << fmt::format("campaign {}: {} runs in {} worlds ({} seeds, {} variants)\n", what.name, plan.runs,
                       plan.worlds.size(), plan.worlds.size() / what.variants.size(), what.variants.size());
    if (what.null_runs != 0)
        out << fmt::format("  {:<24} {} runs without faults\n", null_stratum,
                           what.null_runs * what.variants.size());
    for (const auto& each : plan.strata)
        out << fmt::format("  {:<24} {} of {} points ({}), {} runs\n", each.name, each.drawn, each.population,
                           each.sampling, each.drawn * what.variants.size());
    return 0;
}

void show_status(const campaign_store& store, std::ostream& out) {
    out << fmt::format("{}: {} of {} runs finished{}\n", store.file().string(), store.finished(),
                       store.planned(),
                       store.finished() == store.planned() ? "" : "; `vtwin campaign resume` goes on");
}

/// What tasks of a batch system have come to, which is merged only when all have ended.
void show_parts(const std::filesystem::path& store, std::ostream& out) {
    std::error_code ignored;
    if (!std::filesystem::exists(parts::folder_of(std::filesystem::absolute(store)), ignored))
        return;
    sharded_campaign work(store, own_program());
    parts there(work);
    out << fmt::format("{}: {} runs finished in {} parts\n", there.folder().string(), there.finished(),
                       there.count());
}

int show_replay(const replayed_run& run, std::ostream& out) {
    const auto& result = run.now.result;
    out << fmt::format("run {}, seed {}{}{}: {}\n{} {}: {}\n", run.stored.plan.id, run.stored.where.seed,
                       run.stored.where.variant.empty() ? "" : ", ", run.stored.where.variant,
                       describe(run.stored.plan.faults), code_of(result.worst), name_of(result.worst),
                       result.summary);
    for (const auto& each : result.violations)
        out << fmt::format("  {} {} at {}: {}: {}\n", each.invariant, code_of(each.worst),
                           print_time(each.at.value()), each.subject, each.text);
    out << fmt::format("fingerprint {}{}\n", run.now.fingerprint,
                       !run.stored.result ? ""
                       : run.same()       ? ", as stored"
                                          : ", NOT as stored");
    return run.same() ? 0 : 1;
}

void list_campaign_keys(std::ostream& out) {
    for (const auto& key : campaign_keys())
        out << fmt::format("{}  ({}; {})\n    {}\n", key.pattern, key.form, key.standard, key.doc);
}

}  // namespace

struct campaign_commands::state {
    execution_factory engine;
    campaign_line line;
    CLI::App* all = nullptr;
    CLI::App *plan = nullptr, *run = nullptr, *resume = nullptr, *status = nullptr, *report = nullptr,
             *diff = nullptr, *merge = nullptr, *replay = nullptr, *shrink = nullptr, *keys = nullptr;
    simulation simulate;

    void add_plan(CLI::App& to);
    void add_run(CLI::App& to);
    void add_views(CLI::App& to);
    std::unique_ptr<execution_if> engine_for(const campaign& what) const {
        return engine ? engine({what.scenario, what.limits, line.snapshots}) : nullptr;
    }
    int run_campaign(campaign_store& store, const campaign& what, std::ostream& out, std::ostream& err) const;
    int run_by_slurm(const std::filesystem::path& store, std::ostream& out, std::ostream& err) const;
    int start(std::ostream& out, std::ostream& err) const;
    int go_on(std::ostream& out, std::ostream& err) const;
    int show_report(const campaign_store& store, std::ostream& out) const;
    int merge_parts(std::ostream& out) const;
    int replay_one(std::ostream& out) const;
    int replay_many(const campaign_store& store, const campaign& what, std::ostream& out) const;
    int show_run(const campaign_store& store, const campaign& what, std::ostream& out) const;
    int shrink_one(std::ostream& out, std::ostream& err) const;
};

void campaign_commands::state::add_plan(CLI::App& to) {
    plan = to.add_subcommand("plan", "count the runs of a campaign and start none");
    plan->add_option("CAMPAIGN", line.file, "path of a campaign file, or the name of one in the library")
        ->required();
    keys = to.add_subcommand("keys", "list the keys of a campaign file");
}

void campaign_commands::state::add_run(CLI::App& to) {
    run = to.add_subcommand("run", "run a campaign into a new store");
    run->add_option("CAMPAIGN", line.file, "path of a campaign file, or the name of one in the library")
        ->required();
    run->add_option("--out", line.out, "the store (default out/campaigns/<name>.sqlite)");
    run->add_option("--shard", line.part, "i/n: only runs whose number is i modulo n");
    run->add_flag("--replace", line.replace, "replace a store that exists");
    resume = to.add_subcommand("resume", "run what a store does not have yet");
    resume->add_option("STORE", line.file, "a campaign store")->required();
    for (CLI::App* command : {run, resume}) {
        command->add_option("--jobs", line.jobs,
                            "processes at a time (default: one per processor; with Slurm per task: one)");
        command->add_option("--limit", line.limit, "stop after so many runs");
        line.where.add_to(*command);
    }
    run->add_flag("!--no-snapshots", line.snapshots, "every run from power on: what branching off saves");
    replay = to.add_subcommand("replay", "run one run of a store again, or some, and compare");
    replay->add_option("STORE", line.file, "a campaign store")->required();
    auto* id = replay->add_option("ID", line.id, "number of the run");
    replay->add_option("--random", line.random, "so many runs instead, drawn from the store")->excludes(id);
    replay->add_option("--out", line.out, "leave the run's output there, with traces and explanation")
        ->needs(id);
    add_trace_flags(*replay, line.shown);
    replay->add_option("--jobs", line.jobs, "with --random: processes at a time");
    shrink = to.add_subcommand("shrink", "the least scenario that fails like one run of a store");
    shrink->add_option("STORE", line.file, "a campaign store")->required();
    shrink->add_option("ID", line.id, "number of the run")->required();
    shrink->add_option("--out", line.out, "the scenario file (default: it is printed)");
    shrink->add_option("--lines", line.lines,
                       "longest file that a step may lead to when it makes the run smaller");
}

void campaign_commands::state::add_views(CLI::App& to) {
    status = to.add_subcommand("status", "how far a store is");
    report = to.add_subcommand("report", "what a campaign has shown");
    report->add_option("--json", line.json, "write the report's data to this file");
    report->add_option("--html", line.html, "write a page to this file");
    for (CLI::App* command : {status, report})
        command->add_option("STORE", line.file, "a campaign store")->required();
    diff = to.add_subcommand("diff", "which runs came to something else in another store");
    diff->add_option("STORES", line.parts, "two campaign stores")->required()->expected(2);
    merge = to.add_subcommand("merge", "put the results of parts into one new store");
    merge->add_option("--out", line.out, "the new store")->required();
    merge->add_option("STORES", line.parts, "stores of the parts")->required();
    merge->add_flag("--replace", line.replace, "replace a store that exists");
    merge->add_flag("--complete", line.complete, "refuse when a run has no result");
}

int campaign_commands::state::show_report(const campaign_store& store, std::ostream& out) const {
    const auto summary = summarise(store);
    out << report_text(summary);
    if (!line.json.empty())
        report::write_file(
            line.json,
            report_data(summary).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
    if (!line.html.empty())
        report::write_file(line.html, report::render_html(campaign_page(view_of(summary))));
    return summary.not_allowed == 0 ? 0 : 1;
}

int campaign_commands::state::run_campaign(campaign_store& store, const campaign& what, std::ostream& out,
                                           std::ostream& err) const {
    const auto made = engine_for(what);
    run_pending(store, *made, {line.job_count(), line.limit}, err, ::isatty(STDERR_FILENO) != 0);
    if (store.finished() < store.planned())
        show_status(store, out);
    return show_report(store, out);
}

int campaign_commands::state::run_by_slurm(const std::filesystem::path& store, std::ostream& out,
                                           std::ostream& err) const {
    sharded_campaign work(store, own_program());
    if (const auto code = run_until_merged(work, line.where.for_slurm(line.jobs), out, err))
        return *code;
    return show_report({store, campaign_store::access::read}, out);
}

int campaign_commands::state::start(std::ostream& out, std::ostream& err) const {
    line.check_engine();
    const auto what = read_campaign(line.file);
    const auto part = parse_shard(line.part);
    const std::filesystem::path file =
        line.out.empty() ? default_store(what, part) : std::filesystem::path(line.out);
    if (line.where.slurm())  // before there is anything that would have to be replaced
        check_slurm_ready(line.where.for_slurm(line.jobs));
    campaign_store::check_place(file, line.replace);
    if (line.replace)
        remove_parts(file);
    make_store(what, file, part, engine_for(what).get(), line.replace);
    if (line.where.slurm())
        return run_by_slurm(file, out, err);
    campaign_store store(file, campaign_store::access::write);
    return run_campaign(store, what, out, err);
}

int campaign_commands::state::go_on(std::ostream& out, std::ostream& err) const {
    line.check_engine();
    if (line.where.slurm()) {
        const auto header = campaign_store(line.file, campaign_store::access::read).header();
        campaign_store(line.file, campaign_store::access::read)
            .check_same(identity_of(read_campaign(header.file)));
        return run_by_slurm(line.file, out, err);
    }
    campaign_store store(line.file, campaign_store::access::write);
    const auto what = read_campaign(store.header().file);
    store.check_same(identity_of(what));
    return run_campaign(store, what, out, err);
}

int campaign_commands::state::replay_one(std::ostream& out) const {
    const campaign_store store(line.file, campaign_store::access::read);
    const auto what = read_campaign(store.header().file);
    store.check_same(identity_of(what));
    if (line.random != 0)
        return replay_many(store, what, out);
    if (!line.out.empty())
        return show_run(store, what, out);
    return show_replay(scenario::replay(store, line.id, *engine_for(what)), out);
}

/// The run again as a scenario, with all that a scenario leaves.
int campaign_commands::state::show_run(const campaign_store& store, const campaign& what,
                                       std::ostream& out) const {
    const auto stored = store.find(line.id);
    if (!stored)
        throw user_error({line.file, 0}, "", fmt::format("it has no run {}", line.id));
    const auto scenario = scenario_of(what.scenario, store.worlds().at(stored->plan.world), stored->plan);
    run_options options = line.shown;
    options.out = line.out;
    options.quiet = true;
    const auto ran = scenario::run(scenario, options, simulate, out);
    const auto& seen = ran.injection;
    if (seen)
        out << seen->explanation;
    const bool same = !stored->result || !seen ||
                      (seen->faults_begun == 0 && stored->result->faults_begun == 0) ||
                      seen->fingerprint == stored->result->fingerprint;
    out << (same ? "as stored\n" : "NOT as stored\n");
    return same ? 0 : 1;
}

int campaign_commands::state::replay_many(const campaign_store& store, const campaign& what,
                                          std::ostream& out) const {
    const auto others = replay_some(store, line.random, what.seed, line.job_count(), *engine_for(what));
    for (const auto& each : others)
        show_replay(each, out);
    out << fmt::format("{} of {} runs came to what is stored\n",
                       std::min(line.random, store.finished()) - others.size(),
                       std::min(line.random, store.finished()));
    return others.empty() ? 0 : 1;
}

int campaign_commands::state::shrink_one(std::ostream& out, std::ostream& err) const {
    const campaign_store store(line.file, campaign_store::access::read);
    const auto what = read_campaign(store.header().file);
    store.check_same(identity_of(what));
    const auto stored = store.find(line.id);
    if (!stored || !stored->result)
        throw user_error({line.file, 0}, "", fmt::format("run {} has no result", line.id));
    const auto goal = failure_of(stored->result->result);
    if (goal.worst < outcome_class::detected_safe)
        throw user_error({line.file, 0}, "",
                         fmt::format("run {} did not fail: {}", line.id, code_of(goal.worst)));
    const auto where = store.worlds().at(stored->plan.world);
    const scenario_trial trial;
    shrinker smaller(parts_of(scenario_of(what.scenario, where, stored->plan)), goal, std::ref(trial),
                     [&](const std::string& step, std::size_t lines) {
                         err << fmt::format("{:>3} lines  {}\n", lines, step);
                     });
    auto start = reduction_of(what.scenario, where, stored->plan);
    if (trial(print_scenario(start, goal)) != goal)
        throw user_error({line.file, 0}, "",
                         fmt::format("run {} does not fail like this by itself", line.id));
    const auto text = print_scenario(smaller.shrink(std::move(start), line.lines), goal);
    err << fmt::format("{} lines after {} attempts\n", lines_of(text), smaller.attempts());
    if (line.out.empty())
        out << text;
    else
        report::write_file(line.out, text);
    return 0;
}

int campaign_commands::state::merge_parts(std::ostream& out) const {
    merge_stores(line.out, {line.parts.begin(), line.parts.end()}, {line.replace, line.complete});
    const campaign_store store(line.out, campaign_store::access::read);
    show_status(store, out);
    return show_report(store, out);
}

campaign_commands::campaign_commands(CLI::App& app, execution_factory engine, simulation simulate)
    : m_state(std::make_unique<state>()) {
    m_state->engine = std::move(engine);
    m_state->simulate = std::move(simulate);
    m_state->all = app.add_subcommand("campaign", "many runs with faults: plan, run, look at results");
    m_state->all->require_subcommand(1);
    m_state->add_plan(*m_state->all);
    if (m_state->engine)
        m_state->add_run(*m_state->all);
    m_state->add_views(*m_state->all);
}
campaign_commands::~campaign_commands() = default;

bool campaign_commands::parsed() const {
    return m_state->all->parsed();
}

int campaign_commands::run(std::ostream& out, std::ostream& err) const {
    const auto& state = *m_state;
    const auto& line = state.line;
    auto is = [](const CLI::App* command) { return command != nullptr && command->parsed(); };
    if (is(state.keys)) {
        list_campaign_keys(out);
        return 0;
    }
    if (is(state.plan)) {
        const auto what = read_campaign(line.file);
        return show_plan(what, state.engine_for(what).get(), out);
    }
    if (is(state.run))
        return state.start(out, err);
    if (is(state.resume))
        return state.go_on(out, err);
    if (is(state.replay))
        return state.replay_one(out);
    if (is(state.shrink))
        return state.shrink_one(out, err);
    if (is(state.merge))
        return state.merge_parts(out);
    if (is(state.diff)) {
        const auto found = compare({line.parts[0], campaign_store::access::read},
                                   {line.parts[1], campaign_store::access::read});
        out << found.text;
        return found.none() ? 0 : 1;
    }
    const campaign_store store(line.file, campaign_store::access::read);
    if (is(state.report))
        return state.show_report(store, out);
    show_status(store, out);
    show_parts(store.file(), out);
    return 0;
}

}  // namespace vtwin::scenario
