// Errors as the Linux drivers return them: negative numbers.
#pragma once

#include "hypervisor/types.h"

namespace vtwin::models {

constexpr int error(xen::errno_t code) {
    return -static_cast<int>(code);
}
inline constexpr int broken_pipe = -32;  ///< -EPIPE

}  // namespace vtwin::models
