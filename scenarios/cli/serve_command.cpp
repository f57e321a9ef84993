#include "scenarios/cli/serve_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "scenarios/cli/scenario_choice.h"
#include "scenarios/cli/trace_flags.h"
#include "scenarios/live/session.h"
#include "scenarios/report/page.h"
#include "scenarios/runner/run.h"

namespace vtwin::scenario {
namespace {

struct serve_line {
    scenario_choice scenario;
    std::string guest, recording, speed = "free", start = "guest";
    std::vector<std::string> doors;
    bool remote = false;
    run_options run;
};

const std::vector<std::string> starts = {"guest", "init", "clear"};

live::session_options options_of(const serve_line& line, const loaded_scenario& loaded) {
    live::session_options options;
    std::vector<std::string> guests;
    for (const auto& guest : loaded.config.machine.guests)
        guests.push_back(guest.name);
    options.guest = line.guest.empty() && guests.size() == 1 ? guests.front() : line.guest;
    if (std::ranges::count(guests, options.guest) == 0)
        throw user_error(
            {"--guest " + line.guest}, "",
            line.guest.empty()
                ? fmt::format("which guest? {} has {}", line.scenario.file, fmt::join(guests, ", "))
                : fmt::format("no guest has that name; {} has {}{}", line.scenario.file,
                              fmt::join(guests, ", "), suggestion(line.guest, guests)));
    options.doors = live::parse_listen_specs(line.doors, line.remote);
    const auto speed = live::parse_pace(line.speed);
    if (!speed)
        throw user_error({"--pace " + line.speed}, "",
                         "expected free, real, or a factor between 0.001 and 1000000");
    options.speed = *speed;
    options.start = static_cast<live::start_mode>(std::ranges::find(starts, line.start) - starts.begin());
    return options;
}

/// Whether the recording will find a place, before anybody has made one.
void try_to_write(const std::string& file) {
    const std::string beside = file + ".tmp";
    const bool possible = !std::filesystem::is_directory(file) && std::ofstream(beside).is_open();
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    if (!possible)
        throw user_error({"--record " + file}, "", "cannot be written");
}

int serve(const serve_line& line, const simulation& simulate, std::ostream& out) {
    loaded_scenario loaded = line.scenario.load();
    auto options = options_of(line, loaded);
    if (!line.recording.empty())
        try_to_write(line.recording);
    // Who is not attested cannot be expected to be trusted.
    if (options.start != live::start_mode::guest)
        std::erase_if(loaded.expectations,
                      [&](const expectation& about) { return about.guest == options.guest; });
    loaded.config.time_limit = sc_core::sc_max_time();  // the clients' session says when it is over
    live::session session(std::move(options), [&out](const std::string& text) { out << text << std::endl; });
    run_options run_with = line.run;
    run_with.live = &session;
    const auto code = run(loaded, run_with, simulate, out).code;
    if (!line.recording.empty()) {
        report::write_file(line.recording, session.recording());
        out << "recording    " << line.recording << '\n';
    }
    return static_cast<int>(code);
}

}  // namespace

std::function<std::optional<int>(std::ostream&)> add_serve_command(CLI::App& app,
                                                                   const simulation& simulate) {
    auto line = std::make_shared<serve_line>();
    CLI::App* command =
        app.add_subcommand("serve", "let programs outside use a guest's TPM while the scenario runs");
    line->scenario.add_to(*command);
    command->add_option("--guest", line->guest, "whose TPM; may be left out when there is one guest");
    command
        ->add_option(
            "--listen", line->doors,
            "a door, repeatable: raw|swtpm|mssim|attest:unix:PATH, the same with tcp:[HOST:]PORT, pty:PATH; "
            "options behind it: ,device=tpm0|tpmrm0 ,mode=0600")
        ->required()
        ->allow_extra_args(false);
    command->add_flag("--allow-remote", line->remote, "doors may be open to other machines");
    command->add_option("--pace", line->speed,
                        "free: answers as soon as computed, time stands still between commands; real: wall "
                        "time follows simulated time; N: N times as fast");
    command
        ->add_option("--start", line->start,
                     "guest: after the guest's own boot; init: the client is the firmware; clear: the same, "
                     "with TPM_Startup sent")
        ->check(CLI::IsMember(starts));
    command->add_option(
        "--record", line->recording,
        "file for what the clients did, which a scenario can do again (guest.NAME.recording)");
    command->add_option("--out", line->run.out, "output directory (default out/<scenario>)");
    add_trace_flags(*command, line->run);
    command->add_flag("--quiet", line->run.quiet, "no timeline");
    return [line, command, simulate](std::ostream& out) -> std::optional<int> {
        if (!command->parsed())
            return std::nullopt;
        return serve(*line, simulate, out);
    };
}

}  // namespace vtwin::scenario
