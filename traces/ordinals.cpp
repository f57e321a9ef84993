#include "traces/ordinals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace vtwin::trace {
namespace {

struct entry {
    std::uint32_t ordinal;
    std::string_view name;
};

constexpr std::array tpm12 = {
    entry{0x0A, "TPM_OIAP"},
    entry{0x0B, "TPM_OSAP"},
    entry{0x0C, "TPM_ChangeAuth"},
    entry{0x0D, "TPM_TakeOwnership"},
    entry{0x10, "TPM_ChangeAuthOwner"},
    entry{0x11, "TPM_DSAP"},
    entry{0x14, "TPM_Extend"},
    entry{0x15, "TPM_PCRRead"},
    entry{0x16, "TPM_Quote"},
    entry{0x17, "TPM_Seal"},
    entry{0x18, "TPM_Unseal"},
    entry{0x1E, "TPM_UnBind"},
    entry{0x1F, "TPM_CreateWrapKey"},
    entry{0x20, "TPM_LoadKey"},
    entry{0x21, "TPM_GetPubKey"},
    entry{0x32, "TPM_CertifyKey"},
    entry{0x3C, "TPM_Sign"},
    entry{0x3E, "TPM_Quote2"},
    entry{0x3F, "TPM_SetCapability"},
    entry{0x41, "TPM_LoadKey2"},
    entry{0x46, "TPM_GetRandom"},
    entry{0x47, "TPM_StirRandom"},
    entry{0x50, "TPM_SelfTestFull"},
    entry{0x53, "TPM_ContinueSelfTest"},
    entry{0x54, "TPM_GetTestResult"},
    entry{0x5A, "TPM_Reset"},
    entry{0x5B, "TPM_OwnerClear"},
    entry{0x5C, "TPM_DisableOwnerClear"},
    entry{0x5D, "TPM_ForceClear"},
    entry{0x65, "TPM_GetCapability"},
    entry{0x66, "TPM_GetCapabilityOwner"},
    entry{0x6E, "TPM_OwnerSetDisable"},
    entry{0x6F, "TPM_PhysicalEnable"},
    entry{0x70, "TPM_PhysicalDisable"},
    entry{0x72, "TPM_PhysicalSetDeactivated"},
    entry{0x73, "TPM_SetTempDeactivated"},
    entry{0x78, "TPM_CreateEndorsementKeyPair"},
    entry{0x79, "TPM_MakeIdentity"},
    entry{0x7A, "TPM_ActivateIdentity"},
    entry{0x7C, "TPM_ReadPubek"},
    entry{0x7D, "TPM_OwnerReadPubek"},
    entry{0x7E, "TPM_DisablePubekRead"},
    entry{0x7F, "TPM_CreateRevocableEK"},
    entry{0x80, "TPM_RevokeTrust"},
    entry{0x81, "TPM_OwnerReadInternalPub"},
    entry{0x96, "TPM_Terminate_Handle"},
    entry{0x97, "TPM_Init"},
    entry{0x98, "TPM_SaveState"},
    entry{0x99, "TPM_Startup"},
    entry{0xA0, "TPM_SHA1Start"},
    entry{0xA1, "TPM_SHA1Update"},
    entry{0xA2, "TPM_SHA1Complete"},
    entry{0xA3, "TPM_SHA1CompleteExtend"},
    entry{0xB4, "TPM_SaveKeyContext"},
    entry{0xB8, "TPM_SaveContext"},
    entry{0xB9, "TPM_LoadContext"},
    entry{0xBA, "TPM_FlushSpecific"},
    entry{0xC8, "TPM_PCR_Reset"},
    entry{0xCC, "TPM_NV_DefineSpace"},
    entry{0xCD, "TPM_NV_WriteValue"},
    entry{0xCE, "TPM_NV_WriteValueAuth"},
    entry{0xCF, "TPM_NV_ReadValue"},
    entry{0xD0, "TPM_NV_ReadValueAuth"},
    entry{0xDC, "TPM_CreateCounter"},
    entry{0xDD, "TPM_IncrementCounter"},
    entry{0xDE, "TPM_ReadCounter"},
    entry{0xDF, "TPM_ReleaseCounter"},
    entry{0xF1, "TPM_GetTicks"},
    entry{0x20000016, "VTPM_DeepQuote"},
    entry{0x2000007C, "VTPM_ParentSignEK"},
    entry{0x4000000A, "TSC_PhysicalPresence"},
    entry{0x4000000B, "TSC_ResetEstablishmentBit"},
};

constexpr std::array manager = {
    entry{1, "VTPM_SAVEHASHKEY"},
    entry{2, "VTPM_LOADHASHKEY"},
    entry{3, "VTPM_GET_BOOT_HASH"},
    entry{4, "VTPM_GET_QUOTE"},
};

constexpr std::array management = {
    entry{0x02000101, "GROUP_LIST"},     entry{0x02000102, "GROUP_NEW"},
    entry{0x02000103, "GROUP_DEL"},      entry{0x02000104, "GROUP_ACTIVATE"},
    entry{0x02000105, "GROUP_REGISTER"}, entry{0x02000106, "GROUP_UPDATE"},
    entry{0x02000107, "GROUP_SHOW"},     entry{0x02000201, "VTPM_LIST"},
    entry{0x02000204, "VTPM_NEW"},       entry{0x02000205, "VTPM_DEL"},
};

}  // namespace

std::string ordinal_name(std::uint16_t tag, std::uint32_t ordinal) {
    const std::span<const entry> names = tag == 0x01C1   ? std::span<const entry>(manager)
                                         : tag == 0x01C2 ? std::span<const entry>(management)
                                                         : std::span<const entry>(tpm12);
    const auto found = std::ranges::find(names, ordinal, &entry::ordinal);
    return found != names.end() ? std::string(found->name) : fmt::format("0x{:08X}", ordinal);
}

}  // namespace vtwin::trace
