// Little-endian words in guest memory.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace vtwin::xen {

// The compiler turns both loops into one load or store on a little-endian host.
template <typename T>
T load_le(const std::byte* at) {
    static_assert(std::is_unsigned_v<T>);
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(at[i]) << (8 * i)));
    return value;
}

template <typename T>
void store_le(std::byte* at, T value) {
    static_assert(std::is_unsigned_v<T>);
    for (std::size_t i = 0; i < sizeof(T); ++i)
        at[i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace vtwin::xen
