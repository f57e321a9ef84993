// Big-endian wire fields: a bounded reader whose failure sticks, and a writer.
#pragma once

#include <array>
#include <concepts>
#include <cstring>

#include "tpm/ports.h"

namespace vtwin::tpm {

/// Reads fields in order. A read beyond the end yields zeros and makes the reader fail for good, so a parser
/// checks ok() once at its end.
class wire_reader {
  public:
    explicit wire_reader(byte_view data) : m_data(data) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }

    /// A view into the data read; empty after a failure.
    byte_view view(std::size_t count) {
        if (!reserve(count))
            return {};
        const auto result = m_data.subspan(m_position, count);
        m_position += count;
        return result;
    }
    bytes raw(std::size_t count) {
        const auto part = view(count);
        return bytes(part.begin(), part.end());
    }
    template <std::size_t Count>
    std::array<std::byte, Count> fixed() {
        std::array<std::byte, Count> result{};
        const auto part = view(Count);
        if (!part.empty())
            std::memcpy(result.data(), part.data(), Count);
        return result;
    }
    /// Bytes after their u32 (u16) size.
    bytes sized32() { return raw(u32()); }
    bytes sized16() { return raw(u16()); }

    bool ok() const { return !m_failed; }
    bool at_end() const { return m_position == m_data.size(); }
    std::size_t position() const { return m_position; }
    std::size_t remaining() const { return m_data.size() - m_position; }
    /// For a parser that finds a value it cannot accept.
    void fail() { m_failed = true; }

  private:
    bool reserve(std::size_t count) {
        if (m_failed || count > remaining())
            m_failed = true;
        return !m_failed;
    }
    std::uint64_t number(std::size_t count) {
        std::uint64_t value = 0;
        for (const std::byte octet : view(count))
            value = value << 8 | static_cast<std::uint8_t>(octet);
        return value;
    }

    byte_view m_data;
    std::size_t m_position = 0;
    bool m_failed = false;
};

class wire_writer {
  public:
    wire_writer() { m_data.reserve(64); }
    wire_writer& u8(std::uint8_t value) { return number(value, 1); }
    wire_writer& u16(std::uint16_t value) { return number(value, 2); }
    wire_writer& u32(std::uint32_t value) { return number(value, 4); }
    wire_writer& u64(std::uint64_t value) { return number(value, 8); }
    wire_writer& raw(byte_view data) {
        m_data.insert(m_data.end(), data.begin(), data.end());
        return *this;
    }
    wire_writer& sized32(byte_view data) { return u32(static_cast<std::uint32_t>(data.size())).raw(data); }
    wire_writer& sized16(byte_view data) { return u16(static_cast<std::uint16_t>(data.size())).raw(data); }
    /// Overwrites a u32 written before, for sizes known last.
    void patch_u32(std::size_t position, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i)
            m_data[position + i] = std::byte(value >> (24 - 8 * i) & 0xFF);
    }

    std::size_t size() const { return m_data.size(); }
    const bytes& data() const { return m_data; }
    bytes take() { return std::move(m_data); }

  private:
    wire_writer& number(std::uint64_t value, std::size_t count) {
        for (std::size_t i = count; i-- > 0;)
            m_data.push_back(std::byte(value >> (8 * i) & 0xFF));
        return *this;
    }

    bytes m_data;
};

/// One number at the start of a range that is known to be long enough.
inline std::uint16_t load_be16(byte_view from) {
    return wire_reader(from).u16();
}
inline std::uint32_t load_be32(byte_view from) {
    return wire_reader(from).u32();
}

/// Where a command's or response's fields lie, in every version of the TPM: tag, size, code, what follows.
namespace packet {
inline constexpr std::size_t size_at = 2, code_at = 6, body_at = 10;
/// Of a packet that reaches that far.
inline std::uint32_t size_of(byte_view data) {
    return load_be32(data.subspan(size_at, 4));
}
inline std::uint32_t code_of(byte_view data) {
    return load_be32(data.subspan(code_at, 4));
}
}  // namespace packet

inline void store_be16(std::span<std::byte> to, std::uint16_t value) {
    to[0] = std::byte(value >> 8);
    to[1] = std::byte(value & 0xFF);
}
inline void store_be32(std::span<std::byte> to, std::uint32_t value) {
    store_be16(to, static_cast<std::uint16_t>(value >> 16));
    store_be16(to.subspan(2), static_cast<std::uint16_t>(value));
}

/// Concatenation of byte ranges.
inline bytes concat(std::initializer_list<byte_view> parts) {
    bytes result;
    for (const auto& part : parts)
        result.insert(result.end(), part.begin(), part.end());
    return result;
}

}  // namespace vtwin::tpm
