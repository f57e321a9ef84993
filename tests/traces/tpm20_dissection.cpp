#include "traces/tpm20_dissection.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace vtwin::trace;

namespace {

std::vector<std::byte> unhex(const std::string& hex) {
    std::vector<std::byte> data;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        data.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    return data;
}

std::string big(std::size_t value, int digits) {
    char text[9];
    std::snprintf(text, sizeof text, "%0*zx", digits, value);
    return text;
}

/// A packet with its size put in.
std::vector<std::byte> packet(const std::string& tag, const std::string& code, const std::string& rest = "") {
    return unhex(tag + big(10 + rest.size() / 2, 8) + code + rest);
}

const std::string password = "40000009000000" + std::string("0000");  // no nonce, no attributes, no password
/// An area of so many password sessions.
std::string sessions(std::size_t count) {
    std::string area;
    for (std::size_t i = 0; i < count; ++i)
        area += password;
    return big(area.size() / 2, 8) + area;
}

bool reads(const std::vector<std::byte>& what) {
    return dissect_command(what).has_value();
}

}  // namespace

TEST_CASE("commands with as many handles and sessions as they say can be dissected") {
    CHECK(reads(packet("8001", "00000144", "0000")));
    CHECK(reads(packet("8001", "0000017b", "0008")));
    const auto extend = dissect_command(packet("8002", "00000182", "0000000a" + sessions(1) + "00000000"));
    REQUIRE(extend);
    CHECK(extend->code == 0x182);
    CHECK(extend->sessions == 1);
    CHECK(reads(packet("8002", "00000137", "0150000001500000" + sessions(3) + "00000000")));
    CHECK(reads(packet("8002", "00000184", "800000000150000001500000" + sessions(2))));
    CHECK(reads(packet("8001", "00000176",
                       "4000000740000007"
                       "0002abab0000"
                       "00"
                       "0010"
                       "000b")));
    CHECK(reads(packet("8001", "00000176",
                       "4000000740000007"
                       "0002abab0000"
                       "00"
                       "000600800043"
                       "000b")));
    CHECK(reads(packet("8002", "00000191",
                       "40000001" + sessions(1) +
                           "00020000"
                           "0001ff")));
    CHECK(reads(packet("8001", "0000ffff")));  // shown as unknown
}

TEST_CASE("commands that break off, or that Wireshark takes for others, cannot be dissected") {
    CHECK_FALSE(reads({}));
    CHECK_FALSE(reads(unhex("80010000000a000001")));
    CHECK_FALSE(reads(unhex("80010000000b0000017b")));
    CHECK_FALSE(reads(packet("00c1", "0000017b", "0008")));
    CHECK_FALSE(reads(packet("8001", "00000144", "00")));
    CHECK_FALSE(reads(packet("8001", "00000165", "0000")));              // half a handle
    CHECK_FALSE(reads(packet("8002", "00000182", "0000000a")));          // no session area
    CHECK_FALSE(reads(packet("8002", "00000182", "0000000a00000000")));  // an empty one
    CHECK_FALSE(reads(packet("8002", "00000182", "0000000a" + sessions(4))));
    CHECK_FALSE(reads(packet("8002", "00000182",
                             "0000000a"
                             "000000ff" +
                                 password)));
    CHECK_FALSE(reads(packet("8002", "00000182",
                             "0000000a"
                             "0000000a" +
                                 password + "00")));
    CHECK_FALSE(
        reads(packet("8002", "00000137", "01500000" + sessions(1))));  // the second handle is not there
    CHECK_FALSE(reads(packet("8002", "0000014e", "0150000001500000" + sessions(1) + "00050000")));
    CHECK_FALSE(reads(packet("8002", "0000012e",
                             "4000000b" + sessions(1) +
                                 "0000"
                                 "000b")));
    CHECK_FALSE(reads(packet("8001", "00000176",
                             "4000000740000007"
                             "0002abab0000"
                             "00"
                             "000a000b"
                             "000b")));
}

TEST_CASE("an answer is dissected by its command") {
    const dissected_command extend{0x182, 1}, load{0x157, 1}, random{0x17B, 0}, begin{0x176, 0},
        made{0x191, 1};
    const std::string session =
        "0000"
        "01"
        "0000";
    CHECK(dissects_answer(random, packet("8001", "00000000", "0002abab")));
    CHECK(dissects_answer(extend, packet("8001", "00000101")));
    CHECK(dissects_answer(extend, packet("8002", "00000000", "00000000" + session)));
    CHECK(dissects_answer(load, packet("8002", "00000000",
                                       "80000001"
                                       "00000002"
                                       "0000" +
                                           session)));
    CHECK(dissects_answer(begin, packet("8001", "00000000",
                                        "03000000"
                                        "0002abab")));
    CHECK(dissects_answer(made, packet("8002", "00000000",
                                       "80000001"
                                       "00000006"
                                       "000000000000" +
                                           session)));
    CHECK_FALSE(dissects_answer(extend, packet("8002", "00000000", "00000000")));
    CHECK_FALSE(dissects_answer(extend, packet("8002", "00000000", "00000010" + session)));
    CHECK_FALSE(dissects_answer(load, packet("8002", "00000000", "8000")));
    CHECK_FALSE(dissects_answer(begin, packet("8001", "00000000",
                                              "03000000"
                                              "0009abab")));
    CHECK_FALSE(dissects_answer(random, packet("00c4", "00000000")));
    CHECK_FALSE(dissects_answer(random, unhex("80010000000b00000000")));
}

TEST_CASE("only a whole header tells an error") {
    CHECK(says_success(unhex("80010000000a00000000")));
    CHECK(says_success(unhex("80")));
    CHECK_FALSE(says_success(unhex("80010000000a00000101")));
}
