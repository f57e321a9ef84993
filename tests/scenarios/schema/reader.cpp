#include "scenarios/schema/reader.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("a right scenario has no mistakes") {
    CHECK(mistake_in(small_scenario) == "");
}

TEST_CASE("unknown keys are reported with line and nearest name") {
    CHECK(mistake_in(replaced(small_scenario, "kernel =", "kernal =")) ==
          "test.toml:15: guest.g1.kernal: unknown key; did you mean 'guest.g1.kernel'?");
    CHECK(mistake_in(replaced(small_scenario, "[guest.g1]", "[gest.g1]"))
              .starts_with("test.toml:13: gest: unknown key; did you mean 'guest'?"));
    CHECK(mistake_in("sed = 3\n" + small_scenario) == "test.toml:1: sed: unknown key; did you mean 'seed'?");
    CHECK(mistake_in("colour = 3\n" + small_scenario) == "test.toml:1: colour: unknown key");
    CHECK(mistake_in(small_scenario + "[behaviours]\nvtpm.load_error_becomes_fresh_tmp = \"hardened\"\n") ==
          "test.toml:19: behaviours.vtpm.load_error_becomes_fresh_tmp: unknown key; did you mean "
          "'behaviours.vtpm.load_error_becomes_fresh_tpm'?");
}

TEST_CASE("wrong values are reported with what was expected") {
    CHECK(mistake_in("seed = \"three\"\n" + small_scenario) ==
          "test.toml:1: seed: expected a whole number from 0 to 9223372036854775807, got \"three\"");
    CHECK(mistake_in("seed = -1\n" + small_scenario) ==
          "test.toml:1: seed: expected a whole number from 0 to 9223372036854775807, got -1");
    CHECK(mistake_in("seed = 1.5\n" + small_scenario) ==
          "test.toml:1: seed: expected a whole number from 0 to 9223372036854775807, got a number with "
          "decimals");
    CHECK(mistake_in("time_limit = \"5 parsecs\"\n" + small_scenario) ==
          "test.toml:1: time_limit: expected a time such as \"5 ms\", got \"5 parsecs\"");
    CHECK(mistake_in("time_limit = 5\n" + small_scenario) ==
          "test.toml:1: time_limit: expected a time such as \"5 ms\", got 5");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "locality = 5")) ==
          "test.toml:2: manager.locality: expected a whole number from 0 to 4, got 5");
    CHECK(
        mistake_in(replaced(small_scenario, "locality = 2", "memory = \"10 KiB\"")) ==
        "test.toml:2: manager.memory: expected a size such as \"2 MiB\", at least 1 MiB, at most 1 GiB, got "
        "\"10 KiB\"");
    CHECK(mistake_in(replaced(small_scenario, "11111111-1111", "1111-1111")) ==
          "test.toml:11: vtpm.v1.uuid: expected a UUID such as \"01234567-89ab-cdef-0123-456789abcdef\", got "
          "\"1111-1111-4111-8111-111111111111\"");
    CHECK(mistake_in(replaced(small_scenario, "administrator = true", "administrator = 1")) ==
          "test.toml:7: vtpm.admin.administrator: expected true or false, got 1");
    CHECK(mistake_in("[machine]\nscheduler = \"credits\"\n" + small_scenario) ==
          "test.toml:2: machine.scheduler: expected one of \"credit\", \"round_robin\", got \"credits\"; did "
          "you mean "
          "'credit'?");
    CHECK(mistake_in("[verifier]\nvtpm_pcrs = [1, 24]\n" + small_scenario) ==
          "test.toml:2: verifier.vtpm_pcrs: expected a list of PCR numbers from 0 to 23, got 24");
    CHECK(
        mistake_in("[[machine.firmware]]\npcr = 0\ndescription = \"x\"\nsha1 = \"12\"\n" + small_scenario) ==
        "test.toml:4: machine.firmware.0.sha1: expected 40 hexadecimal digits, got \"12\"");
    CHECK(mistake_in(replaced(small_scenario, "ima/*", "nothing/*")) ==
          "test.toml:17: guest.g1.ima_files: no file matches \"nothing/*\"");
}

TEST_CASE("missing keys are reported at their section") {
    CHECK(mistake_in(replaced(small_scenario, "kernel = \"kernel\"\n", "")) ==
          "test.toml:13: guest.g1.kernel: missing; expected a path");
    CHECK(mistake_in(small_scenario + "\n[vtpm.v2]\n") ==
          "test.toml:19: vtpm.v2.backend: missing; expected a string\n"
          "test.toml:19: vtpm.v2.uuid: missing; expected a UUID such as "
          "\"01234567-89ab-cdef-0123-456789abcdef\"");
}

TEST_CASE("all mistakes of a file are reported at once in the order of their lines") {
    CHECK(mistake_in("zed = 1\nseed = true\n" + small_scenario) ==
          "test.toml:1: zed: unknown key; did you mean 'seed'?\n"
          "test.toml:2: seed: expected a whole number from 0 to 9223372036854775807, got true");
}

TEST_CASE("text that is no TOML is reported with its line") {
    CHECK(mistake_in("seed = 1\nseed = 2\n").starts_with("test.toml:2: not valid TOML: "));
    CHECK(mistake_in("[manager\n").starts_with("test.toml:1: not valid TOML: "));
}

TEST_CASE("a file that is not there or cannot be a file is reported") {
    temporary_directory folder;
    CHECK_THROWS_WITH(load_scenario("no/such.toml"), "no/such.toml: no such file");
    CHECK_THROWS_WITH(
        load_scenario("deep_atestation"),
        "deep_atestation: no such file, nor a scenario of the library; did you mean 'deep_attestation'?");
    CHECK_THROWS_WITH(load_scenario(folder.path().string()), folder.path().string() + ": not a file");
}

TEST_CASE("overrides win and are checked like the file") {
    CHECK(mistake_in(small_scenario, {{"seed", "77"}}) == "");
    small_scenario_directory folder("seed = 1\n" + small_scenario);
    loaded_scenario loaded = load_scenario(folder.file, {{"seed", "77"},
                                                         {"guest.g1.attach_after", "2 s"},
                                                         {"guest.g1.command_line", "\"a = b\""},
                                                         {"verifier.vtpm_pcrs", "[10, 4]"},
                                                         {"machine.xsm", "false"},
                                                         {"costs.hypervisor.hypercall", "1 us"}});
    CHECK(loaded.config.seed == 77);
    CHECK(loaded.config.machine.guests.at(0).attach_after == sc_core::sc_time(2, sc_core::SC_SEC));
    CHECK(loaded.config.machine.guests.at(0).command_line == "a = b");
    CHECK(loaded.config.verifier.vtpm_pcr_mask == 0x410);
    CHECK_FALSE(loaded.config.machine.xsm);
    CHECK(loaded.config.machine.hypervisor_costs.hypercall == sc_core::sc_time(1, sc_core::SC_US));

    CHECK(mistake_in(small_scenario, {{"sed", "1"}}) == "--set: sed: unknown key; did you mean 'seed'?");
    CHECK(mistake_in(small_scenario, {{"seed", "x"}}) ==
          "--set: seed: expected a whole number from 0 to 9223372036854775807, got \"x\"");
    CHECK(mistake_in(small_scenario, {{"guest.g1.vtpm", "v2"}}) ==
          "--set: guest.g1.vtpm: unknown vTPM \"v2\"; did you mean 'v1'?");
    CHECK_THROWS_WITH(parse_override("seed"), "--set: expected key=value, got \"seed\"");
    CHECK_THROWS_WITH(parse_override("=1"), "--set: expected key=value, got \"=1\"");
}
