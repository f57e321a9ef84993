#include "models/remote/configuration_authority.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

namespace {

saa_config_reply configure(attested_guest& world, const saa_config_request& request) {
    return *from_json<saa_config_reply>(world.parties->handle("saa/configuration", to_json(request)));
}

}  // namespace

TEST_CASE("the authority signs a configuration for the approved platform") {
    attested_guest world;
    saa_config_request request = world.config_request();
    request.sequence = 6;
    request.vtpm_labels = {"*:vm_r:vtpm_t", "system_u:system_r:vtpm_t", "*:vm_r:vtpm_t"};
    const saa_config_reply reply = configure(world, request);
    REQUIRE(reply.accepted);
    bytes values;
    for (std::size_t pcr = 0; pcr < 8; ++pcr)
        values = join({values, request.hardware_pcrs[pcr]});
    const bytes composite = h1({hex("0003ff0000"
                                    "000000a0"),
                                values});
    CHECK(reply.cfg_list == join({hex("0000000000000006"
                                      "00000001"),
                                  composite, hex("00000002"), hex("f9575a6e1604431c592d3b469769266f13737315"),
                                  hex("d0f1992dae1daf6b1515f8fc293fcac4bc673605")}));
    CHECK(reply.selections == hex("0003ff0000"));
    const auto key = from_json<saa_key_reply>(world.parties->handle("saa/public-key", "{}"));
    REQUIRE(key);
    CHECK(remote::verify_sha1(key->modulus, reply.cfg_list, reply.signature));
}

TEST_CASE("the authority refuses a platform that is not approved") {
    attested_guest world;
    const saa_config_request good = world.config_request();
    saa_config_request bad = good;
    bad.hardware_pcrs[4][0] ^= std::byte{1};
    const saa_config_reply reply = configure(world, bad);
    CHECK_FALSE(reply.accepted);
    CHECK(reply.signature.empty());
    CHECK(reply.reason == "PCR 4 differs from the approved boot (boot loader, hypervisor): expected " +
                              to_hex(good.hardware_pcrs[4]) + ", seen " + to_hex(bad.hardware_pcrs[4]));
    bad = good;
    bad.hardware_pcrs[17] = bytes(20);  // a dynamic launch that nobody approved
    CHECK_FALSE(configure(world, bad).accepted);
    bad = good;
    bad.hardware_pcrs[23][5] = std::byte{1};  // software may reset and extend it
    CHECK(configure(world, bad).accepted);
    bad = good;
    bad.hardware_pcrs.pop_back();
    CHECK(configure(world, bad).reason == "23 PCR values shown instead of 24");
    CHECK(configure(world, good).accepted);
}

TEST_CASE("the authority never goes back and fits the group's lists") {
    attested_guest world;
    saa_config_request request = world.config_request();
    request.sequence = 9;
    CHECK(configure(world, request).accepted);
    request.sequence = 8;
    CHECK(configure(world, request).reason == "sequence 8 is older than 9 which was signed before");
    request.sequence = 9;
    request.vtpm_labels.clear();
    for (int i = 0; i < 16; ++i)
        request.vtpm_labels.push_back("u:r:t" + std::to_string(i));
    CHECK(configure(world, request).accepted);
    request.vtpm_labels.push_back("u:r:one more");
    CHECK(configure(world, request).reason == "17 different labels are more than the 16 that a group holds");
}
