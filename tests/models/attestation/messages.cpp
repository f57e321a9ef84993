#include "models/attestation/messages.h"

#include <catch2/catch.hpp>

#include "models/attestation/json_gate.h"

using namespace vtwin::models;

namespace {

bytes octets(std::initializer_list<int> values) {
    bytes out;
    for (const int value : values)
        out.push_back(static_cast<std::byte>(value));
    return out;
}

evidence sample_evidence() {
    evidence e;
    e.guest = "guest1";
    e.nonce = octets({0x00, 0xff});
    e.deep_quote_locality = 255;
    e.vtpm_pcrs = {octets({1}), octets({2, 3})};
    e.boot_log = {{4, octets({0xab}), "kernel /boot/a"}};
    e.ima_log = "10 00 ima-ng sha256:00 /bin/sh\n";
    e.vtpm_attached_late = true;
    return e;
}

}  // namespace

TEST_CASE("a challenge has one wire form") {
    const challenge_reply reply{octets({0x0a, 0xbc}), 0x30, 0x0e00ff, 15};
    const std::string text = to_json(reply);
    CHECK(text == R"({"nonce":"0abc","vtpm_pcr_mask":48,"hardware_pcr_mask":917759,"deep_quote_flags":15})");
    const auto parsed = from_json<challenge_reply>(text);
    REQUIRE(parsed);
    CHECK(parsed->nonce == reply.nonce);
    CHECK(parsed->hardware_pcr_mask == 0x0e00ff);
}

TEST_CASE("evidence survives the wire") {
    const evidence sent = sample_evidence();
    const auto got = from_json<evidence>(to_json(sent));
    REQUIRE(got);
    CHECK(got->guest == "guest1");
    CHECK(got->nonce == sent.nonce);
    CHECK(got->deep_quote_locality == 255);
    CHECK(got->vtpm_pcrs == sent.vtpm_pcrs);
    REQUIRE(got->boot_log.size() == 1);
    CHECK(got->boot_log[0].pcr == 4);
    CHECK(got->boot_log[0].description == "kernel /boot/a");
    CHECK(got->ima_log == sent.ima_log);
    CHECK(got->vtpm_attached_late);
    CHECK(to_json(*got) == to_json(sent));
}

TEST_CASE("messages are parsed strictly") {
    const std::string good =
        R"({"nonce":"0abc","vtpm_pcr_mask":48,"hardware_pcr_mask":255,"deep_quote_flags":15})";
    REQUIRE(from_json<challenge_reply>(good));
    const std::pair<const char*, const char*> breakages[] = {
        {R"("0abc")", R"("0ab")"},           // odd number of digits
        {R"("0abc")", R"("0ABC")"},          // upper case
        {R"("0abc")", R"("0xbc")"},          // not hexadecimal
        {R"("0abc")", "12"},                 // wrong type
        {":48,", ":4294967296,"},            // does not fit
        {":48,", ":-1,"},                    // negative
        {":48,", ":48.0,"},                  // not an integer
        {":48,", ":true,"},                  // wrong type
        {R"("nonce":"0abc",)", ""},          // missing
        {":15}", R"(:15,"more":1})"},        // unknown
        {":15}", R"(:15,"nonce":"0abc"})"},  // repeated
        {":15}", ":15"},                     // cut off
        {":15}", ":15}x"},                   // something behind it
    };
    for (const auto& [from, to] : breakages) {
        std::string bad = good;
        bad.replace(bad.find(from), std::string(from).size(), to);
        INFO(bad);
        CHECK_FALSE(from_json<challenge_reply>(bad));
    }
    CHECK_FALSE(from_json<challenge_reply>(""));
    CHECK_FALSE(from_json<challenge_reply>("[]"));
    CHECK_FALSE(from_json<challenge_reply>("null"));
}

TEST_CASE("a nested message is parsed as strictly") {
    const std::string good = to_json(sample_evidence());
    REQUIRE(from_json<evidence>(good));
    std::string bad = good;
    bad.replace(bad.find(R"("pcr":4)"), 7, R"("pcr":"4")");
    CHECK_FALSE(from_json<evidence>(bad));
    bad = good;
    bad.replace(bad.find(R"("deep_quote_locality":255)"), 25, R"("deep_quote_locality":256)");
    CHECK_FALSE(from_json<evidence>(bad));
}

TEST_CASE("requests without fields are empty objects") {
    CHECK(to_json(saa_key_request{}) == "{}");
    CHECK(from_json<saa_key_request>("{}"));
    CHECK_FALSE(from_json<saa_key_request>(R"({"a":1})"));
}

TEST_CASE("text that is not UTF-8 does not stop a message") {
    evidence e = sample_evidence();
    e.ima_log = "\xff\xfe";
    CHECK(from_json<evidence>(to_json(e)));
}

TEST_CASE("what only a TPM 2.0 shows is left out of the evidence of a TPM 1.2") {
    evidence sent = sample_evidence();
    CHECK(to_json(sent).find("tpm20") == std::string::npos);
    CHECK(to_json(sent).find("sha256\"") == std::string::npos);
    sent.tpm20 = tpm20_evidence{octets({1}), octets({2}), octets({3})};
    sent.boot_log[0].sha256 = octets({0xcd});
    const std::string text = to_json(sent);
    CHECK(text.find(R"("tpm20":{"ak_public":"01","attest":"02","signature":"03"})") != std::string::npos);
    CHECK(text.find(R"("description":"kernel /boot/a","sha256":"cd"})") != std::string::npos);
    const auto got = from_json<evidence>(text);
    REQUIRE(got);
    REQUIRE(got->tpm20);
    CHECK(got->tpm20->signature == octets({3}));
    CHECK(to_json(*got) == text);
    // There is one way to leave it out.
    std::string empty = text, null = text;
    empty.replace(empty.find(R"("sha256":"cd")"), 13, R"("sha256":"")");
    CHECK_FALSE(from_json<evidence>(empty));
    const auto at = null.find(R"({"ak_public")");
    null.replace(at, null.find('}', at) - at + 1, "null");
    CHECK_FALSE(from_json<evidence>(null));
}

TEST_CASE("a stranger's JSON is looked at no further than a message can go") {
    std::string many = "{", nested, names;
    for (int i = 0; i < 100'000; ++i)
        many += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":0";
    many += '}';
    for (int i = 0; i < 100'000; ++i)
        nested += R"({"a":)";
    const auto events = [](const std::string& text) {
        json_gate gate;
        CHECK_FALSE(nlohmann::json::sax_parse(text, &gate));
        return gate.events();
    };
    CHECK(events(many) == 1 + 2 * json_gate::most_members + 1);
    CHECK(events(nested) == 2 * json_gate::most_levels + 1);
    CHECK(events(std::string(100'000, '[')) == json_gate::most_levels + 1);
    CHECK(events(R"({"a":[1,2],"a":{"b":3}})") == 7);
    CHECK_FALSE(from_json<attest_request>(many));
    CHECK_FALSE(from_json<attest_request>(nested));
}
