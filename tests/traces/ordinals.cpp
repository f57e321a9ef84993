#include "traces/ordinals.h"

#include <catch2/catch.hpp>

using vtwin::trace::ordinal_name;

TEST_CASE("an ordinal's name depends on who is spoken to") {
    CHECK(ordinal_name(0x00C1, 0x14) == "TPM_Extend");
    CHECK(ordinal_name(0x00C3, 0x79) == "TPM_MakeIdentity");
    CHECK(ordinal_name(0x00C2, 0x20000016) == "VTPM_DeepQuote");
    CHECK(ordinal_name(0x01C1, 1) == "VTPM_SAVEHASHKEY");
    CHECK(ordinal_name(0x01C2, 0x02000106) == "GROUP_UPDATE");
    CHECK(ordinal_name(0x00C1, 1) == "0x00000001");
    CHECK(ordinal_name(0x01C1, 0x14) == "0x00000014");
}
