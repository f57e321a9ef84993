// Command line of the vTPM domain and its locality rules.
#include "models/vtpm/options.h"

#include <catch2/catch.hpp>

using namespace vtwin::models;

TEST_CASE("vtpm options are read word by word") {
    std::string error;
    const auto options =
        parse_vtpm_options("loglevel=debug save maintcmds=1 nonsense locality=a:b:c_t=0,2,255", error);
    REQUIRE(options);
    CHECK(options->startup == vtpm_options::startup_mode::state);
    CHECK(options->maintenance_commands);
    CHECK(options->unknown == std::vector<std::string>{"nonsense"});
    REQUIRE(options->rules.size() == 1);
    CHECK(options->rules[0].label == "a:b:c_t");
    CHECK(options->rules[0].allowed.count() == 3);
    CHECK(options->rules[0].allowed.test(255));
}

TEST_CASE("vtpm options refuse what ends the domain") {
    std::string error;
    CHECK_FALSE(parse_vtpm_options("locality=nolist", error));
    CHECK(error.find("locality=nolist") != std::string::npos);
    CHECK_FALSE(parse_vtpm_options("locality=l=256", error));
    CHECK_FALSE(parse_vtpm_options("locality=l=1x", error));
    std::string seventeen;
    for (int i = 0; i < 17; ++i)
        seventeen += "locality=l=0 ";
    CHECK_FALSE(parse_vtpm_options(seventeen, error));
    CHECK(parse_vtpm_options(seventeen.substr(13), error));
}

TEST_CASE("vtpm locality rules match in order and by suffix") {
    const std::vector<locality_rule> rules{{"system_u:system_r:domU_t", 1}, {"*:watch_t", 32}};
    CHECK(match_locality(rules, "system_u:system_r:domU_t", true).allowed == 1);
    CHECK(match_locality(rules, "x:y:watch_t", true).allowed == 32);
    CHECK(match_locality(rules, "x:y:other_t", true).outcome == locality_match::kind::no_rule);
    CHECK(match_locality(rules, "x:y:other_t", false).outcome == locality_match::kind::null_dereference);
    // Only the first occurrence of the suffix counts.
    CHECK(match_locality({{"*_t", 1}}, "a_t:b_t", true).outcome == locality_match::kind::no_rule);
}
