#include "models/remote/policy_file.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

namespace {

policy_file sample() {
    attested_guest world;
    policy_file file{world.config, {"guest1-1", "guest1-2"}};
    guest_reference& reference = file.policy.guests.at("guest1");
    reference.quote = quote_command::quote2;
    reference.version = vtwin::tpm::family::tpm20;
    reference.firmware_log = ascii("a log");
    reference.kernel_sha256 = remote::sha256(ascii("kernel"));
    reference.ima_files["/bin/a b"].insert("sha1:" + to_hex(remote::sha1(ascii("ab"))));
    reference.ima_files["/\"\\"] = {"md5:00"};
    return file;
}

}  // namespace

TEST_CASE("what a verifier approves survives being a file") {
    const policy_file sent = sample();
    const std::string text = to_json(sent);
    const auto got = parse_policy_file(text);
    REQUIRE(got);
    CHECK(to_json(*got) == text);
    CHECK(got->judged == sent.judged);
    CHECK(got->policy.vtpm_pcr_mask == sent.policy.vtpm_pcr_mask);
    REQUIRE(got->policy.platform.size() == 3);
    CHECK(got->policy.platform[2].sha1 == sent.policy.platform[2].sha1);
    const guest_reference &a = got->policy.guests.at("guest1"), &b = sent.policy.guests.at("guest1");
    CHECK(a.version == b.version);
    CHECK(a.quote == b.quote);
    CHECK(a.ima_files == b.ima_files);
    CHECK(a.firmware_log == b.firmware_log);
    CHECK(a.vtpm_uuid.octets == b.vtpm_uuid.octets);
    CHECK_FALSE(got->policy.guests.at("guest2").quote);
}

TEST_CASE("what is no policy of a run is refused") {
    const std::string good = to_json(sample());
    for (const auto& [from, to] : {std::pair{"\"guests\"", "\"guest\""},
                                   {"\"2.0\"", "\"3.0\""},
                                   {"\"TPM_Quote2\"", "1"},
                                   {"\"deep_quote_flags\": 15", "\"deep_quote_flags\": 16"},
                                   {"\"pcr\": 4", "\"pcr\": 24"},
                                   {"\"pcr\": 4", "\"pcr\": -1"},
                                   {"\"guest1-1\"", "1"},
                                   {"\"sha1\": \"", "\"sha1\": \"x"},
                                   {"\"vtpm_uuid\": \"", "\"vtpm_uuid\": \"0"},
                                   {"}", ""}}) {
        std::string bad = good;
        REQUIRE(bad.find(from) != std::string::npos);
        bad.replace(bad.find(from), std::string(from).size(), to);
        INFO(from << " -> " << to);
        CHECK_FALSE(parse_policy_file(bad));
    }
    CHECK_FALSE(parse_policy_file(""));
    CHECK_FALSE(parse_policy_file("[]"));
}
