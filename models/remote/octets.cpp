#include "models/remote/octets.h"

#include <algorithm>

namespace vtwin::models::remote {

byte_view as_octets(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

bytes zeros(std::size_t count) {
    return bytes(count, std::byte{0});
}

bool same(byte_view a, byte_view b) {
    return std::ranges::equal(a, b);
}

octet_writer& octet_writer::number(std::uint64_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        m_data.push_back(static_cast<std::byte>(value >> shift));
    return *this;
}

octet_writer& octet_writer::u16_little(std::uint32_t value) {
    return u8(static_cast<std::uint8_t>(value & 0xFF)).u8(static_cast<std::uint8_t>(value >> 8 & 0xFF));
}

octet_writer& octet_writer::u32_little(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
        m_data.push_back(static_cast<std::byte>(value >> shift));
    return *this;
}

octet_writer& octet_writer::raw(byte_view data) {
    m_data.insert(m_data.end(), data.begin(), data.end());
    return *this;
}

byte_view octet_reader::raw(std::size_t count) {
    if (!m_good || count > m_rest.size()) {
        m_good = false;
        return {};
    }
    const byte_view taken = m_rest.first(count);
    m_rest = m_rest.subspan(count);
    return taken;
}

std::uint64_t octet_reader::number(std::size_t octets) {
    std::uint64_t value = 0;
    for (const std::byte octet : raw(octets))
        value = value << 8 | std::to_integer<std::uint64_t>(octet);
    return value;
}

std::uint64_t octet_reader::number_little(std::size_t octets) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const std::byte octet : raw(octets)) {
        value |= std::to_integer<std::uint64_t>(octet) << shift;
        shift += 8;
    }
    return value;
}

}  // namespace vtwin::models::remote
