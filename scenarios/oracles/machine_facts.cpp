#include "scenarios/oracles/machine_facts.h"

#include <array>

#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/running_digest.h"

namespace vtwin::scenario {

std::string pcrs_of(tpm::libtpms_engine& engine) {
    constexpr unsigned pcrs = 24;
    running_digest digest;
    for (unsigned pcr = 0; pcr < pcrs; ++pcr) {
        const std::array<std::byte, 14> read_pcr = {
            std::byte{0x00}, std::byte{0xC1},  // TPM_TAG_RQU_COMMAND, paramSize 14, TPM_ORD_PcrRead, pcrIndex
            std::byte{0},    std::byte{0},    std::byte{0}, std::byte{14},
            std::byte{0},    std::byte{0},    std::byte{0}, std::byte{ordinal::pcr_read},
            std::byte{0},    std::byte{0},    std::byte{0}, std::byte(pcr)};
        if (!engine.powered())
            return "off";
        const auto response = engine.execute(read_pcr, 0);
        if (!succeeded(response))
            return "off";
        digest.add(body_of(response));
    }
    return digest.text();
}

}  // namespace vtwin::scenario
