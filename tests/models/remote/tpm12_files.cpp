#include "models/remote/tpm12_files.h"

#include <catch2/catch.hpp>

#include "models/remote/tpm12_structures.h"
#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;
using namespace vtwin::models::remote;

TEST_CASE("a public AIK is the DER that tpm_mkaik writes with integers in their shortest form") {
    const bytes key = tss_public_key(some_modulus(0x21));
    CHECK(to_hex(byte_view(key).first(18)) ==
          "3082012a02010102010202"
          "02011c"
          "0482011c");
    CHECK(to_hex(byte_view(key).subspan(18)) == to_hex(aik_public(some_modulus(0x21))));
}

TEST_CASE("the hash file holds the quote of the claimed values with no nonce") {
    std::vector<bytes> pcrs(24, bytes(20));
    // A TPM after its start: SHA-1 of 0003 300000 00000028 and 40 zero octets.
    CHECK(to_hex(pcr_hash_file(0x30, pcrs)) == "003651555432" + std::string(40, '0') +
                                                   "000330000001"
                                                   "9ec67ba0bfb0acef212f3a7a0ae295d617effd90");
    const bytes before = pcr_hash_file(0x30, pcrs);
    pcrs[6][0] = std::byte{1};
    CHECK(pcr_hash_file(0x30, pcrs) == before);
    pcrs[5][0] = std::byte{1};
    CHECK(pcr_hash_file(0x30, pcrs) != before);
}

TEST_CASE("the value file lists what was quoted and survives a claim of other sizes") {
    std::vector<bytes> pcrs(24, hex("00112233445566778899aabbccddeeff00112233"));
    CHECK(pcr_value_file(0x10400, pcrs) ==
          "10=00112233445566778899AABBCCDDEEFF00112233\n16=00112233445566778899AABBCCDDEEFF00112233\n");
    CHECK(pcr_value_file(0, pcrs) == "");
    pcrs.resize(12, bytes(3));
    CHECK(pcr_value_file(0x10400, pcrs) == "10=00112233445566778899AABBCCDDEEFF00112233\n");
    pcrs.resize(40, bytes(1));
    CHECK(pcr_value_file(0xFF000000, pcrs) == "");
}
