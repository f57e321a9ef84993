#include "tpm/engine/permanent_state12.h"

#include "tpm/codec/wire.h"

namespace vtwin::tpm {

namespace {

constexpr std::uint16_t tag_nvstate_v1 = 0x0001;
constexpr std::uint16_t tag_permanent_data = 0x0022;
constexpr std::uint16_t key_usage_storage = 0x0011;  // TPM_KEY_STORAGE

void skip_key_parms(wire_reader& reader) {
    reader.view(4 + 2 + 2);  // algorithm, encryption scheme, signature scheme
    reader.sized32();
}

/// A stored key: as TPM_KEY, with the clear private part behind it; the EK has no PCR info. Returns its
/// keyUsage.
std::uint16_t read_stored_key(wire_reader& reader, bool has_pcr_info) {
    reader.view(4);  // version
    const std::uint16_t usage = reader.u16();
    reader.view(4 + 1);  // flags, authDataUsage
    skip_key_parms(reader);
    if (has_pcr_info)
        reader.sized32();
    reader.sized32();  // public part
    reader.sized32();  // private part
    return usage;
}

}  // namespace

std::optional<std::array<std::byte, 20>> owner_auth_of_permanent_state(byte_view state) {
    wire_reader reader(state);
    if (reader.u16() != tag_nvstate_v1 || reader.u16() != tag_permanent_data)
        return std::nullopt;
    reader.view(20 + 20);  // tpmProof, EKReset
    const auto owner_auth = reader.fixed<20>();
    reader.view(20 + 20);    // operatorAuth, authDIR
    if (reader.u8() != 0) {  // manuMaintPub is there
        skip_key_parms(reader);
        reader.sized32();
    }
    read_stored_key(reader, false);  // endorsementKey
    const std::uint16_t srk_usage = read_stored_key(reader, true);
    // There is an owner exactly when there is an SRK: TakeOwnership makes both, clearing removes both.
    if (!reader.ok() || srk_usage != key_usage_storage)
        return std::nullopt;
    return owner_auth;
}

}  // namespace vtwin::tpm
