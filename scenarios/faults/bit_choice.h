// Which bits a flip hits: fixed by parameters, or drawn where they leave it open.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "models/chance.h"
#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

/// Parameters from, bytes, bit, bits.
class bit_choice {
  public:
    static std::vector<parameter_declaration> parameters();
    explicit bit_choice(const fault_parameters& given);

    struct hit {
        std::size_t first = 0, bytes = 0;  ///< that were changed
    };
    /// Flips; nullopt when `from` lies behind the data.
    std::optional<hit> flip(std::span<std::byte> data, models::chance_stream& chance) const;

  private:
    std::uint64_t m_from, m_bytes, m_bits;
    std::optional<unsigned> m_bit;
};

}  // namespace vtwin::scenario
