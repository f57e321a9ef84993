// Octets of packets, as the traces' tests write them down.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

namespace vtwin::test {

inline std::vector<std::byte> octets(std::initializer_list<int> values) {
    std::vector<std::byte> data;
    for (const int value : values)
        data.push_back(static_cast<std::byte>(value));
    return data;
}

inline std::vector<std::byte> octets(const std::string& text) {
    std::vector<std::byte> data;
    for (const char c : text)
        data.push_back(static_cast<std::byte>(c));
    return data;
}

inline std::string text(const std::vector<std::byte>& data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace vtwin::test
