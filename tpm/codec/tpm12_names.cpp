#include "tpm/codec/tpm12_names.h"

#include <algorithm>
#include <iterator>

#include "tpm/codec/tpm12_constants.h"

namespace vtwin::tpm::tpm12 {

namespace {

struct named_number {
    std::uint32_t number;
    std::string_view name;
};

// TPM Main Part 2, section 17; ordered by number.
constexpr named_number ordinals[] = {
    {10, "OIAP"},
    {11, "OSAP"},
    {12, "ChangeAuth"},
    {13, "TakeOwnership"},
    {14, "ChangeAuthAsymStart"},
    {15, "ChangeAuthAsymFinish"},
    {16, "ChangeAuthOwner"},
    {17, "DSAP"},
    {18, "CMK_CreateTicket"},
    {19, "CMK_CreateKey"},
    {20, "Extend"},
    {21, "PCRRead"},
    {22, "Quote"},
    {23, "Seal"},
    {24, "Unseal"},
    {25, "DirWriteAuth"},
    {26, "DirRead"},
    {27, "CMK_CreateBlob"},
    {28, "CMK_SetRestrictions"},
    {29, "CMK_ApproveMA"},
    {30, "UnBind"},
    {31, "CreateWrapKey"},
    {32, "LoadKey"},
    {33, "GetPubKey"},
    {34, "EvictKey"},
    {35, "KeyControlOwner"},
    {36, "CMK_ConvertMigration"},
    {37, "MigrateKey"},
    {40, "CreateMigrationBlob"},
    {41, "DAA_Join"},
    {42, "ConvertMigrationBlob"},
    {43, "AuthorizeMigrationKey"},
    {44, "CreateMaintenanceArchive"},
    {45, "LoadMaintenanceArchive"},
    {46, "KillMaintenanceFeature"},
    {47, "LoadManuMaintPub"},
    {48, "ReadManuMaintPub"},
    {49, "DAA_Sign"},
    {50, "CertifyKey"},
    {51, "CertifyKey2"},
    {60, "Sign"},
    {61, "Sealx"},
    {62, "Quote2"},
    {63, "SetCapability"},
    {64, "ResetLockValue"},
    {65, "LoadKey2"},
    {70, "GetRandom"},
    {71, "StirRandom"},
    {80, "SelfTestFull"},
    {82, "CertifySelfTest"},
    {83, "ContinueSelfTest"},
    {84, "GetTestResult"},
    {90, "Reset"},
    {91, "OwnerClear"},
    {92, "DisableOwnerClear"},
    {93, "ForceClear"},
    {94, "DisableForceClear"},
    {100, "GetCapabilitySigned"},
    {101, "GetCapability"},
    {102, "GetCapabilityOwner"},
    {110, "OwnerSetDisable"},
    {111, "PhysicalEnable"},
    {112, "PhysicalDisable"},
    {113, "SetOwnerInstall"},
    {114, "PhysicalSetDeactivated"},
    {115, "SetTempDeactivated"},
    {116, "SetOperatorAuth"},
    {117, "SetOwnerPointer"},
    {120, "CreateEndorsementKeyPair"},
    {121, "MakeIdentity"},
    {122, "ActivateIdentity"},
    {124, "ReadPubek"},
    {125, "OwnerReadPubek"},
    {126, "DisablePubekRead"},
    {127, "CreateRevocableEK"},
    {128, "RevokeTrust"},
    {129, "OwnerReadInternalPub"},
    {130, "GetAuditEvent"},
    {131, "GetAuditEventSigned"},
    {133, "GetAuditDigest"},
    {134, "GetAuditDigestSigned"},
    {140, "GetOrdinalAuditStatus"},
    {141, "SetOrdinalAuditStatus"},
    {150, "Terminate_Handle"},
    {151, "Init"},
    {152, "SaveState"},
    {153, "Startup"},
    {154, "SetRedirection"},
    {160, "SHA1Start"},
    {161, "SHA1Update"},
    {162, "SHA1Complete"},
    {163, "SHA1CompleteExtend"},
    {170, "FieldUpgrade"},
    {180, "SaveKeyContext"},
    {181, "LoadKeyContext"},
    {182, "SaveAuthContext"},
    {183, "LoadAuthContext"},
    {184, "SaveContext"},
    {185, "LoadContext"},
    {186, "FlushSpecific"},
    {200, "PCR_Reset"},
    {204, "NV_DefineSpace"},
    {205, "NV_WriteValue"},
    {206, "NV_WriteValueAuth"},
    {207, "NV_ReadValue"},
    {208, "NV_ReadValueAuth"},
    {209, "Delegate_UpdateVerification"},
    {210, "Delegate_Manage"},
    {212, "Delegate_CreateKeyDelegation"},
    {213, "Delegate_CreateOwnerDelegation"},
    {214, "Delegate_VerifyDelegation"},
    {216, "Delegate_LoadOwnerDelegation"},
    {219, "Delegate_ReadTable"},
    {220, "CreateCounter"},
    {221, "IncrementCounter"},
    {222, "ReadCounter"},
    {223, "ReleaseCounter"},
    {224, "ReleaseCounterOwner"},
    {230, "EstablishTransport"},
    {231, "ExecuteTransport"},
    {232, "ReleaseTransportSigned"},
    {240, "SetTickType"},
    {241, "GetTicks"},
    {242, "TickStampBlob"},
    {ord::deep_quote, "DeepQuote"},
    {ord::parent_sign_ek, "ParentSignEK"},
    {ord::tsc_physical_presence, "TSC_PhysicalPresence"},
    {0x4000000B, "TSC_ResetEstablishmentBit"},
};

// TPM Main Part 2, section 16; ordered by number.
constexpr named_number results[] = {
    {0, "TPM_SUCCESS"},
    {1, "TPM_AUTHFAIL"},
    {2, "TPM_BADINDEX"},
    {3, "TPM_BAD_PARAMETER"},
    {4, "TPM_AUDITFAILURE"},
    {5, "TPM_CLEAR_DISABLED"},
    {6, "TPM_DEACTIVATED"},
    {7, "TPM_DISABLED"},
    {8, "TPM_DISABLED_CMD"},
    {9, "TPM_FAIL"},
    {10, "TPM_BAD_ORDINAL"},
    {11, "TPM_INSTALL_DISABLED"},
    {12, "TPM_INVALID_KEYHANDLE"},
    {13, "TPM_KEYNOTFOUND"},
    {14, "TPM_INAPPROPRIATE_ENC"},
    {15, "TPM_MIGRATEFAIL"},
    {16, "TPM_INVALID_PCR_INFO"},
    {17, "TPM_NOSPACE"},
    {18, "TPM_NOSRK"},
    {19, "TPM_NOTSEALED_BLOB"},
    {20, "TPM_OWNER_SET"},
    {21, "TPM_RESOURCES"},
    {22, "TPM_SHORTRANDOM"},
    {23, "TPM_SIZE"},
    {24, "TPM_WRONGPCRVAL"},
    {25, "TPM_BAD_PARAM_SIZE"},
    {26, "TPM_SHA_THREAD"},
    {27, "TPM_SHA_ERROR"},
    {28, "TPM_FAILEDSELFTEST"},
    {29, "TPM_AUTH2FAIL"},
    {30, "TPM_BADTAG"},
    {31, "TPM_IOERROR"},
    {32, "TPM_ENCRYPT_ERROR"},
    {33, "TPM_DECRYPT_ERROR"},
    {34, "TPM_INVALID_AUTHHANDLE"},
    {35, "TPM_NO_ENDORSEMENT"},
    {36, "TPM_INVALID_KEYUSAGE"},
    {37, "TPM_WRONG_ENTITYTYPE"},
    {38, "TPM_INVALID_POSTINIT"},
    {39, "TPM_INAPPROPRIATE_SIG"},
    {40, "TPM_BAD_KEY_PROPERTY"},
    {41, "TPM_BAD_MIGRATION"},
    {42, "TPM_BAD_SCHEME"},
    {43, "TPM_BAD_DATASIZE"},
    {44, "TPM_BAD_MODE"},
    {45, "TPM_BAD_PRESENCE"},
    {46, "TPM_BAD_VERSION"},
    {47, "TPM_NO_WRAP_TRANSPORT"},
    {48, "TPM_AUDITFAIL_UNSUCCESSFUL"},
    {49, "TPM_AUDITFAIL_SUCCESSFUL"},
    {50, "TPM_NOTRESETABLE"},
    {51, "TPM_NOTLOCAL"},
    {52, "TPM_BAD_TYPE"},
    {53, "TPM_INVALID_RESOURCE"},
    {54, "TPM_NOTFIPS"},
    {55, "TPM_INVALID_FAMILY"},
    {56, "TPM_NO_NV_PERMISSION"},
    {57, "TPM_REQUIRES_SIGN"},
    {58, "TPM_KEY_NOTSUPPORTED"},
    {59, "TPM_AUTH_CONFLICT"},
    {60, "TPM_AREA_LOCKED"},
    {61, "TPM_BAD_LOCALITY"},
    {62, "TPM_READ_ONLY"},
    {63, "TPM_PER_NOWRITE"},
    {64, "TPM_FAMILYCOUNT"},
    {65, "TPM_WRITE_LOCKED"},
    {66, "TPM_BAD_ATTRIBUTES"},
    {67, "TPM_INVALID_STRUCTURE"},
    {68, "TPM_KEY_OWNER_CONTROL"},
    {69, "TPM_BAD_COUNTER"},
    {70, "TPM_NOT_FULLWRITE"},
    {71, "TPM_CONTEXT_GAP"},
    {72, "TPM_MAXNVWRITES"},
    {73, "TPM_NOOPERATOR"},
    {74, "TPM_RESOURCEMISSING"},
    {75, "TPM_DELEGATE_LOCK"},
    {76, "TPM_DELEGATE_FAMILY"},
    {77, "TPM_DELEGATE_ADMIN"},
    {78, "TPM_TRANSPORT_NOTEXCLUSIVE"},
    {79, "TPM_OWNER_CONTROL"},
    {80, "TPM_DAA_RESOURCES"},
    {81, "TPM_DAA_INPUT_DATA0"},
    {82, "TPM_DAA_INPUT_DATA1"},
    {83, "TPM_DAA_ISSUER_SETTINGS"},
    {84, "TPM_DAA_TPM_SETTINGS"},
    {85, "TPM_DAA_STAGE"},
    {86, "TPM_DAA_ISSUER_VALIDITY"},
    {87, "TPM_DAA_WRONG_W"},
    {88, "TPM_BAD_HANDLE"},
    {89, "TPM_BAD_DELEGATE"},
    {90, "TPM_BADCONTEXT"},
    {91, "TPM_TOOMANYCONTEXTS"},
    {92, "TPM_MA_TICKET_SIGNATURE"},
    {93, "TPM_MA_DESTINATION"},
    {94, "TPM_MA_SOURCE"},
    {95, "TPM_MA_AUTHORITY"},
    {97, "TPM_PERMANENTEK"},
    {98, "TPM_BAD_SIGNATURE"},
    {99, "TPM_NOCONTEXTSPACE"},
    {0x800, "TPM_RETRY"},
    {0x801, "TPM_NEEDS_SELFTEST"},
    {0x802, "TPM_DOING_SELFTEST"},
    {0x803, "TPM_DEFEND_LOCK_RUNNING"},
};

template <std::size_t Count>
std::string_view name_of(const named_number (&table)[Count], std::uint32_t number, std::string_view unknown) {
    const auto* found =
        std::lower_bound(std::begin(table), std::end(table), number,
                         [](const named_number& entry, std::uint32_t n) { return entry.number < n; });
    return found != std::end(table) && found->number == number ? found->name : unknown;
}

struct ordinal_range {
    std::uint8_t first, last;
};

constexpr ordinal_range brief_ordinals[] = {
    {10, 10},   {11, 11},   {16, 16},   {17, 17},   {20, 20},   {21, 21},   {25, 25},   {26, 26},
    {28, 28},   {29, 29},   {33, 35},   {43, 48},   {63, 63},   {64, 64},   {70, 70},   {71, 71},
    {84, 84},   {90, 94},   {101, 101}, {102, 102}, {110, 117}, {124, 126}, {128, 130}, {133, 133},
    {140, 140}, {141, 141}, {150, 150}, {153, 153}, {154, 154}, {160, 163}, {181, 181}, {186, 186},
    {200, 200}, {204, 209}, {219, 224}, {230, 230}, {240, 240}};
constexpr ordinal_range medium_ordinals[] = {
    {12, 12},   {15, 15},   {18, 18},   {22, 24},   {27, 27},   {30, 30},   {32, 32},   {36, 36},
    {37, 37},   {40, 40},   {42, 42},   {50, 50},   {51, 51},   {60, 62},   {65, 65},   {82, 82},
    {100, 100}, {122, 122}, {131, 131}, {134, 134}, {151, 151}, {152, 152}, {180, 180}, {182, 185},
    {210, 210}, {212, 214}, {216, 216}, {232, 232}, {242, 242}};
constexpr ordinal_range lengthy_ordinals[] = {{13, 13},   {14, 14},   {19, 19},  {31, 31},   {41, 41},
                                              {49, 49},   {80, 80},   {83, 83},  {120, 120}, {121, 121},
                                              {127, 127}, {170, 170}, {231, 231}};

template <std::size_t Count>
bool contains(const ordinal_range (&ranges)[Count], std::uint32_t ordinal) {
    return std::any_of(std::begin(ranges), std::end(ranges), [ordinal](const ordinal_range& range) {
        return range.first <= ordinal && ordinal <= range.last;
    });
}

}  // namespace

std::string_view ordinal_name(std::uint32_t ordinal) {
    return name_of(ordinals, ordinal, "unknown ordinal");
}

std::string_view result_name(std::uint32_t code) {
    return name_of(results, code, "unknown result");
}

duration_class duration_of(std::uint32_t ordinal) {
    if (contains(brief_ordinals, ordinal))
        return duration_class::brief;
    if (contains(medium_ordinals, ordinal))
        return duration_class::medium;
    if (contains(lengthy_ordinals, ordinal))
        return duration_class::lengthy;
    return duration_class::undefined;
}

}  // namespace vtwin::tpm::tpm12
