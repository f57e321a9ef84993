#include "scenarios/live/session.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/live/recording_file.h"
#include "scenarios/runner/simulated_world.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario::live {

session::session(session_options options, std::function<void(const std::string&)> say)
    : m_options(std::move(options)), m_say(std::move(say)), m_context{m_loop}, m_loop(m_options.speed) {
    m_context.say = m_say;
    m_loop.on_ready = [this] { begin(); };
    m_loop.on_done = [this](const operation& what, const answer& result, const sc_core::sc_time& asked_for) {
        note(what, result, asked_for);
    };
}

session::~session() {
    m_wake.reset();
    m_doors.clear();
    m_loop.close();
}

namespace {

constexpr const char* table_file = "commands.csv";

void check_device(const listen_spec& spec, const session_options& options, tpm::family version) {
    const bool hardware = options.at == models::live::place::hardware;
    if (hardware && spec.kind == door_kind::attest)
        throw user_error({"--listen " + spec.text}, "",
                         "behind an attest door is a guest's agent, which the hardware has not");
    const std::string who = hardware ? "the machine" : options.guest.empty() ? "the guest" : options.guest;
    if (spec.resource_manager && version != tpm::family::tpm20)
        throw user_error(
            {"--listen " + spec.text}, "",
            fmt::format("{} has a TPM 1.2, for which Linux has no /dev/tpmrm0: use device=tpm0", who));
}

}  // namespace

void session::join(simulated_world& world, const std::filesystem::path& directory) {
    auto& machine = world.machine();
    m_tpm = m_options.at == models::live::place::hardware
                ? machine.serve_chip(m_loop, m_options.start)
                : machine.serve(m_options.guest, m_loop, m_options.start);
    m_context.version = m_tpm->version();
    m_context.buffer_size = m_tpm->buffer_size();
    m_context.describe_tpm = [this](std::uint64_t what) { return m_tpm->describe_tpm(what); };
    for (const auto& spec : m_options.doors)
        check_device(spec, m_options, m_context.version);
    for (const auto& spec : m_options.doors)
        m_doors.push_back(open_door(spec, m_context));
    // Last: an earlier recording is replaced when nothing is left that could be refused.
    m_journal.emplace(directory / table_file, m_options.recording,
                      print_header(m_context.version, m_options.start, m_options.at));
    wake_on_signals();
    machine.on_pause = [this] { return stand_still(); };
}

/// Wakes the loop up, no more: stand_still() looks for signals.
void session::wake_on_signals() {
    m_wake = std::make_unique<asio::posix::stream_descriptor>(
        m_loop.io(), ::fcntl(m_signals.descriptor(), F_DUPFD_CLOEXEC, 0));
    m_wake->async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
        if (!error)
            m_loop.stop();
    });
}

sc_core::sc_time session::stand_still() {
    if (m_signals.heard() != 0)
        m_loop.stop();
    m_loop.run_while_paused();
    if (m_loop.stopped() && !m_closed)
        close();
    return m_limit;
}

/// The guests' clocks go on: what they are at comes to its end, if it does so in time.
void session::close() {
    m_closed = true;
    m_say("closing the doors");
    m_wake.reset();
    m_doors.clear();
    m_loop.close();
    // The guest that was served first catches up with the wall.
    const auto now = std::max(sc_core::sc_time_stamp(), m_loop.idle_until());
    m_limit = now + std::min(m_options.last_stretch, sc_core::sc_max_time() - now);
}

void session::begin() {
    m_journal->begin(sc_core::sc_time_stamp());
    if (!m_options.note.empty())
        m_say(m_options.note);
    for (const auto& each : m_doors)
        m_say("serving " + each->describe());
}

void session::note(const operation& what, const answer& result, const sc_core::sc_time& asked_for) {
    if (what.what == operation::kind::power_off || what.what == operation::kind::power_on)
        m_context.powered = what.what == operation::kind::power_on && result.ok();
    if (!m_journal->note(what, result, asked_for))
        m_say(fmt::format("the recording is incomplete: {}: {}", m_options.recording, recording_problem()));
}

std::vector<output_file> session::files() {
    if (!m_closed)
        close();
    if (!m_journal->table_problem().empty())
        throw user_error({table_file}, "", "cannot be written: " + m_journal->table_problem());
    return {};
}

}  // namespace vtwin::scenario::live
