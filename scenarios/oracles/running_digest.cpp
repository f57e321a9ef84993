#define XXH_INLINE_ALL  // the whole of the library is its header
#include "scenarios/oracles/running_digest.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cstring>

#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {

std::uint64_t digest_of(tpm::byte_view data) {
    return XXH3_64bits(data.data(), data.size());
}

/// Small values are gathered first: the library's own start costs more than they do.
struct running_digest::state {
    XXH3_state_t hash;
    std::array<std::byte, 4096> gathered;
    std::size_t used = 0;

    void flush() {
        XXH3_128bits_update(&hash, gathered.data(), used);
        used = 0;
    }
    void put(const void* data, std::size_t size) {
        if (size > gathered.size() - used) {
            flush();
            if (size > gathered.size()) {
                XXH3_128bits_update(&hash, data, size);
                return;
            }
        }
        std::memcpy(gathered.data() + used, data, size);
        used += size;
    }
};

running_digest::running_digest() : m_state(std::make_unique<state>()) {
    XXH3_128bits_reset(&m_state->hash);
}
running_digest::~running_digest() = default;

running_digest& running_digest::add_number(std::uint64_t value) {
    std::array<std::byte, sizeof value> little;
    for (auto& octet : little) {
        octet = static_cast<std::byte>(value);
        value >>= 8;
    }
    m_state->put(little.data(), little.size());
    return *this;
}

running_digest& running_digest::add(std::span<const std::byte> data) {
    add_number(data.size());
    if (!data.empty())
        m_state->put(data.data(), data.size());
    return *this;
}

std::string running_digest::text() const {
    m_state->flush();
    const auto value = XXH3_128bits_digest(&m_state->hash);
    return fmt::format("{:016x}{:016x}", value.high64, value.low64);
}

}  // namespace vtwin::scenario
