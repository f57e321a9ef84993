// What passes a wire, as triggers see it: an operation and a few named values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vtwin::scenario {

/// Names of what a crossing may carry, in alphabetical order of their text; text_of gives the word for files.
enum class field : std::uint8_t {
    address,  ///< byte address of an access
    burst,    ///< burst count
    code,     ///< return code: TPM result, status, errno
    length,   ///< bytes
    locality,
    member,     ///< of a structure in shared memory: "state", "length", ...
    operation,  ///< every crossing has it
    ordinal,    ///< TPM ordinal or command code, by name
    path,       ///< XenStore path
    peer,       ///< name of the domain at the other end
    port,       ///< event channel
    ref,        ///< grant reference
    reg,        ///< TIS register, by name; "register" in files
    sector,
    side,   ///< "front" or "back"
    stage,  ///< stage of the run (wire_hub::stage)
    value,  ///< value that is read or written
    count_
};
std::string_view text_of(field which);

struct field_value {
    field which{};
    std::uint64_t number = 0;
    std::string_view text;  ///< wins over the number when not empty; valid during the crossing
};

class crossing {
  public:
    explicit crossing(std::string_view operation) { put(field::operation, operation); }
    void put(field which, std::string_view text) { m_values[m_used++] = {which, 0, text}; }
    void put(field which, std::uint64_t number) { m_values[m_used++] = {which, number, {}}; }
    /// nullptr when it has no such field.
    const field_value* find(field which) const {
        for (std::size_t i = 0; i < m_used; ++i)
            if (m_values[i].which == which)
                return &m_values[i];
        return nullptr;
    }

  private:
    static constexpr std::size_t most = 8;
    std::array<field_value, most> m_values{};
    std::size_t m_used = 0;
};

}  // namespace vtwin::scenario
