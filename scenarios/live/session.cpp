#include "scenarios/live/session.h"

#include <fmt/format.h>

#include <csignal>

#include "models/live/operation_names.h"
#include "scenarios/live/recording_file.h"
#include "scenarios/runner/simulated_world.h"
#include "scenarios/schema/problem.h"
#include "tpm/codec/wire.h"
#include "traces/ordinals.h"

namespace vtwin::scenario::live {

session::session(session_options options, std::function<void(const std::string&)> say)
    : m_options(std::move(options)),
      m_say(std::move(say)),
      m_context{m_loop},
      m_loop(m_options.speed),
      m_table("number,operation,device,locality,code,begun_ns,latency_ns,result\n") {
    m_context.say = m_say;
    m_loop.on_ready = [this] { begin(); };
    m_loop.on_done = [this](const operation& what, const answer& result) { note(what, result); };
}

session::~session() {
    m_doors.clear();
}

namespace {

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

void session::join(simulated_world& world) {
    auto& machine = world.machine();
    m_tpm = m_options.at == models::live::place::hardware
                ? machine.serve_chip(m_loop, m_options.start)
                : machine.serve(m_options.guest, m_loop, m_options.start);
    m_context.version = m_tpm->version();
    m_context.buffer_size = m_tpm->buffer_size();
    m_context.describe_tpm = [this](std::uint64_t what) { return m_tpm->describe_tpm(what); };
    m_recording = print_header(m_context.version, m_options.start, m_options.at);
    for (const auto& spec : m_options.doors)
        check_device(spec, m_options, m_context.version);
    for (const auto& spec : m_options.doors)
        m_doors.push_back(open_door(spec, m_context));
    hear_signals();
    machine.on_pause = [this] { return m_loop.run_while_paused(); };
}

/// A signal is heard whenever the guest has nothing to do; a second one ends the program.
void session::hear_signals() {
    m_signals = std::make_unique<asio::signal_set>(m_loop.io(), SIGINT, SIGTERM);
    m_signals->async_wait([this](const asio::error_code& error, int) {
        if (error)
            return;
        m_signals->clear();
        m_say("closing the doors");
        m_loop.stop();
    });
}

void session::begin() {
    m_idle_since = sc_core::sc_time_stamp();
    if (!m_options.note.empty())
        m_say(m_options.note);
    for (const auto& each : m_doors)
        m_say("serving " + each->describe());
}

void session::note(const operation& what, const answer& result) {
    if (what.what == operation::kind::power_off || what.what == operation::kind::power_on)
        m_context.powered = what.what == operation::kind::power_on;
    const auto ns = [](const sc_core::sc_time& time) { return time.value() / 1000; };
    constexpr std::size_t code_at = 6, header_size = 10;
    const auto code_of = [](const models::bytes& frame) {
        return frame.size() >= header_size
                   ? fmt::format("{:08x}", tpm::load_be32(models::byte_view(frame).subspan(code_at, 4)))
                   : std::string();
    };
    const bool command = what.what == operation::kind::command;
    const std::string came = !result.ok() ? fmt::format("{} {}", name_of(result.what), result.error)
                             : command    ? code_of(result.data)
                                          : "done";
    m_table += fmt::format("{},{},{},{},{},{},{},{}\n", m_operations++, name_of(what.what),
                           what.file == 0 ? "tpm0" : fmt::format("tpmrm0/{}", what.file), what.locality,
                           command ? code_of(what.data) : "", ns(result.begun),
                           ns(result.ended - result.begun), came);
    const auto think = result.begun > m_idle_since ? result.begun - m_idle_since : sc_core::SC_ZERO_TIME;
    m_recording += print_operation({what, think, result.what, result.data});
    m_idle_since = result.ended;
}

std::vector<output_file> session::files() {
    m_doors.clear();
    m_loop.drain();
    return {{"commands.csv", m_table}};
}

}  // namespace vtwin::scenario::live
