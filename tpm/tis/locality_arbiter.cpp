#include "tpm/tis/locality_arbiter.h"

#include <bit>
#include <systemc>

namespace vtwin::tpm {

namespace {
constexpr int drtm_locality = 4;
std::uint8_t mask_of(int locality) {
    return static_cast<std::uint8_t>(1u << locality);
}
}  // namespace

locality_arbiter::outcome locality_arbiter::write_access(int locality, std::uint8_t value) {
    sc_assert(locality >= 0 && locality < localities);
    switch (value & access_bits::writable) {
        case access_bits::request_use:
            return request(locality);
        case access_bits::active_locality:
            return relinquish(locality);
        case access_bits::seize:
            return seize(locality);
        case access_bits::been_seized:
            m_seized &= static_cast<std::uint8_t>(~mask_of(locality));
            return {};
        default:
            return {};
    }
}

locality_arbiter::outcome locality_arbiter::request(int locality) {
    if (m_active == none) {
        m_active = locality;
    } else if (m_active != locality) {
        m_waiting |= mask_of(locality);
    }
    return {};
}

locality_arbiter::outcome locality_arbiter::relinquish(int locality) {
    if (m_active != locality) {
        m_waiting &= static_cast<std::uint8_t>(~mask_of(locality));
        return {};
    }
    // An owner that leaves through its ACCESS register leaves an open launch sequence behind as well.
    m_hash_open = false;
    const bool handed_over = hand_over();
    return {.abort = true, .abandoned = !handed_over, .interrupt = handed_over};
}

locality_arbiter::outcome locality_arbiter::seize(int locality) {
    if (m_active == none) {
        m_active = locality;
        return {};
    }
    if (locality <= m_active) {
        return {};
    }
    const bool was_waiting = (m_waiting & mask_of(locality)) != 0;
    m_seized |= mask_of(m_active);
    m_active = locality;
    m_waiting &= static_cast<std::uint8_t>(~mask_of(locality));
    return {.abort = true, .interrupt = was_waiting};
}

locality_arbiter::outcome locality_arbiter::hash_start() {
    if ((m_active != none && m_active != drtm_locality) || m_hash_open) {
        return {};
    }
    m_active = drtm_locality;
    m_waiting &= static_cast<std::uint8_t>(~mask_of(drtm_locality));
    m_hash_open = true;
    return {.abort = true, .accepted = true};
}

locality_arbiter::outcome locality_arbiter::hash_end() {
    if (!m_hash_open) {
        return {};
    }
    m_hash_open = false;
    return {.abort = true, .interrupt = hand_over(), .accepted = true};
}

void locality_arbiter::reset() {
    *this = locality_arbiter{};
}

// The highest-numbered waiter becomes the owner; without one, nobody does.
bool locality_arbiter::hand_over() {
    if (m_waiting == 0) {
        m_active = none;
        return false;
    }
    m_active = std::bit_width(m_waiting) - 1;
    m_waiting &= static_cast<std::uint8_t>(~mask_of(m_active));
    return true;
}

std::uint8_t locality_arbiter::read_access(int locality, bool established) const {
    sc_assert(locality >= 0 && locality < localities);
    const std::uint8_t own = mask_of(locality);
    std::uint8_t value = access_bits::valid;
    value |= m_active == locality ? access_bits::active_locality : 0;
    value |= (m_seized & own) != 0 ? access_bits::been_seized : 0;
    value |= (m_waiting & ~own) != 0 ? access_bits::pending_request : 0;
    value |= (m_waiting & own) != 0 ? access_bits::request_use : 0;
    value |= established ? 0 : access_bits::establishment;
    return value;
}

}  // namespace vtwin::tpm
