#include "models/hex.h"

namespace vtwin::models {

int digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

std::string to_hex(byte_view data) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(data.size() * 2);
    for (const auto octet : data) {
        text.push_back(digits[std::to_integer<unsigned>(octet) >> 4]);
        text.push_back(digits[std::to_integer<unsigned>(octet) & 0xF]);
    }
    return text;
}

std::optional<bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    bytes data;
    data.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit_value(text[i]), low = digit_value(text[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        data.push_back(static_cast<std::byte>(high << 4 | low));
    }
    return data;
}

}  // namespace vtwin::models
