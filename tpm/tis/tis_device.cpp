#include "tpm/tis/tis_device.h"

#include <algorithm>

#include "tpm/bus/bus_master.h"
#include "tpm/bus/special_cycle.h"
#include "tpm/chips/duration.h"

namespace vtwin::tpm {

namespace {

using state_t = tis_state::fsm;

constexpr std::size_t result_field = 6;

// Commands whose success means that all self tests have run.
bool completes_self_test(family version, std::uint32_t ordinal) {
    constexpr std::uint32_t ord_self_test_full = 0x50, ord_continue_self_test = 0x53, cc_self_test = 0x143;
    return version == family::tpm12 ? ordinal == ord_self_test_full || ordinal == ord_continue_self_test
                                    : ordinal == cc_self_test;
}

bool same(const tis_state& a, const tis_state& b) {
    return a.state == b.state && a.active_locality == b.active_locality && a.sts == b.sts &&
           a.int_status == b.int_status && std::equal(std::begin(a.access), std::end(a.access), b.access);
}

}  // namespace

tis_device::tis_device(sc_core::sc_module_name name, const chip_profile& profile, engine_if& engine,
                       entropy_if& timing_chance)
    : sc_module(name),
      socket("socket"),
      states("states"),
      commands("commands"),
      interrupt("interrupt"),
      m_profile(profile),
      m_engine(engine),
      m_chance(timing_chance),
      m_fsm(profile),
      m_interface_id(profile.interface_id),
      m_wake("wake"),
      m_line_changed("line_changed") {
    socket.register_b_transport(this, &tis_device::b_transport);
    m_banks.reserve(localities);
    for (unsigned locality = 0; locality < localities; ++locality) {
        m_banks.emplace_back(/*ordinary_writes=*/locality != 4);
        declare_registers(locality);
        m_banks.back().reset();
    }
    SC_HAS_PROCESS(tis_device);
    SC_METHOD(deadline_reached);
    sensitive << m_wake;
    dont_initialize();
    SC_METHOD(drive_interrupt);
    sensitive << m_line_changed;
    dont_initialize();
}

void tis_device::start_of_simulation() {
    m_established = m_engine.established();
    arm(init_over, m_profile.init_time);
    advance(sc_core::SC_ZERO_TIME);
    schedule_wake();
}

void tis_device::reset() {
    m_now = std::max(m_now, sc_core::sc_time_stamp());
    m_engine.power_cycle();
    m_deadlines = {};
    m_arbiter.reset();
    m_fsm.apply(fsm_event::init);
    for (auto& bank : m_banks) {
        bank.reset();
    }
    m_valid = m_self_test_done = m_aborting = false;
    m_digested = true;
    m_engine_free_at = m_now;
    m_established = m_engine.established();
    note_edges();
    raise(0);
    arm(init_over, m_now + m_profile.init_time);
    settle();
}

void tis_device::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    if (payload.get_data_length() != 1) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return;
    }
    advance(std::max(m_now, sc_core::sc_time_stamp() + delay));
    const auto* master = payload.get_extension<bus_master>();
    m_master = master != nullptr ? std::optional(master->number) : std::nullopt;
    const std::uint64_t locality = payload.get_address() >> 12;
    const auto offset = static_cast<std::uint16_t>(payload.get_address() & 0xFFF);
    unsigned char& data = *payload.get_data_ptr();
    if (locality >= localities) {
        data = payload.is_read() ? register_bank::undecoded : data;
    } else {
        register_bank& bank = m_banks[locality];
        const bank_cycle cycle{.owner = m_valid && m_arbiter.active() == static_cast<int>(locality),
                               .special = payload.get_extension<special_cycle>() != nullptr};
        if (payload.is_read()) {
            // Until the end of TPM_Init only tpmRegValidSts = 0 can be relied upon.
            data = m_valid || offset == access ? bank.read(offset, cycle) : register_bank::undecoded;
        } else if (m_valid && payload.is_write()) {
            bank.write(offset, data, cycle);
        }
    }
    settle();
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

// ---- time

void tis_device::deadline_reached() {
    m_wake_pending = false;
    advance(std::max(m_now, sc_core::sc_time_stamp()));
    schedule_wake();
}

void tis_device::arm(timer which, const sc_core::sc_time& at) {
    m_deadlines[which] = {.at = at, .armed = true};
}

// Lets the chip do what it does by itself up to and including a moment, in the order of time.
void tis_device::advance(const sc_core::sc_time& to) {
    for (;;) {
        const auto earliest = std::min_element(
            m_deadlines.begin(), m_deadlines.end(),
            [](const deadline& a, const deadline& b) { return a.armed && (!b.armed || a.at < b.at); });
        if (!earliest->armed || earliest->at > to) {
            break;
        }
        m_now = std::max(m_now, earliest->at);
        earliest->armed = false;
        expire(static_cast<timer>(earliest - m_deadlines.begin()));
        note_edges();
        if (const tis_state state = snapshot(); !same(state, m_last_state)) {
            m_last_state = state;
            states.write(state);
        }
    }
    m_now = std::max(m_now, to);
}

void tis_device::expire(timer which) {
    switch (which) {
        case init_over:
            m_valid = true;
            break;
        case command_done:
            finish_command();
            break;
        case ready_reached:
            if (m_fsm.state() == state_t::execution) {
                m_fsm.apply(fsm_event::locality_change);
            }
            m_aborting = false;
            m_fsm.apply(fsm_event::command_ready);
            break;
        case bytes_digested:
            m_digested = true;
            break;
        default:
            sc_assert(false);
    }
}

// After every stimulus: interrupts, observers, and what is due without any further delay.
void tis_device::settle() {
    note_edges();
    if (const tis_state state = snapshot(); !same(state, m_last_state)) {
        m_last_state = state;
        states.write(state);
    }
    advance(m_now);
    schedule_wake();
}

void tis_device::schedule_wake() {
    sc_core::sc_time next = sc_core::sc_max_time();
    for (const auto& pending : m_deadlines) {
        if (pending.armed) {
            next = std::min(next, pending.at);
        }
    }
    const bool wanted = next != sc_core::sc_max_time();
    if (wanted == m_wake_pending && (!wanted || next == m_wake_at)) {
        return;
    }
    m_wake.cancel();
    m_wake_pending = wanted;
    m_wake_at = next;
    if (wanted) {
        m_wake.notify(next - sc_core::sc_time_stamp());
    }
}

// ---- the command and its owner

void tis_device::apply(const locality_arbiter::outcome& outcome) {
    if (outcome.abort && !(outcome.abandoned && m_profile.relinquish_keeps_fsm)) {
        lose_owner();
    }
    if (outcome.interrupt) {
        raise(int_bits::locality_change);
    }
}

void tis_device::lose_owner() {
    if (m_fsm.state() == state_t::execution) {
        stop_engine();
    }
    disarm(ready_reached);
    disarm(bytes_digested);
    m_digested = true;
    m_aborting = false;
    m_fsm.apply(fsm_event::locality_change);
}

// The engine cannot be interrupted in the middle of a step: it stays busy for a while, and its result is
// dropped.
void tis_device::stop_engine() {
    if (!m_aborting) {
        m_engine_free_at = std::min(m_deadlines[command_done].at, m_now + m_profile.abort_time);
    }
    disarm(command_done);
    m_response.clear();
    m_established = m_engine.established();
}

void tis_device::command_ready_written() {
    const state_t before = m_fsm.state();
    const state_t next = m_fsm.peek(fsm_event::command_ready);
    if (next == before || m_aborting || m_deadlines[ready_reached].armed) {
        return;
    }
    if (before == state_t::execution) {
        stop_engine();
    }
    disarm(bytes_digested);
    m_digested = true;
    if (next != state_t::ready) {
        m_fsm.apply(fsm_event::command_ready);
        return;
    }
    if (before == state_t::execution) {
        m_aborting = true;
    } else if (before != state_t::idle) {
        m_fsm.apply(fsm_event::locality_change);
    }
    arm(ready_reached, std::max(m_now + m_profile.command_ready_time, m_engine_free_at));
}

void tis_device::go_written() {
    if (!m_fsm.apply(fsm_event::go)) {
        return;
    }
    disarm(bytes_digested);
    m_digested = true;
    m_go_at = m_now;
    m_command_locality = static_cast<std::uint8_t>(m_arbiter.active());
    m_command_ordinal = m_fsm.ordinal();
    m_command_master = m_master;
    m_response = m_engine.execute(m_fsm.command(), m_command_locality);
    auto duration = sample(m_profile, m_command_ordinal, m_chance);
    if (on_duration)
        duration = on_duration(m_command_ordinal, duration);
    arm(command_done, m_now + duration);
}

// The engine's work is done already when the cancellation comes, so the answer is the real one, only sooner.
void tis_device::cancel_written() {
    if (m_fsm.state() == state_t::execution && m_deadlines[command_done].armed) {
        arm(command_done, std::min(m_deadlines[command_done].at, m_now + m_profile.abort_time));
    }
}

void tis_device::finish_command() {
    const std::uint32_t result = be32_at(m_response, result_field);
    m_fsm.complete(std::move(m_response));
    m_response.clear();
    m_engine_free_at = m_now;
    m_established = m_engine.established();
    m_self_test_done |= result == 0 && completes_self_test(m_profile.version, m_command_ordinal);
    commands.write({.go = m_go_at,
                    .done = m_now,
                    .ordinal = m_command_ordinal,
                    .result = result,
                    .locality = m_command_locality,
                    .command = m_fsm.command(),
                    .response = m_fsm.response(),
                    .master = m_command_master});
}

void tis_device::reset_establishment_written(unsigned locality) {
    const state_t state = m_fsm.state();
    const bool quiet = state == state_t::idle || state == state_t::ready || state == state_t::completion ||
                       state == state_t::completion_read;
    if (locality >= 3 && quiet) {
        m_engine.reset_established(static_cast<std::uint8_t>(locality));
        m_established = m_engine.established();
    }
}

// ---- dynamic launch

void tis_device::hash_start_cycle() {
    const auto outcome = m_arbiter.hash_start();
    apply(outcome);
    if (outcome.accepted) {
        m_engine.hash_start();
        m_established = m_engine.established();
    }
}

// Without an open sequence the cycle still reaches the engine (a TPM 1.2 then fails), unless an ordinary
// locality owns the TPM.
void tis_device::hash_data_cycle(std::uint8_t value) {
    if (m_arbiter.active() == 4 && !m_arbiter.hash_open()) {
        write_fifo(value);
    } else if (m_arbiter.hash_open() || m_arbiter.active() == locality_arbiter::none) {
        const std::byte data{value};
        m_engine.hash_data(byte_view(&data, 1));
    }
}

void tis_device::hash_end_cycle() {
    if (!m_arbiter.hash_open() && m_arbiter.active() != locality_arbiter::none) {
        return;
    }
    m_engine.hash_end();
    m_established = m_engine.established();
    apply(m_arbiter.hash_end());
}

// ---- interrupts

bool tis_device::sts_valid() const {
    switch (m_fsm.state()) {
        case state_t::idle:
        case state_t::ready:
            return m_profile.sts_valid_when_idle;
        case state_t::reception:
        case state_t::reception_complete:
            return m_digested;
        case state_t::execution:
            return false;
        case state_t::completion:
        case state_t::completion_read:
            return true;
    }
    return false;
}

void tis_device::raise(std::uint32_t cause) {
    if ((m_int_enable & int_bits::global_enable) != 0) {
        m_int_status |= cause & m_int_enable & int_bits::sources;
    }
    const bool line = m_int_status != 0 && m_int_vector != 0 && (m_int_enable & int_bits::global_enable) != 0;
    if (line != m_line) {
        m_line = line;
        m_line_changed.notify(std::max(m_now, sc_core::sc_time_stamp()) - sc_core::sc_time_stamp());
    }
}

void tis_device::drive_interrupt() {
    for (int i = 0; i < interrupt.size(); ++i) {
        interrupt[i]->write(m_line);
    }
}

// commandReady, dataAvail and stsValid interrupt on their rising edges; going to Idle never does.
void tis_device::note_edges() {
    const std::uint32_t now = (m_fsm.state() == state_t::ready ? int_bits::command_ready : 0) |
                              (m_fsm.data_available() ? int_bits::data_avail : 0) |
                              (sts_valid() ? int_bits::sts_valid : 0);
    if (m_fsm.state() != state_t::idle) {
        raise(now & ~m_last_edges);
    }
    m_last_edges = now;
}

tis_state tis_device::snapshot() const {
    tis_state state{};
    state.state = m_fsm.state();
    state.active_locality = static_cast<std::int8_t>(m_arbiter.active());
    for (unsigned locality = 0; locality < localities; ++locality) {
        state.access[locality] = read_access(locality);
    }
    state.sts = m_arbiter.active() == locality_arbiter::none ? 0xFFFFFFFF : status();
    state.int_status = static_cast<std::uint8_t>(m_int_status);
    state.at = m_now;
    return state;
}

}  // namespace vtwin::tpm
