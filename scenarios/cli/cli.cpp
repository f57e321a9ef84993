#include "scenarios/cli/cli.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "scenarios/cli/attest_command.h"
#include "scenarios/cli/campaign_commands.h"
#include "scenarios/cli/scenario_choice.h"
#include "scenarios/cli/serve_command.h"
#include "scenarios/cli/study_commands.h"
#include "scenarios/cli/trace_flags.h"
#include "scenarios/cli/verify_command.h"
#include "scenarios/config/scenario.h"
#include "scenarios/runner/run.h"
#include "scenarios/runner/signal_watch.h"

namespace vtwin::scenario {
namespace {

const std::vector<std::string> lists = {"behaviours", "chips",     "faults", "keys",
                                        "oracles",    "scenarios", "signals"};

struct command_line {
    scenario_choice scenario;
    std::string directory, listed;
    run_options run;
};

std::string version_text() {
    std::string text;
    for (const component_version& each : component_versions())
        text += (text.empty() ? "" : "\n") + each.name + ' ' + each.version;
    return text;
}

int check(const command_line& line, std::ostream& out) {
    loaded_scenario checked = line.scenario.load();
    out << line.scenario.file << ": ok: " << checked.config.machine.vtpms.size() << " vTPMs, "
        << checked.config.machine.guests.size() << " guests, chip " << checked.config.machine.chip.name
        << '\n';
    return 0;
}

int run_scenario(const command_line& line, const simulation& simulate, std::ostream& out) {
    loaded_scenario loaded = line.scenario.load();
    const signal_watch signals;
    run_options options = line.run;
    options.interrupted = [&signals] { return signals.heard() != 0; };
    try {
        return static_cast<int>(run(loaded, options, simulate, out).code);
    } catch (const run_interrupted&) {
        signals.give_way();
        throw;
    }
}

int explain_run(const std::string& directory, std::ostream& out) {
    const auto file = std::filesystem::path(directory) / "explanation.txt";
    if (std::filesystem::is_directory(directory) && !std::filesystem::exists(file))
        throw user_error({directory, 0}, "", "nothing to explain: no output of a run with faults");
    out << read_text_file(file, file.string());
    return 0;
}

/// "vtwin: error: " in front of every line of a message.
void say_error(std::ostream& err, const std::string& message) {
    std::size_t start = 0;
    while (start < message.size()) {
        std::size_t end = std::min(message.find('\n', start), message.size());
        err << "vtwin: error: " << message.substr(start, end - start) << '\n';
        start = end + 1;
    }
}

}  // namespace

int run_cli(int argc, const char* const* argv, const simulation& simulate, std::ostream& out,
            std::ostream& err, const execution_factory& engine) {
    command_line line;
    CLI::App app("vtwin: a digital twin of Xen's virtual TPM subsystem", "vtwin");
    app.set_version_flag("--version", version_text());
    app.require_subcommand(1);
    app.fallthrough(false);

    CLI::App* run_command = nullptr;
    if (simulate) {
        run_command = app.add_subcommand("run", "run a scenario and leave its output");
        line.scenario.add_to(*run_command);
        run_command->add_option("--out", line.run.out, "output directory (default out/<scenario>)");
        add_trace_flags(*run_command, line.run);
        run_command->add_flag("--quiet", line.run.quiet, "no timeline");
    }
    std::function<std::optional<int>(std::ostream&, std::ostream&)> study_command;
    if (simulate)
        study_command = add_study_commands(app);
    std::function<std::optional<int>(std::ostream&)> serve_command;
    if (simulate)
        serve_command = add_serve_command(app, simulate);
    const auto attest_command = add_attest_command(app);
    const auto verify_command = add_verify_command(app);
    CLI::App* check_command = app.add_subcommand("check", "read a scenario and report every mistake in it");
    line.scenario.add_to(*check_command);
    CLI::App* explain_command =
        app.add_subcommand("explain", "say how a run with faults came to its outcome");
    explain_command->add_option("RUN", line.directory, "output directory of the run")->required();
    CLI::App* list_command = app.add_subcommand("list", "show what there is");
    list_command
        ->add_option("WHAT", line.listed, "behaviours, chips, faults, keys, oracles, scenarios or signals")
        ->required()
        ->check(CLI::IsMember(lists));
    const campaign_commands campaigns(app, engine, simulate);
    for (CLI::App* command : app.get_subcommands({}))
        command->set_version_flag("--version", version_text());

    try {
        app.parse(argc, argv);
        if (run_command && run_command->parsed())
            return run_scenario(line, simulate, out);
        if (campaigns.parsed())
            return campaigns.run(out, err);
        if (const auto code = study_command ? study_command(out, err) : std::nullopt)
            return *code;
        if (const auto code = serve_command ? serve_command(out) : std::nullopt)
            return *code;
        if (const auto code = attest_command(out))
            return *code;
        if (const auto code = verify_command(out))
            return *code;
        if (explain_command->parsed())
            return explain_run(line.directory, out);
        if (check_command->parsed())
            return check(line, out);
        print_list(line.listed, out);
        return 0;
    } catch (const CLI::Success& help) {
        app.exit(help, out, err);
        return 0;
    } catch (const CLI::ParseError& mistake) {
        app.exit(mistake, err, err);
        return static_cast<int>(exit_code::user_mistake);
    } catch (const user_error& mistake) {
        say_error(err, mistake.what());
        return static_cast<int>(exit_code::user_mistake);
    } catch (const std::exception& bug) {
        say_error(err, std::string("internal error: ") + bug.what());
        return static_cast<int>(exit_code::own_bug);
    }
}

}  // namespace vtwin::scenario
