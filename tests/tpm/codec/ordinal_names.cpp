#include "tpm/codec/ordinal_names.h"

#include <catch2/catch.hpp>

using namespace vtwin::tpm;

TEST_CASE("command names and codes find each other") {
    CHECK(command_name(0x14) == "TPM_Extend");
    CHECK(command_name(0x182) == "TPM2_PCR_Extend");
    CHECK(command_name(0x12345678) == "0x12345678");
    CHECK(find_command("TPM_GetCapability") == 0x65u);
    CHECK(find_command("TSC_PhysicalPresence") == 0x4000000Au);
    CHECK(find_command("0x20000016") == 0x20000016u);
    CHECK_FALSE(find_command("TPM_Nothing"));
    CHECK_FALSE(find_command("0x"));
    CHECK_FALSE(find_command("0x123456789"));
    CHECK_FALSE(find_command("0x12 "));
    for (std::uint32_t ordinal = 0; ordinal < 0x200; ++ordinal)
        CHECK(find_command(command_name(ordinal)) == ordinal);
}
