// Bytes as lower-case hexadecimal text and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/ports.h"

namespace vtwin::models {

std::string to_hex(byte_view data);
/// Of a digit, upper or lower case; -1 for anything else.
int digit_value(char digit);
/// nullopt for an odd number of digits or anything but 0-9, a-f, A-F.
std::optional<bytes> from_hex(std::string_view text);

}  // namespace vtwin::models
