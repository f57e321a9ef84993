#include "models/live/served_chip.h"

#include "models/drivers/linux_tpm_tis.h"
#include "tpm/codec/tpm12_client.h"

namespace vtwin::models::live {

using kind = operation::kind;
using status = answer::status;
using tpm::access_bits;
using tpm::tis_device;

namespace {

constexpr unsigned launch_locality = 4;
constexpr std::uint32_t tsc_reset_establishment = 0x4000000B, bad_locality_12 = 61, rc_locality = 0x907;
constexpr std::size_t code_at = 6;

answer failure(int error = 0) {
    answer result;
    result.what = status::failed;
    result.error = error;
    return result;
}

}  // namespace

served_chip::served_chip(tpm_hardware& hardware, unsigned locality, work_if& work)
    : served_tpm(work), m_hardware(hardware), m_locality(static_cast<std::uint8_t>(locality)) {}

void served_chip::run(kernel& dom0, linux_tpm_chip* device, start_mode start) {
    m_os = &dom0;
    m_device = device;
    if (start == start_mode::init || start == start_mode::clear) {
        reset_chip();
        if (start == start_mode::clear)
            (void)command({kind::command, 0, startup_clear(version()), 0});
    }
    serve();
}

bool served_chip::use_locality(std::uint8_t locality) {
    return locality == 0 || locality == m_locality;
}

/// TPM_ACCESS of dom0's locality, which may be read at any time.
std::uint8_t served_chip::access() {
    return os().mmio_read8(linux_tpm_tis::first_page + m_locality * linux_tpm_tis::locality_size);
}

answer served_chip::beside_the_device(const operation& what) {
    os().charge(os().costs().syscall);
    switch (what.what) {
        case kind::power_off:
            m_powered = false;
            lose_files();
            on_power_off();
            return {};
        case kind::power_on:
            if (!m_untouched) {
                lose_files();
                on_power_off();
                reset_chip();
                ++m_power_cycles;
            }
            m_powered = true;
            return {};
        case kind::presence:
            m_untouched = false;
            m_hardware.engine().set_physical_presence(!what.data.empty() &&
                                                      what.data.front() != std::byte{0});
            return {};
        case kind::hash_start:
        case kind::hash_data:
        case kind::hash_end:
        case kind::established:
        case kind::reset_established:
            break;
        default:
            return failure();
    }
    if (!m_powered) {
        answer off;
        off.what = status::no_power;
        return off;
    }
    if (what.what == kind::established)
        return established();
    m_untouched = false;
    return what.what == kind::reset_established ? reset_established(what) : launch(what);
}

/// As a reset of the machine does; comes back when the registers are valid again, or after TIMEOUT_A.
void served_chip::reset_chip() {
    const driver_params times;
    m_hardware.tis().reset();
    m_hardware.engine().set_physical_presence(true);
    os().pay();
    const auto stop = os().now() + times.linux_tis_timeout_a;
    while ((access() & access_bits::valid) == 0 && os().now() < stop)
        os().sleep(times.linux_status_poll);
    m_untouched = true;
}

answer served_chip::established() {
    const std::uint8_t seen = access();
    if ((seen & access_bits::valid) == 0)
        return failure();
    answer result;
    result.data = {std::byte{(seen & access_bits::establishment) == 0}};
    return result;
}

/// A TPM 1.2 has a command for it. A TPM 2.0 has a bit in TPM_STS, for localities 3 and 4.
answer served_chip::reset_established(const operation& what) {
    const bool two = version() == tpm::family::tpm20;
    if (what.locality != m_locality || (two && m_locality < 3))
        return failure(two ? rc_locality : bad_locality_12);
    if (m_device == nullptr)
        return failure();
    if (two) {
        constexpr unsigned lane = 3, bit = tpm::sts_bits::reset_establishment >> 24;
        if (m_device->get_ops() != 0)
            return failure();
        const auto page = linux_tpm_tis::first_page + m_locality * linux_tpm_tis::locality_size;
        os().mmio_write8(page + tis_device::sts + lane, bit);
        m_device->put_ops();
        return {};
    }
    bytes response;
    const int length =
        m_device->transmit_from_user(tpm::tpm12::plain_command(tsc_reset_establishment, {}), response);
    if (length < 0)
        return failure(length);
    const std::uint32_t code = tpm::load_be32(byte_view(response).subspan(code_at, 4));
    return code == 0 ? answer{} : failure(static_cast<int>(code));
}

bool served_chip::launching() const {
    return m_hardware.tis().snapshot().active_locality == launch_locality;
}

/// The chip ignores these while one of the localities 0 to 3 has it.
answer served_chip::launch(const operation& what) {
    os().pay();
    sc_core::sc_time took;
    const bool was_open = launching();
    if (what.what == kind::hash_start)
        m_hardware.launch_cycle(tis_device::hash_start, std::byte{0}, took);
    else if (what.what == kind::hash_end)
        m_hardware.launch_cycle(tis_device::hash_end, std::byte{0}, took);
    else
        for (const std::byte octet : what.data)
            m_hardware.launch_cycle(tis_device::data_fifo, octet, took);
    const bool taken = what.what == kind::hash_start ? launching() : was_open;
    os().charge(took);
    os().pay();
    return taken ? answer{} : failure(static_cast<int>(m_hardware.engine().last_result()));
}

}  // namespace vtwin::models::live
