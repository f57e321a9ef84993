// SHA-1 and SHA-256 of octets, for the software in the domains.
#pragma once

#include <array>

#include "models/ports.h"

namespace vtwin::models {

std::array<std::byte, 20> sha1_of(byte_view data);
std::array<std::byte, 32> sha256_of(byte_view data);

}  // namespace vtwin::models
