#include "scenarios/cli/serve_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <memory>

#include "scenarios/cli/scenario_choice.h"
#include "scenarios/cli/trace_flags.h"
#include "scenarios/live/session.h"
#include "scenarios/runner/run.h"

namespace vtwin::scenario {
namespace {

struct serve_line {
    scenario_choice scenario;
    std::string at = "guest", guest, recording, speed = "free", start = "guest";
    std::vector<std::string> doors;
    bool remote = false;
    run_options run;
};

const std::vector<std::string> starts = {"guest", "init", "clear", "dom0"};
const std::vector<std::string> places = {"guest", "hardware"};

bool at_hardware(const serve_line& line) {
    return line.at == "hardware";
}

/// At the hardware the scenario gives dom0 a driver for the chip: as Linux has it, when it does not say.
loaded_scenario load(const serve_line& line) {
    loaded_scenario loaded = line.scenario.load();
    if (at_hardware(line) && !loaded.config.machine.dom0_tpm_locality) {
        scenario_choice with_driver = line.scenario;
        with_driver.changes.emplace_back("machine.dom0_tpm_locality=0");
        loaded = with_driver.load();
    }
    return loaded;
}

std::string guest_of(const serve_line& line, const loaded_scenario& loaded) {
    std::vector<std::string> guests;
    for (const auto& guest : loaded.config.machine.guests)
        guests.push_back(guest.name);
    std::string guest = line.guest.empty() && guests.size() == 1 ? guests.front() : line.guest;
    if (std::ranges::count(guests, guest) == 0)
        throw user_error(
            {"--guest " + line.guest}, "",
            line.guest.empty()
                ? fmt::format("which guest? {} has {}", line.scenario.file, fmt::join(guests, ", "))
                : fmt::format("no guest has that name; {} has {}{}", line.scenario.file,
                              fmt::join(guests, ", "), suggestion(line.guest, guests)));
    return guest;
}

void check_hardware(const serve_line& line, const loaded_scenario& loaded) {
    if (!line.guest.empty())
        throw user_error({"--guest " + line.guest}, "",
                         "--at hardware serves the machine's TPM, which is no guest's: leave --guest out");
    if (loaded.config.machine.dom0_recording)
        throw user_error({"--at hardware"}, "",
                         "dom0's user space does machine.dom0_recording already: leave one of them out");
}

/// What a client at the hardware has to know of the manager beside it.
std::string note_of(const loaded_scenario& loaded, live::start_mode start) {
    const auto& machine = loaded.config.machine;
    if (start == live::start_mode::init || start == live::start_mode::clear)
        return "";
    const auto dom0 = *machine.dom0_tpm_locality, manager = machine.manager.locality;
    if (dom0 == manager)
        return fmt::format(
            "dom0 and the manager drive the same registers, those of locality {}: a command of "
            "one breaks one of the other that is under way",
            dom0);
    if (!machine.manager.keeps_locality)
        return "";
    return fmt::format(
        "the manager keeps locality {} while it has nothing to do: commands of dom0, at locality "
        "{}, then fail after TIMEOUT_A; --set manager.keeps_locality=false lets them in",
        manager, dom0);
}

live::session_options options_of(const serve_line& line, const loaded_scenario& loaded) {
    live::session_options options;
    options.at = static_cast<live::place>(std::ranges::find(places, line.at) - places.begin());
    options.start = static_cast<live::start_mode>(std::ranges::find(starts, line.start) - starts.begin());
    if (at_hardware(line)) {
        check_hardware(line, loaded);
        options.note = note_of(loaded, options.start);
    } else {
        options.guest = guest_of(line, loaded);
        if (options.start == live::start_mode::dom0)
            throw user_error({"--start dom0"}, "",
                             "expected guest, init or clear: dom0 is for --at hardware");
    }
    options.doors = live::parse_listen_specs(line.doors, line.remote);
    const auto speed = live::parse_pace(line.speed);
    if (!speed)
        throw user_error({"--pace " + line.speed}, "",
                         "expected free, real, or a factor between 0.001 and 1000000");
    options.speed = *speed;
    options.recording = line.recording;
    options.last_stretch = loaded.config.time_limit;
    return options;
}

int serve(const serve_line& line, const simulation& simulate, std::ostream& out) {
    loaded_scenario loaded = load(line);
    auto options = options_of(line, loaded);
    // Who is not attested cannot be expected to be trusted.
    if (options.start == live::start_mode::init || options.start == live::start_mode::clear)
        std::erase_if(loaded.expectations, [&](const expectation& about) {
            return at_hardware(line) || about.guest == options.guest;
        });
    std::signal(SIGPIPE, SIG_IGN);  // that nobody reads what we say any more is no reason to lose the output
    live::session session(std::move(options), [&out](const std::string& text) { out << text << std::endl; });
    run_options run_with = line.run;
    run_with.live = &session;
    const auto code = run(loaded, run_with, simulate, out).code;
    if (!session.recording_problem().empty())
        throw user_error({"--record " + line.recording}, "",
                         "what it holds is not complete: " + session.recording_problem());
    if (!line.recording.empty())
        out << "recording    " << line.recording << '\n';
    return static_cast<int>(code);
}

}  // namespace

std::function<std::optional<int>(std::ostream&)> add_serve_command(CLI::App& app,
                                                                   const simulation& simulate) {
    auto line = std::make_shared<serve_line>();
    CLI::App* command = app.add_subcommand("serve", "let programs outside use a TPM while the scenario runs");
    line->scenario.add_to(*command);
    command
        ->add_option(
            "--at", line->at,
            "guest: a guest's TPM, through its vTPM; hardware: the machine's, through dom0's driver, "
            "beside the manager")
        ->check(CLI::IsMember(places));
    command->add_option("--guest", line->guest, "whose TPM; may be left out when there is one guest");
    command
        ->add_option(
            "--listen", line->doors,
            "a door, repeatable: raw|swtpm|mssim|attest:unix:PATH, the same with tcp:[HOST:]PORT, pty:PATH; "
            "options behind it: ,device=tpm0|tpmrm0 ,open=shared|exclusive ,mode=0600")
        ->required()
        ->allow_extra_args(false);
    command->add_flag("--allow-remote", line->remote, "doors may be open to other machines");
    command->add_option("--pace", line->speed,
                        "free: answers as soon as computed, time stands still between commands; real: wall "
                        "time follows simulated time; N: N times as fast");
    command
        ->add_option(
            "--start", line->start,
            "guest: after the guest's own boot (--at hardware: after all guests'); init: the client is "
            "the firmware; clear: the same, with TPM_Startup sent; dom0 (--at hardware only): before "
            "the guests are started")
        ->check(CLI::IsMember(starts));
    command->add_option("--record", line->recording,
                        "file for what the clients did, which a scenario can do again (guest.NAME.recording, "
                        "machine.dom0_recording)");
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
