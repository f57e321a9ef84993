#include "models/hex.h"
#include "models/ports.h"

namespace vtwin::models {

namespace {

constexpr std::size_t uuid_text_length = 36;
constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_dash_position(std::size_t index) {
    return index == 8 || index == 13 || index == 18 || index == 23;
}

}  // namespace

std::optional<uuid_t> parse_uuid(std::string_view text) {
    if (text.size() != uuid_text_length) {
        return std::nullopt;
    }
    uuid_t uuid;
    std::size_t nibble = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_dash_position(i)) {
            if (text[i] != '-') {
                return std::nullopt;
            }
            continue;
        }
        const int value = digit_value(text[i]);
        if (value < 0) {
            return std::nullopt;
        }
        auto& octet = uuid.octets[nibble / 2];
        octet = (octet << 4) | static_cast<std::byte>(value);
        ++nibble;
    }
    return uuid;
}

std::string to_string(const uuid_t& uuid) {
    std::string text;
    text.reserve(uuid_text_length);
    for (const std::byte octet : uuid.octets) {
        if (is_dash_position(text.size())) {
            text += '-';
        }
        text += hex_digits[std::to_integer<std::size_t>(octet >> 4)];
        text += hex_digits[std::to_integer<std::size_t>(octet & std::byte{0xF})];
    }
    return text;
}

}  // namespace vtwin::models
