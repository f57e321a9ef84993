#include "tpm/tis/command_fsm.h"

#include <algorithm>
#include <systemc>
#include <utility>

namespace vtwin::tpm {

namespace {

using state_t = tis_state::fsm;

constexpr std::size_t header_size = 10;
constexpr std::size_t size_field = 2, size_known = 6, ordinal_field = 6;
constexpr std::uint32_t burst_count_static = 1u << 8;  // TPM_INTF_CAPABILITY

// NOLINTBEGIN(readability-identifier-naming): names as short as the cells of the table
constexpr auto I = state_t::idle, R = state_t::ready, C1 = state_t::reception,
               C0 = state_t::reception_complete, X = state_t::execution, D1 = state_t::completion,
               D0 = state_t::completion_read;
// NOLINTEND(readability-identifier-naming)

// Rows: state. Columns: event. The default profile.
constexpr state_t table[7][static_cast<std::size_t>(fsm_event::count)] = {
    //         CR  GO  RR  CC  WF  WL  RF  RL  DONE LOC INIT
    /* I  */ {R, I, I, I, I, I, I, I, I, I, I},
    /* R  */ {R, R, R, R, C1, R, R, R, R, I, I},
    /* C1 */ {I, C1, C1, C1, C1, C0, C1, C1, C1, I, I},
    /* C0 */ {I, X, C0, C0, C0, C0, C0, C0, C0, I, I},
    /* X  */ {I, X, X, X, X, X, X, X, D1, I, I},
    /* D1 */ {I, D1, D1, D1, D1, D1, D1, D0, D1, I, I},
    /* D0 */ {I, D0, D1, D0, D0, D0, D0, D0, D0, I, I},
};

state_t redirect(state_t state, chip_profile::cr_target target) {
    switch (target) {
        case chip_profile::cr_target::idle:
            return I;
        case chip_profile::cr_target::ready:
            return R;
        case chip_profile::cr_target::ignored:
            return state;
    }
    return state;
}

}  // namespace

state_t next_state(state_t state, fsm_event event, const chip_profile& profile) {
    if (event == fsm_event::command_ready) {
        if (state == C1 || state == C0 || state == X) {
            return redirect(state, profile.cr_abort);
        }
        if (state == D1 || state == D0) {
            return redirect(state, profile.cr_from_completion);
        }
    }
    if (event == fsm_event::go && state == C1 && profile.go_unchecked) {
        return X;
    }
    return table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

std::uint32_t be32_at(byte_view data, std::size_t offset) {
    if (data.size() < offset + 4) {
        return 0;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | std::to_integer<std::uint32_t>(data[offset + i]);
    }
    return value;
}

command_fsm::command_fsm(const chip_profile& profile) : m_profile(profile) {
    sc_assert(profile.buffer_size >= header_size);
    m_command.reserve(profile.buffer_size);
}

bool command_fsm::command_ready() const {
    return m_state == R || (m_profile.ready_sticky && (m_state == C1 || m_state == C0));
}

bool command_fsm::expect() const {
    if (m_state == R) {
        return m_profile.expect_in_ready;
    }
    if (m_state != C1) {
        return false;
    }
    if (m_profile.expect_early && m_command.size() >= size_known) {
        return m_command.size() + 1 < be32_at(m_command, size_field);
    }
    return true;
}

bool command_fsm::data_available() const {
    return m_state == D1;
}

std::uint16_t command_fsm::burst_count() const {
    if ((m_profile.interface_capability & burst_count_static) != 0) {
        return static_cast<std::uint16_t>(m_profile.burst_count);
    }
    std::size_t movable = 0;
    if (m_state == R || m_state == C1) {
        movable = m_profile.buffer_size - m_command.size();
    } else if (m_state == D1) {
        movable = std::max<std::size_t>(response_size(), 1) - m_read;
    }
    return static_cast<std::uint16_t>(std::min<std::size_t>(movable, m_profile.burst_count));
}

std::uint32_t command_fsm::ordinal() const {
    return be32_at(m_command, ordinal_field);
}

bool command_fsm::apply(fsm_event event) {
    const state_t before = m_state;
    if (event == fsm_event::response_retry && (before == D1 || before == D0)) {
        m_read = 0;
    }
    enter(peek(event));
    return m_state != before;
}

bool command_fsm::write(std::byte value) {
    if (m_state != R && m_state != C1) {
        return false;
    }
    m_command.push_back(value);
    enter(peek(is_last_of_command() ? fsm_event::fifo_write_last : fsm_event::fifo_write));
    return true;
}

std::byte command_fsm::read() {
    if (m_state != D1) {
        return std::byte{0xFF};
    }
    const std::byte value = m_read < m_response.size() ? m_response[m_read] : std::byte{0xFF};
    ++m_read;
    enter(peek(m_read >= response_size() ? fsm_event::fifo_read_last : fsm_event::fifo_read));
    return value;
}

void command_fsm::complete(bytes response) {
    if (m_state != X) {
        return;
    }
    m_response = std::move(response);
    m_read = 0;
    enter(peek(fsm_event::done));
}

// The size field counts only from the moment at which it is complete; a buffer that is full ends every
// command.
bool command_fsm::is_last_of_command() const {
    const std::size_t received = m_command.size();
    const bool size_reached = received >= size_known && received >= be32_at(m_command, size_field);
    return size_reached || received >= m_profile.buffer_size;
}

std::size_t command_fsm::response_size() const {
    const std::size_t announced =
        m_response.size() < size_known ? m_response.size() : be32_at(m_response, size_field);
    return std::min<std::size_t>(announced, m_profile.buffer_size);
}

void command_fsm::enter(state_t next) {
    if (next == I || (next == R && m_state != R)) {
        m_command.clear();
        m_response.clear();
        m_read = 0;
    }
    m_state = next;
}

}  // namespace vtwin::tpm
