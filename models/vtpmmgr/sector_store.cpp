#include "models/vtpmmgr/sector_store.h"

#include <systemc>

#include "models/domain_crash.h"

namespace vtwin::models::manager {

container_policy container_policy_of(const behaviour_set& behaviours) {
    return {.authenticate_iv = behaviours.hardened(behaviour::vtpmmgr_sector_iv_not_authenticated),
            .bind_address = behaviours.hardened(behaviour::vtpmmgr_sector_address_not_bound),
            .separate_keys = behaviours.hardened(behaviour::vtpmmgr_cipher_and_mac_share_key)};
}

sector_store::sector_store(block_file_if& disk, const behaviour_set& behaviours, work_meter& meter,
                           tpm::entropy_if& entropy)
    : m_disk(disk), m_behaviours(behaviours), m_meter(meter), m_entropy(entropy) {}

/// Short reads and writes, and a full map: upstream calls abort().
bool sector_store::fault(const char* what) const {
    if (m_behaviours.faithful(behaviour::vtpmmgr_io_fault_aborts_domain))
        throw domain_crash(what);
    return false;
}

std::optional<std::uint64_t> sector_store::offset_of(std::uint32_t number) const {
    // Upstream multiplies in 32 bits, so sector 2^20 is sector 0 again.
    if (m_behaviours.faithful(behaviour::vtpmmgr_sector_offset_wraps_32bit))
        return static_cast<std::uint32_t>(number * static_cast<std::uint32_t>(sector_size));
    if (number >= max_sector)
        return std::nullopt;
    return std::uint64_t{number} * sector_size;
}

bool sector_store::read_raw(std::uint32_t number, sector& out) {
    const auto offset = offset_of(number);
    if (!offset)
        return false;
    if (*offset + sector_size > m_disk.size() || !m_disk.read(*offset, out))
        return fault("vtpmmgr: short read from the disk");
    return true;
}

bool sector_store::write_raw(std::uint32_t number, const sector& data) {
    const auto offset = offset_of(number);
    if (!offset)
        return false;
    if (*offset + sector_size > m_disk.size() || !m_disk.write(*offset, data))
        return fault("vtpmmgr: short write to the disk");
    ++m_sectors_written;
    return true;
}

bool sector_store::flush() {
    return m_disk.flush();
}

void sector_store::set_key(const aes_key& tm_key) {
    m_container.emplace(tm_key, container_policy_of(m_behaviours));
}

bool sector_store::read_encrypted(std::uint32_t number, unsigned slot, sector& out) {
    sc_assert(m_container.has_value());
    if (!mark_use(number, slot) || !read_raw(number, out))
        return false;
    m_meter.cmac(sector_container::capacity);
    m_meter.aes(sector_container::capacity);
    return m_container->decrypt(number, out);
}

bool sector_store::write_encrypted(std::uint32_t number, byte_view plain) {
    sc_assert(m_container.has_value());
    aes_block iv;
    m_entropy.fill(iv);
    m_meter.aes(sector_container::capacity);
    m_meter.cmac(sector_container::capacity);
    m_container->encrypt(number, plain, iv, m_buffer);
    return write_raw(number, m_buffer);
}

void sector_store::clear_use(unsigned slot) {
    for (std::uint8_t& use : m_use)
        use &= static_cast<std::uint8_t>(~(1u << slot));
}

bool sector_store::mark_use(std::uint32_t number, unsigned slot) {
    if (number < max_sector) {
        m_use[number] |= static_cast<std::uint8_t>(1u << slot);
        return true;
    }
    // Upstream tests `> 512`: 512 sets a bit in the byte behind the map, larger ones are only logged, and the
    // sector is read all the same. What lies behind the map has no visible effect.
    return m_behaviours.faithful(behaviour::vtpmmgr_sector_use_map_off_by_one);
}

std::optional<std::uint32_t> sector_store::allocate(unsigned slot) {
    for (std::uint32_t number = first_dynamic_sector; number < max_sector; ++number)
        if (m_use[number] == 0) {
            mark_use(number, slot);
            return number;
        }
    fault("vtpmmgr: the disk is full");
    return std::nullopt;
}

}  // namespace vtwin::models::manager
