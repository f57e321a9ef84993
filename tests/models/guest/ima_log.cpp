// IMA template ima-ng: hashes against values computed by hand from the template's definition.
#include "models/guest/ima_log.h"

#include <openssl/sha.h>

#include <catch2/catch.hpp>

#include "models/hex.h"

using namespace vtwin::models;

TEST_CASE("ima-ng entry hashes length-prefixed digest and name") {
    const auto digest = from_hex(std::string(64, 'a'));
    const auto entry = make_ima_entry("sha256", *digest, "/bin/sh");
    std::string data("\x28\0\0\0sha256:\0", 12);
    data += std::string(32, '\xaa');
    data += std::string("\x08\0\0\0/bin/sh\0", 12);
    unsigned char expected[20];
    SHA1(reinterpret_cast<const unsigned char*>(data.data()), data.size(), expected);
    CHECK(to_hex(entry.template_hash) == to_hex(std::as_bytes(std::span(expected))));
}

TEST_CASE("ima list begins with the aggregate of the boot registers") {
    // The value that Linux shows when PCR 0 to 7 are zero: SHA-1 of 160 zero bytes.
    const auto aggregate = make_boot_aggregate(std::vector<bytes>(24, bytes(20)));
    CHECK(to_hex(aggregate.file_digest) == "9797edf8d0eed36b1cf92547816051c8af4e45ee");
    const auto text = ascii_runtime_measurements({aggregate});
    CHECK(text == "10 " + to_hex(aggregate.template_hash) +
                      " ima-ng sha1:9797edf8d0eed36b1cf92547816051c8af4e45ee boot_aggregate\n");
}

TEST_CASE("boot_aggregate on a TPM 2.0 is the SHA-256 of PCR 0 to 9") {
    const std::vector<bytes> pcrs(24, bytes(32));
    const auto entry = make_boot_aggregate20(pcrs);
    CHECK(entry.algorithm == "sha256");
    CHECK(entry.path == "boot_aggregate");
    // SHA-256 of 320 zero octets, computed apart
    CHECK(to_hex(entry.file_digest) == "7b6436b0c98f62380866d9432c2af0ee08ce16a171bda6951aecd95ee1307d61");
    CHECK(entry.template_sha256.size() == 32);
    auto other = pcrs;
    other[9][0] = std::byte{1};
    CHECK(make_boot_aggregate20(other).file_digest != entry.file_digest);
    other = pcrs;
    other[10][0] = std::byte{1};
    CHECK(make_boot_aggregate20(other).file_digest == entry.file_digest);
}
