// Octet strings of the remote parties: big-endian fields in, big-endian fields out.
#pragma once

#include <cstdint>
#include <string_view>

#include "models/hex.h"
#include "models/ports.h"

namespace vtwin::models::remote {

inline constexpr std::size_t digest_size = 20;      ///< SHA-1
inline constexpr std::size_t pcr_count = 24;        ///< TPM 1.2
inline constexpr std::size_t selection_octets = 3;  ///< of its PCRs, one bit each

byte_view as_octets(std::string_view text);
bytes zeros(std::size_t count);
bool same(byte_view a, byte_view b);

/// Builds a structure field by field.
class octet_writer {
  public:
    octet_writer& u8(std::uint8_t value) { return number(value, 1); }
    octet_writer& u16(std::uint16_t value) { return number(value, 2); }
    octet_writer& u32(std::uint32_t value) { return number(value, 4); }
    octet_writer& u64(std::uint64_t value) { return number(value, 8); }
    octet_writer& u16_little(std::uint32_t value);  ///< its lower half
    octet_writer& u32_little(std::uint32_t value);
    octet_writer& raw(byte_view data);
    octet_writer& text(std::string_view characters) { return raw(as_octets(characters)); }
    bytes take() { return std::move(m_data); }

  private:
    octet_writer& number(std::uint64_t value, int octets);
    bytes m_data;
};

/// Takes a structure apart. Reading past the end yields zeros and makes `good()` false for ever.
class octet_reader {
  public:
    explicit octet_reader(byte_view data) : m_rest(data) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::uint16_t u16_little() { return static_cast<std::uint16_t>(number_little(2)); }
    std::uint32_t u32_little() { return static_cast<std::uint32_t>(number_little(4)); }
    byte_view raw(std::size_t count);
    bool good() const { return m_good; }
    bool finished() const { return m_good && m_rest.empty(); }  ///< all read, nothing left over

  private:
    std::uint64_t number(std::size_t octets);
    std::uint64_t number_little(std::size_t octets);
    byte_view m_rest;
    bool m_good = true;
};

}  // namespace vtwin::models::remote
