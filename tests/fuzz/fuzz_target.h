// What a fuzzer is given: octets from outside, and what must be true whatever they are.
#pragma once

#include <cstdint>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "models/hex.h"
#include "tpm/ports.h"

namespace vtwin::fuzz {

struct fuzz_target {
    std::string name;
    std::vector<tpm::bytes> seeds;   ///< well-formed inputs to begin with
    std::vector<tpm::bytes> pieces;  ///< that are worth putting anywhere
    /// Throws std::exception when a promise is broken. The number tells outcomes apart: inputs with a new one
    /// are changed further.
    std::uint64_t (*run)(tpm::byte_view input);
};

inline void promise(bool kept, const std::source_location& where = std::source_location::current()) {
    if (!kept)
        throw std::logic_error("broken promise, line " + std::to_string(where.line()) + " of " +
                               where.file_name());
}

inline tpm::bytes octets(std::string_view text) {
    const auto view = std::as_bytes(std::span(text));
    return {view.begin(), view.end()};
}

/// From digits that are right.
inline tpm::bytes hex(const std::string& digits) {
    return *models::from_hex(digits);
}

fuzz_target raw_frames();
fuzz_target mssim_requests();
fuzz_target swtpm_control();
fuzz_target swtpm_data();
fuzz_target swtpm_files();
fuzz_target swtpm_state();
fuzz_target terminal_commands();
fuzz_target attest_lines();
fuzz_target recordings();
fuzz_target listen_specs();
fuzz_target firmware_logs();
fuzz_target attest_requests();

}  // namespace vtwin::fuzz
