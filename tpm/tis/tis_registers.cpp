// The registers of one locality, declared; five localities are five such banks over the same flip-flops.
#include "tpm/tis/tis_device.h"

namespace vtwin::tpm {

namespace {

constexpr std::uint32_t int_enable_reset = 0x08;       // typePolarity 01: low level
constexpr std::uint32_t interface_version = 7u << 28;  // TPM_INTF_CAPABILITY; 000 is TIS 1.21
constexpr std::uint32_t no_interface_id = 0xFFFFFFFF;
constexpr std::uint32_t interface_selector_lock = 1u << 19;
constexpr unsigned capability_polarity_shift[4] = {3, 4, 5,
                                                   6};  // by typePolarity: high, low, rising, falling

std::uint32_t with_byte(std::uint32_t word, unsigned lane, std::uint8_t value) {
    return (word & ~(0xFFu << (8 * lane))) | (std::uint32_t{value} << (8 * lane));
}

}  // namespace

void tis_device::declare_registers(unsigned locality) {
    register_bank& bank = m_banks[locality];
    bank.declare(
        {.name = "TPM_ACCESS",
         .offset = access,
         .write = access_right::anyone,
         .on_read = [this, locality](unsigned) { return read_access(locality); },
         .on_write = [this, locality](unsigned, std::uint8_t value) { write_access(locality, value); }});
    bank.declare({.name = "TPM_STS",
                  .offset = sts,
                  .width = 4,
                  .read = access_right::owner,
                  .write = access_right::owner,
                  .on_read = [this](unsigned lane) { return byte_of(status(), lane); },
                  .on_write = [this, locality](unsigned lane,
                                               std::uint8_t value) { write_status(locality, lane, value); }});
    declare_interrupt_registers(locality);
    declare_fifo(locality);
    if (m_profile.interface_id != no_interface_id) {
        bank.declare(
            {.name = "TPM_INTERFACE_ID",
             .offset = interface_id,
             .width = 4,
             .reset = m_profile.interface_id,
             .write = access_right::anyone,
             .storage = &m_interface_id,
             .on_write = [this](unsigned lane, std::uint8_t value) { write_interface_id(lane, value); }});
    }
    bank.declare({.name = "TPM_DID_VID", .offset = did_vid, .width = 4, .reset = m_profile.did_vid});
    bank.declare({.name = "TPM_RID", .offset = rid, .reset = m_profile.rid});
}

void tis_device::declare_interrupt_registers(unsigned locality) {
    register_bank& bank = m_banks[locality];
    bank.declare({.name = "TPM_INT_ENABLE",
                  .offset = int_enable,
                  .width = 4,
                  .reset = int_enable_reset,
                  .write = access_right::owner,
                  .storage = &m_int_enable,
                  .on_write = [this](unsigned lane, std::uint8_t value) { write_int_enable(lane, value); }});
    bank.declare({.name = "TPM_INT_VECTOR",
                  .offset = int_vector,
                  .write = access_right::owner,
                  .storage = &m_int_vector,
                  .on_write = [this](unsigned, std::uint8_t value) {
                      m_int_vector = value & 0x0F;
                      raise(0);
                  }});
    bank.declare({.name = "TPM_INT_STATUS",
                  .offset = int_status,
                  .width = 4,
                  .write = access_right::owner,
                  .storage = &m_int_status,
                  .on_write = [this](unsigned lane, std::uint8_t value) { write_int_status(lane, value); }});
    bank.declare({.name = "TPM_INTF_CAPABILITY",
                  .offset = interface_capability,
                  .width = 4,
                  .reset = m_profile.interface_capability});
}

void tis_device::declare_fifo(unsigned locality) {
    register_bank& bank = m_banks[locality];
    const auto read = [this](unsigned) { return read_fifo(); };
    const auto write = [this](unsigned, std::uint8_t value) { write_fifo(value); };
    bank.declare({.name = "TPM_XDATA_FIFO",
                  .offset = xdata_fifo,
                  .width = 4,
                  .read = access_right::owner,
                  .write = access_right::owner,
                  .on_read = read,
                  .on_write = write});
    if (locality != 4) {
        bank.declare({.name = "TPM_DATA_FIFO",
                      .offset = data_fifo,
                      .width = 4,
                      .read = access_right::owner,
                      .write = access_right::owner,
                      .on_read = read,
                      .on_write = write});
        return;
    }
    bank.declare({.name = "TPM_HASH_DATA",
                  .offset = data_fifo,
                  .width = 4,
                  .read = access_right::owner,
                  .write = access_right::special,
                  .on_read = read,
                  .on_write = [this](unsigned, std::uint8_t value) { hash_data_cycle(value); }});
    // One decoded byte each, so that a wider write does not repeat the event.
    bank.declare({.name = "TPM_HASH_START",
                  .offset = hash_start,
                  .read = access_right::none,
                  .write = access_right::special,
                  .on_write = [this](unsigned, std::uint8_t) { hash_start_cycle(); }});
    bank.declare({.name = "TPM_HASH_END",
                  .offset = hash_end,
                  .read = access_right::none,
                  .write = access_right::special,
                  .on_write = [this](unsigned, std::uint8_t) { hash_end_cycle(); }});
}

// ---- TPM_ACCESS and TPM_STS

std::uint8_t tis_device::read_access(unsigned locality) const {
    return m_valid ? m_arbiter.read_access(static_cast<int>(locality), m_established) : std::uint8_t{0};
}

void tis_device::write_access(unsigned locality, std::uint8_t value) {
    apply(m_arbiter.write_access(static_cast<int>(locality), value));
}

std::uint32_t tis_device::status() const {
    std::uint32_t value = std::uint32_t{m_fsm.burst_count()} << sts_bits::burst_shift;
    value |= m_profile.version == family::tpm20 ? 1u << sts_bits::family_shift : 0;
    value |= sts_valid() ? sts_bits::sts_valid : 0;
    value |= m_fsm.command_ready() ? sts_bits::command_ready : 0;
    value |= m_fsm.data_available() ? sts_bits::data_avail : 0;
    value |= m_fsm.expect() ? sts_bits::expect : 0;
    const bool reports_self_test = (m_profile.interface_capability & interface_version) != 0;
    value |= reports_self_test && m_self_test_done ? sts_bits::self_test_done : 0;
    return value;
}

void tis_device::write_status(unsigned locality, unsigned lane, std::uint8_t value) {
    constexpr std::uint32_t writable = sts_bits::command_ready | sts_bits::tpm_go | sts_bits::response_retry |
                                       sts_bits::command_cancel | sts_bits::reset_establishment;
    const std::uint32_t written = (std::uint32_t{value} << (8 * lane)) & writable;
    // Several ones in one transaction match no case: ignored altogether.
    switch (written) {
        case sts_bits::command_ready:
            command_ready_written();
            break;
        case sts_bits::tpm_go:
            go_written();
            break;
        case sts_bits::response_retry:
            m_fsm.apply(fsm_event::response_retry);
            break;
        case sts_bits::command_cancel:
            if (m_profile.version == family::tpm20) {
                cancel_written();
            }
            break;
        case sts_bits::reset_establishment:
            if (m_profile.version == family::tpm20) {
                reset_establishment_written(locality);
            }
            break;
        default:
            break;
    }
}

// ---- the FIFO

void tis_device::write_fifo(std::uint8_t value) {
    if (!m_fsm.write(std::byte{value})) {
        return;
    }
    // stsValid falls with each byte and returns when the chip has digested it; the last byte always shows the
    // edge.
    const bool last = m_fsm.state() == tis_state::fsm::reception_complete;
    if (last || m_profile.sts_valid_time != sc_core::SC_ZERO_TIME) {
        m_digested = false;
        arm(bytes_digested, m_now + m_profile.sts_valid_time);
    }
}

std::uint8_t tis_device::read_fifo() {
    return std::to_integer<std::uint8_t>(m_fsm.read());
}

// ---- interrupt registers

void tis_device::write_int_enable(unsigned lane, std::uint8_t value) {
    const std::uint32_t capability = m_profile.interface_capability;
    const std::uint32_t supported = int_bits::global_enable | (capability & int_bits::sources);
    const std::uint32_t asked = with_byte(m_int_enable, lane, value);
    const unsigned polarity = (asked & int_bits::polarity) >> 3;
    const bool polarity_supported = (capability >> capability_polarity_shift[polarity] & 1) != 0;
    m_int_enable = (asked & supported) | ((polarity_supported ? asked : m_int_enable) & int_bits::polarity);
    raise(0);
}

void tis_device::write_int_status(unsigned lane, std::uint8_t value) {
    m_int_status &= ~(std::uint32_t{value} << (8 * lane));
    raise(0);
}

// The selector cannot leave FIFO on a chip without CRB; only its lock can be set.
void tis_device::write_interface_id(unsigned lane, std::uint8_t value) {
    m_interface_id |= (std::uint32_t{value} << (8 * lane)) & interface_selector_lock;
}

}  // namespace vtwin::tpm
