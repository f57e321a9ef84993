#include "models/vtpmmgr/options.h"

#include <catch2/catch.hpp>

#include "tests/models/vtpmmgr/doubles.h"

using namespace vtwin::models;
using namespace vtwin::models::manager;
using vtwin::test::hex;

namespace {

std::optional<manager_options> parsed(std::string_view line, bool hardened = false) {
    behaviour_set behaviours;
    behaviours.set_all(hardened);
    auto result = parse_options(line, {}, behaviours);
    if (auto* options = std::get_if<manager_options>(&result))
        return *options;
    return std::nullopt;
}

}  // namespace

TEST_CASE("the manager's options are read and unknown words ignored") {
    const auto options = parsed(
        "owner_auth=text:secret srk_auth=well-known tpmdriver=tpm_tis tpmiomem=0xfed41000 "
        "tpmirq=0 tpmlocality=2 nonsense also=nonsense");
    REQUIRE(options);
    CHECK(hex(options->owner_auth) == "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4");
    CHECK(options->srk_auth == octets<20>{});
    CHECK(options->tpm_iomem == 0xFED41000);
    CHECK(options->hw_locality() == 2);
    CHECK(parsed("tpmlocality=2 tpmdriver=tpmfront")->hw_locality() == 0);
    CHECK_FALSE(parsed("")->tpm2);
    CHECK(parsed("tpm2=1")->tpm2);
    CHECK_FALSE(parsed("tpm2=2")->tpm2);
}

TEST_CASE("options that cannot be used end the manager") {
    for (const char* line :
         {"tpmlocality=5", "tpmlocality=x", "tpmiomem=fed40000", "owner_auth=hash:12", "owner_auth=secret",
          "tpmdriver=none", "srk_auth=hash:zz00000000000000000000000000000000000000"})
        CHECK_FALSE(parsed(line));
}

TEST_CASE("an authorisation given as hash is misread unless hardened") {
    const char* line = "owner_auth=hash:00112233445566778899aabbccddeeff01234567";
    CHECK(hex(parsed(line)->owner_auth) == "ffffffffffffffffffffffff6767676767676767");
    CHECK(hex(parsed(line, true)->owner_auth) == "00112233445566778899aabbccddeeff01234567");
    CHECK(hex(parsed("owner_auth=hash:0000000000000000000000000000000000000042")->owner_auth) ==
          "4242424242424242424242424242424242424242");
}
