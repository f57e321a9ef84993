#include "scenarios/schema/writer.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const std::string rich_scenario = R"(description = "quotes \" and \\ and \u0007"
[[machine.firmware]]
pcr = 4
description = "loader"
sha1 = "00112233445566778899aabbccddeeff00112233"
[behaviours]
"vtpm.load_error_becomes_fresh_tpm" = "hardened"
tpmback.lowest_domid_served_first = "hardened"
[verifier]
deep_quote_flags = ["label"]
)" + small_scenario + R"(attach_after = "1500 us"
[verifier.reference.g1]
kernel = "other-kernel"
[expect.g1]
verdict = "untrusted"
failed_checks = ["pcr-4"]
)";

}  // namespace

TEST_CASE("the resolved file gives the same settings and the same text again") {
    small_scenario_directory folder(rich_scenario);
    loaded_scenario first = load_scenario(folder.file);
    std::string text = write_settings(first.all);

    temporary_directory elsewhere;
    loaded_scenario second = load_scenario(elsewhere.write("other-name.toml", text));
    CHECK(first.all.same_values(second.all));
    CHECK(write_settings(second.all) == text);
    CHECK(second.name == "test");
    CHECK(second.description == "quotes \" and \\ and \a");
    CHECK(second.config.machine.guests.at(0).kernel.content ==
          first.config.machine.guests.at(0).kernel.content);
    CHECK(second.config.machine.behaviours == first.config.machine.behaviours);
    CHECK(second.config.machine.hypervisor_costs.grant_unmap ==
          first.config.machine.hypervisor_costs.grant_unmap);
    CHECK(second.expectations.at(0).failed_checks == std::vector<std::string>{"pcr-4"});
}

TEST_CASE("the resolved file differs when a setting differs") {
    small_scenario_directory folder;
    settings one = load_scenario(folder.file).all;
    settings other = load_scenario(folder.file, {{"guest.g1.ima_interval", "2 ms"}}).all;
    CHECK_FALSE(one.same_values(other));
    CHECK(write_settings(one) != write_settings(other));
}

TEST_CASE("a file whose name holds pattern characters is itself in the resolved file") {
    small_scenario_directory folder;
    folder.write("ima/x[1]", "odd name");
    folder.write("ima/x1", "what the pattern would match");
    loaded_scenario first = load_scenario(folder.file);
    REQUIRE(first.config.machine.guests.at(0).ima_files.size() == 4);
    temporary_directory elsewhere;
    loaded_scenario second = load_scenario(elsewhere.write("again.toml", write_settings(first.all)));
    CHECK(first.all.same_values(second.all));
}

TEST_CASE("an approved boot of nothing stays one") {
    const std::string firmware =
        "[[machine.firmware]]\npcr = 1\ndescription = \"d\"\n"
        "sha1 = \"00112233445566778899aabbccddeeff00112233\"\n";
    small_scenario_directory folder(firmware + small_scenario + "[verifier]\nplatform = []\n");
    loaded_scenario first = load_scenario(folder.file);
    CHECK(first.config.verifier.platform.empty());
    CHECK(first.config.machine.firmware.size() == 1);
    temporary_directory elsewhere;
    loaded_scenario second = load_scenario(elsewhere.write("again.toml", write_settings(first.all)));
    CHECK(second.config.verifier.platform.empty());
}
