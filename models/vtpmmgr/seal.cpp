#include "models/vtpmmgr/seal.h"

#include <algorithm>

namespace vtwin::models::manager {

sha1_digest pcr_composite(std::uint32_t mask, const pcr_values& pcrs) {
    std::array<std::byte, 9 + 20 * pcr_count> buffer{};
    buffer[1] = std::byte{3};
    for (std::size_t i = 0; i < 3; ++i)
        buffer[2 + i] = std::byte(mask >> (8 * i));
    std::size_t length = 9;
    for (std::size_t i = 0; i < pcr_count; ++i)
        if (mask >> i & 1)
            length = static_cast<std::size_t>(
                std::copy(pcrs[i].begin(), pcrs[i].end(), buffer.begin() + static_cast<long>(length)) -
                buffer.begin());
    const be32 values = static_cast<std::uint32_t>(length - 9);
    std::memcpy(buffer.data() + 5, &values, sizeof values);
    return sha1(byte_view(buffer).first(length));
}

}  // namespace vtwin::models::manager
