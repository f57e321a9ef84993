// A page of byte-wide bus addresses made of declared registers: who may read, who may write, what happens
// then. The bank routes bytes; what a byte means is the register's business.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace vtwin::tpm {

/// Who may use one direction of a register.
enum class access_right : std::uint8_t {
    none,     ///< reads 0xFF, writes are dropped
    anyone,   ///< every bus cycle
    owner,    ///< only while the bank's locality is the active one
    special,  ///< only the special cycles that microcode makes (SENTER, SKINIT)
};

/// One bus cycle as the bank needs to know it.
struct bank_cycle {
    bool owner = false;    ///< the bank's locality is active
    bool special = false;  ///< made by microcode, not by an ordinary instruction
};

/// One register. `lane` counts bytes from the register's first address.
struct register_declaration {
    std::string_view name;
    std::uint16_t offset = 0;  ///< in the page
    std::uint8_t width = 1;    ///< decoded bytes, 1..4
    std::uint32_t reset =
        0;  ///< value after reset; the value itself when there is neither storage nor on_read
    access_right read = access_right::anyone;
    access_right write = access_right::none;
    std::uint32_t* storage = nullptr;  ///< not owned; several banks may show the same flip-flops
    std::function<std::uint8_t(unsigned lane)> on_read = {};
    std::function<void(unsigned lane, std::uint8_t value)> on_write =
        {};  ///< without it a write replaces the byte stored
};

/// What a lane of a register shows of a word.
inline std::uint8_t byte_of(std::uint32_t word, unsigned lane) {
    return static_cast<std::uint8_t>(word >> (8 * lane));
}

class register_bank {
  public:
    static constexpr std::uint16_t size = 0x1000;
    static constexpr std::uint8_t undecoded = 0xFF;  ///< what the bus reads where nobody answers

    /// `ordinary_writes` false: only special cycles may write anything in this page (locality 4).
    explicit register_bank(bool ordinary_writes);

    /// Registers must not overlap and must lie inside the page (asserted).
    void declare(register_declaration declaration);
    /// Puts the reset value into every register that has storage.
    void reset();

    std::uint8_t read(std::uint16_t offset, bank_cycle cycle) const;
    void write(std::uint16_t offset, std::uint8_t value, bank_cycle cycle);
    /// Name of the register at an offset, "" where nothing is decoded.
    std::string_view name_at(std::uint16_t offset) const;

  private:
    const register_declaration* at(std::uint16_t offset) const;

    bool m_ordinary_writes;
    std::vector<register_declaration> m_registers;
    std::array<std::uint8_t, size> m_route{};  ///< offset to 1 + index into m_registers; 0: undecoded
};

}  // namespace vtwin::tpm
