#include "scenarios/report/text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace vtwin::scenario::report {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

struct character {
    std::uint32_t code = 0;
    std::size_t bytes = 1;
    bool valid = false;
};

/// RFC 3629: shortest form only, no surrogates, at most U+10FFFF.
character decode(std::string_view text) {
    const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80)
        return {first, 1, true};
    const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < bytes)
        return {};
    std::uint32_t code = first & (0x7Fu >> bytes);
    for (std::size_t index = 1; index < bytes; ++index) {
        if ((byte(index) & 0xC0) != 0x80)
            return {};
        code = code << 6 | (byte(index) & 0x3Fu);
    }
    const bool shortest = code >= (bytes == 2 ? 0x80u : bytes == 3 ? 0x800u : 0x10000u);
    if (!shortest || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF)
        return {};
    return {code, bytes, true};
}

/// Would change how other characters are shown: controls, line separators, direction marks, byte order mark.
bool meddles(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || (code & 0xFFFE) == 0xFFFE;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string made;
    made.reserve(text.size());
    while (!text.empty()) {
        const character next = decode(text);
        if (next.valid && (next.code == '\n' || next.code == '\t'))
            made += ' ';
        else if (next.valid && !meddles(next.code))
            made += text.substr(0, next.bytes);
        else
            made += replacement;
        text.remove_prefix(next.bytes);
    }
    return made;
}

std::string escape_html(std::string_view text) {
    std::string made;
    for (const char each : printable(text)) {
        switch (each) {
            case '&':
                made += "&amp;";
                break;
            case '<':
                made += "&lt;";
                break;
            case '>':
                made += "&gt;";
                break;
            case '"':
                made += "&quot;";
                break;
            case '\'':
                made += "&#39;";
                break;
            default:
                made += each;
        }
    }
    return made;
}

std::size_t length_of(std::string_view text) {
    std::size_t length = 0;
    for (const char each : text)
        length += (static_cast<std::uint8_t>(each) & 0xC0) != 0x80;
    return length;
}

std::string shortened(std::string_view text, std::size_t length) {
    if (length_of(text) <= length)
        return std::string(text);
    if (length == 0)
        return "";
    std::size_t end = 0;
    for (std::size_t kept = 0; kept + 1 < length; ++kept) {
        ++end;
        while (end < text.size() && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80)
            ++end;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string number_text(double value) {
    if (!std::isfinite(value))
        return "–";
    if (value == 0)
        return "0";
    const double size = std::fabs(value);
    if (size >= 1e4 && size < 1e15)
        return fmt::format("{:.0f}", value);
    return fmt::format("{:.5g}", value);
}

}  // namespace vtwin::scenario::report
