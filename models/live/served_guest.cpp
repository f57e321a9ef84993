#include "models/live/served_guest.h"

#include <utility>

#include "tpm/codec/wire.h"

namespace vtwin::models::live {

using kind = operation::kind;
using status = answer::status;
using tpm::state_kind;

namespace {

const sc_core::sc_time longest_nap(3600, sc_core::SC_SEC);

/// What TPM_SaveState stored; empty when nothing is.
bytes saved_part(tpm::libtpms_engine& engine) {
    const bytes all = engine.get_state(state_kind::both);
    tpm::wire_reader parts(all);
    parts.view(parts.u32());
    parts.view(parts.u32());
    return parts.sized32();
}

/// What only a vTPM whose domain lives can do; without one there is nobody to ask, as for commands.
bool needs_vtpm(kind what) {
    switch (what) {
        case kind::hash_start:
        case kind::hash_data:
        case kind::hash_end:
        case kind::established:
        case kind::reset_established:
        case kind::take_permanent:
        case kind::take_volatile:
        case kind::take_saved:
        case kind::presence:
            return true;
        default:
            return false;
    }
}

answer of_state(bytes state) {
    answer result;
    result.what = state.empty() ? status::failed : status::done;
    result.data = std::move(state);
    return result;
}

}  // namespace

served_guest::served_guest(guest_domain& guest, vtpm_domain& vtpm, std::function<void()> restart,
                           work_if& work, start_mode start)
    : served_tpm(work), m_guest(guest), m_vtpm(vtpm), m_restart(std::move(restart)), m_start(start) {
    guest.user_program = [this](guest_domain&) { program(); };
    if (start != start_mode::guest)
        guest.boot_for_client(true);
}

/// Runs at every boot of the guest: the first one, and those that a power cycle makes.
void served_guest::program() {
    lose_files();
    if (m_power_on) {
        const operation asked = *std::exchange(m_power_on, std::nullopt);
        answer result;
        result.begun = m_power_on_begun;
        if (!finish_power_cycle()) {
            result.what = status::failed;
            result.error = static_cast<int>(m_vtpm.engine().last_result());
        }
        result.ended = os().now();
        m_work.done(asked, std::move(result));
    } else if (m_start != start_mode::guest) {
        m_untouched = m_vtpm.serving();  // a dead one is what the client finds: commands fail until power-on
        if (m_untouched)
            m_vtpm.tpm_init();
        if (m_start == start_mode::clear)
            (void)command({kind::command, 0, startup_clear(version()), 0});
    }
    serve();
}

bool served_guest::use_locality(std::uint8_t locality) {
    m_guest.tpm().set_locality(locality);
    return true;
}

/// The agent is one more program in the guest's user space: it uses /dev/tpm0 as the client does.
answer served_guest::attest(const operation& what) {
    answer result;
    auto asked =
        from_json<attest_request>({reinterpret_cast<const char*>(what.data.data()), what.data.size()});
    if (!m_powered)
        result.what = status::no_power;
    else if (!asked)
        result.what = status::failed;
    if (!result.ok())
        return result;
    m_untouched = false;
    m_guest.tpm().set_locality(0);
    evidence claims;
    claims.firmware_log = std::move(asked->firmware_log);
    claims.ima_log = std::move(asked->ima_log);
    const auto outcome = m_guest.attest(std::move(claims));
    if (!outcome.completed)
        result.what = status::failed;
    const std::string said = outcome.completed ? to_json(outcome.result) : outcome.problem;
    const auto octets = std::as_bytes(std::span(said));
    result.data.assign(octets.begin(), octets.end());
    return result;
}

/// What has no form on the ring. It reaches the vTPM's engine as a line of the machine's board would. The
/// engine takes no time for it; whoever asks for it makes a system call.
answer served_guest::beside_the_device(const operation& what) {
    auto& engine = m_vtpm.engine();
    answer result;
    os().charge(os().costs().syscall);
    if (m_powered && needs_vtpm(what.what) && !m_vtpm.serving()) {
        result.what = status::failed;
        return result;
    }
    switch (what.what) {
        case kind::power_off:
            m_powered = false;
            lose_files();
            break;
        case kind::power_on:
            switch_on(what);
            break;
        case kind::hash_start:
        case kind::hash_data:
        case kind::hash_end:
            return hash_sequence(what);
        case kind::established:
            if (m_powered)
                result.data = {std::byte{engine.established()}};
            else
                result.what = status::no_power;
            break;
        case kind::reset_established:
            if (!m_powered) {
                result.what = status::no_power;
            } else if (m_untouched = false; !engine.reset_established(what.locality)) {
                result.what = status::failed;
                result.error = static_cast<int>(engine.last_result());
            }
            break;
        case kind::take_permanent:
        case kind::take_volatile:
        case kind::take_saved:
            return taken(what.what);
        case kind::give_permanent:
        case kind::give_volatile:
        case kind::give_saved:
            return give(what);
        case kind::presence:
            m_untouched = false;
            engine.set_physical_presence(!what.data.empty() && what.data.front() != std::byte{0});
            break;
        case kind::attest:
            return attest(what);
        case kind::close:
        case kind::command:
            result.what = status::failed;
            break;
    }
    return result;
}

answer served_guest::hash_sequence(const operation& what) {
    auto& engine = m_vtpm.engine();
    answer result;
    if (!m_powered) {
        result.what = status::no_power;
        return result;
    }
    m_untouched = false;
    if (what.what == kind::hash_start)
        engine.hash_start();
    else if (what.what == kind::hash_data)
        engine.hash_data(what.data);
    else
        engine.hash_end();
    if (engine.last_result() != 0) {
        result.what = status::failed;
        result.error = static_cast<int>(engine.last_result());
    }
    return result;
}

answer served_guest::taken(kind what) {
    auto& engine = m_vtpm.engine();
    if (what == kind::take_permanent)
        return of_state(m_permanent ? *m_permanent : engine.get_state(state_kind::permanent));
    if (what == kind::take_saved)
        return of_state(m_saved ? *m_saved : saved_part(engine));
    if (m_volatile)
        return of_state(*m_volatile);
    return of_state(m_powered ? engine.get_state(state_kind::volatile_state) : bytes{});
}

/// A state that the library refuses is refused here and now. It is put into the engine for that alone: the
/// stub domain that comes up with the power looks at its disk first.
answer served_guest::give(const operation& what) {
    answer result;
    result.what = status::failed;
    if (m_powered)
        return result;
    auto& place = what.what == kind::give_permanent  ? m_permanent
                  : what.what == kind::give_volatile ? m_volatile
                                                     : m_saved;
    auto& engine = m_vtpm.engine();
    auto before = std::exchange(place, what.data);
    auto stored = engine.stored();
    if (put_given_state()) {
        result.what = status::done;
    } else {
        result.error = static_cast<int>(engine.last_result());
        place = std::move(before);
    }
    engine.put_back(std::move(stored));
    return result;
}

/// What was given, and of the rest what the engine has.
bool served_guest::put_given_state() {
    auto& engine = m_vtpm.engine();
    const bytes saved = m_saved ? *m_saved : saved_part(engine);
    tpm::wire_writer state;
    state.sized32(m_permanent ? *m_permanent : engine.get_state(state_kind::permanent));
    state.sized32(m_volatile ? *m_volatile : bytes{}).sized32(saved);
    return engine.set_state(state_kind::both, state.data());
}

/// Nothing to do for a TPM that was not used since the last time.
void served_guest::switch_on(const operation& what) {
    if (!(m_untouched && !m_permanent && !m_volatile && !m_saved))
        begin_power_cycle(what);
    m_powered = true;
}

/// Does not come back: the domain that the calling thread belongs to is destroyed.
void served_guest::begin_power_cycle(const operation& what) {
    m_power_on = what;
    m_power_on_begun = os().now();
    if (m_vtpm.serving())
        m_before = m_vtpm.engine().stored();
    lose_files();
    m_guest.boot_for_client(true);
    m_restart();
    while (true)
        os().sleep(longest_nap);
}

/// A TPM that does not come up stays off.
bool served_guest::finish_power_cycle() {
    ++m_power_cycles;
    auto& engine = m_vtpm.engine();
    if (!m_vtpm.serving())
        return false;  // what was given is for the next power-on
    if (const auto before = std::exchange(m_before, std::nullopt); before && !m_vtpm.started_fresh()) {
        engine.power_off();
        engine.put_back(*before);
    }
    const bool resumed = m_volatile.has_value();
    const bool accepted = !(m_permanent || m_volatile || m_saved) || put_given_state();
    m_permanent.reset();
    m_volatile.reset();
    m_saved.reset();
    engine.set_physical_presence(true);
    m_vtpm.tpm_init();
    m_powered = accepted && engine.powered();
    m_untouched = m_powered && !resumed;
    return m_powered;
}

}  // namespace vtwin::models::live
