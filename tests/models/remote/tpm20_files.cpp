#include "models/remote/tpm20_files.h"

#include <catch2/catch.hpp>

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::remote;

namespace {

std::vector<bytes> values(std::size_t count) {
    std::vector<bytes> made;
    for (std::size_t i = 0; i < count; ++i)
        made.emplace_back(32, static_cast<std::byte>(i));
    return made;
}

/// One TPML_PCR_SELECTION of 16 entries, the number of lists, and the lists of eight TPM2B_DIGEST each.
constexpr std::size_t size_with(std::size_t lists) {
    return 4 + 16 * 8 + 4 + lists * (4 + 8 * (2 + 64));
}

}  // namespace

TEST_CASE("a file of PCR values holds those that the quote covers") {
    const bytes file = serialized_pcrs(0x11, values(24));
    REQUIRE(file.size() == size_with(1));
    CHECK(file[136] == std::byte{2});           // values
    CHECK(file[142] == std::byte{0});           // the first octet of PCR 0
    CHECK(file[142 + 2 + 64] == std::byte{4});  // and of PCR 4
    CHECK(serialized_pcrs(0xFFFFFF, values(24)).size() == size_with(3));
}

TEST_CASE("a file of PCR values leaves out what a guest claims beyond the PCRs of a TPM") {
    CHECK(serialized_pcrs(0xFFFFFF, values(40)) == serialized_pcrs(0xFFFFFF, values(24)));
    CHECK(serialized_pcrs(0xFFFFFFFF, values(40)) == serialized_pcrs(0xFFFFFFFF, values(24)));
    CHECK(serialized_pcrs(0xFFFFFFFF, values(40)).size() == size_with(3));
    auto long_value = values(24), cut_value = long_value;
    long_value[3].assign(70000, std::byte{1});
    cut_value[3].assign(64, std::byte{1});
    CHECK(serialized_pcrs(0x18, long_value) == serialized_pcrs(0x18, cut_value));
    CHECK(serialized_pcrs(0x18, long_value).size() == size_with(1));
}
