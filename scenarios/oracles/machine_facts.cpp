#include "scenarios/oracles/machine_facts.h"

#include <initializer_list>

#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/running_digest.h"

namespace vtwin::scenario {

namespace {

tpm::bytes octets(std::initializer_list<unsigned> values) {
    tpm::bytes out;
    for (const unsigned value : values)
        out.push_back(static_cast<std::byte>(value));
    return out;
}

/// TPM_TAG_RQU_COMMAND, paramSize 14, TPM_ORD_PcrRead, pcrIndex.
tpm::bytes read_pcr12(unsigned pcr) {
    return octets({0x00, 0xC1, 0, 0, 0, 14, 0, 0, 0, ordinal::pcr_read, 0, 0, 0, pcr});
}

/// TPM_ST_NO_SESSIONS, size 20, TPM2_PCR_Read, one selection: SHA-256, a map of three octets. Behind the
/// update counter the answer ends in the value.
tpm::bytes read_pcr20(unsigned pcr) {
    auto command = octets({0x80, 0x01, 0, 0, 0, 20, 0, 0, 1, 0x7E, 0, 0, 0, 1, 0, 0x0B, 3, 0, 0, 0});
    command[17 + pcr / 8] = std::byte(1U << pcr % 8);
    return command;
}

}  // namespace

std::string pcrs_of(tpm::libtpms_engine& engine) {
    constexpr unsigned pcrs = 24;
    running_digest digest;
    for (unsigned pcr = 0; pcr < pcrs; ++pcr) {
        if (!engine.powered())
            return "off";
        const bool two = engine.version() == tpm::family::tpm20;
        const auto response = engine.execute(two ? read_pcr20(pcr) : read_pcr12(pcr), 0);
        if (!succeeded(response))
            return "off";
        const auto body = body_of(response);
        digest.add(two && body.size() > digest20_octets ? body.last(digest20_octets) : body);
    }
    return digest.text();
}

}  // namespace vtwin::scenario
