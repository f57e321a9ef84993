#include "models/vtpmmgr/disk_format.h"

#include <algorithm>
#include <systemc>

namespace vtwin::models::manager {

namespace {

/// The sector key itself, or one derived from it: AES(key, label || 0...).
aes_key derived(const aes_key& key, bool separate, char label) {
    if (!separate)
        return key;
    aes_block block{};
    block[0] = std::byte(label);
    return sector_cipher(key).encrypt(block);
}

}  // namespace

sector_container::sector_container(const aes_key& key, container_policy policy)
    : m_policy(policy),
      m_cipher(derived(key, policy.separate_keys, 'e')),
      m_mac(derived(key, policy.separate_keys, 'm')) {}

aes_block sector_container::mac_of(std::uint32_t number, const sector& data) const {
    const std::size_t from = m_policy.authenticate_iv ? iv_offset : body_offset;
    const byte_view covered = byte_view(data).subspan(from);
    if (!m_policy.bind_address)
        return m_mac.cmac(covered);
    std::array<std::byte, 16 + sector_size> bound{};
    const be32 address = number;
    std::memcpy(bound.data(), &address, sizeof address);
    std::copy(covered.begin(), covered.end(), bound.begin() + 16);
    return m_mac.cmac(byte_view(bound).first(16 + covered.size()));
}

void sector_container::encrypt(std::uint32_t number, byte_view plain, const aes_block& iv,
                               sector& out) const {
    sc_assert(plain.size() <= capacity);
    std::copy(iv.begin(), iv.end(), out.begin() + iv_offset);
    auto end = std::copy(plain.begin(), plain.end(), out.begin() + body_offset);
    std::fill(end, out.end(), std::byte{0});
    m_cipher.ctr(iv, std::span(out).subspan(body_offset));
    const aes_block mac = mac_of(number, out);
    std::copy(mac.begin(), mac.end(), out.begin() + mac_offset);
}

bool sector_container::decrypt(std::uint32_t number, sector& data) const {
    const aes_block mac = mac_of(number, data);
    if (!std::equal(mac.begin(), mac.end(), data.begin() + mac_offset))
        return false;
    aes_block iv;
    std::copy_n(data.begin() + iv_offset, iv.size(), iv.begin());
    m_cipher.ctr(iv, std::span(data).subspan(body_offset));
    return true;
}

}  // namespace vtwin::models::manager
