// The wrapping that swtpm puts around libtpms' state when it leaves on the control channel (swtpm 0.7,
// swtpm_nvstore.c): blob header, version 2, and two nested records, tag and length.
#pragma once

#include <cstdint>

#include "tpm/ports.h"

namespace vtwin::scenario::live::swtpm {

/// State blobs' numbers in GET_STATEBLOB and SET_STATEBLOB.
enum class blob_type : std::uint32_t { permanent = 1, volatile_state = 2, saved = 3 };

/// Without encryption. A real swtpm takes it.
tpm::bytes wrap_state(tpm::byte_view state);

struct unwrapped {
    std::uint32_t code = 0;  ///< the result that swtpm gives to such a blob; 0: `state` is in there
    tpm::bytes state;
};
/// Also of a real swtpm. Encrypted ones are refused as by one that was given no key.
unwrapped unwrap_state(tpm::byte_view blob);

}  // namespace vtwin::scenario::live::swtpm
