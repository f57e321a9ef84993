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
