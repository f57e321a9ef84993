#include "scenarios/faults/bit_choice.h"

#include <algorithm>

namespace vtwin::scenario {

std::vector<parameter_declaration> bit_choice::parameters() {
    using type = parameter_declaration::type;
    return {
        {"from", type::number, "0", "first byte that may be hit"},
        {"bytes", type::number, "4096", "how many bytes from there on may be hit; one of them is drawn", 1},
        {"bit",
         type::choice,
         "drawn",
         "bit of that byte, 0 is the lowest",
         0,
         UINT64_MAX,
         {"drawn", "0", "1", "2", "3", "4", "5", "6", "7"}},
        {"bits", type::number, "1", "adjacent bits that flip, upwards, into the next byte too", 1, 8},
    };
}

bit_choice::bit_choice(const fault_parameters& given)
    : m_from(given.number("from")), m_bytes(given.number("bytes")), m_bits(given.number("bits")) {
    if (const auto& bit = given.word("bit"); bit != "drawn")
        m_bit = static_cast<unsigned>(given.number("bit"));
}

std::optional<bit_choice::hit> bit_choice::flip(std::span<std::byte> data,
                                                models::chance_stream& chance) const {
    if (m_from >= data.size())
        return std::nullopt;
    const auto byte = m_from + chance.below(std::min<std::uint64_t>(m_bytes, data.size() - m_from));
    const auto first = 8 * byte + (m_bit ? *m_bit : chance.below(8));
    const auto end = std::min<std::uint64_t>(first + m_bits, 8 * data.size());
    for (auto at = first; at < end; ++at)
        data[at / 8] ^= std::byte{1} << (at % 8);
    return hit{static_cast<std::size_t>(byte), static_cast<std::size_t>((end - 1) / 8 - byte + 1)};
}

}  // namespace vtwin::scenario
