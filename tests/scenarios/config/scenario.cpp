#include "scenarios/config/scenario.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "models/hex.h"
#include "scenarios/schema/writer.h"
#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("a scenario becomes a complete configuration") {
    small_scenario_directory folder;
    loaded_scenario loaded = load_scenario(folder.file);
    const models::machine_config& machine = loaded.config.machine;
    CHECK(loaded.name == "test");
    CHECK(loaded.config.seed == 1);
    CHECK(loaded.config.time_limit == sc_core::sc_time(600, sc_core::SC_SEC));
    CHECK(machine.manager.locality == 2);
    CHECK(machine.manager.command_line == "tpmlocality=2");
    CHECK(machine.manager.disk.size == 2u << 20);
    REQUIRE(machine.vtpms.size() == 2);
    CHECK(machine.vtpms[0].administrator);
    CHECK(models::to_string(machine.vtpms[1].uuid) == "11111111-1111-4111-8111-111111111111");
    REQUIRE(machine.guests.size() == 1);
    const models::guest_config& guest = machine.guests[0];
    CHECK(guest.vtpm == "v1");
    CHECK_FALSE(guest.attach_after);
    // printf 'a kernel' | sha1sum
    CHECK(models::to_hex(guest.kernel.sha1) == "79d4dea321763e8600c2beb4d995c3eb79964f4f");
    CHECK(guest.kernel.content.size() == 8);
    // No initrd: pv-grub measures no bytes.
    CHECK(models::to_hex(guest.initrd.sha1) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    REQUIRE(guest.ima_files.size() == 2);
    CHECK(guest.ima_files[0].path == folder.at("ima/a"));
    CHECK(guest.ima_files[0].content.empty());
    CHECK(guest.ima_files[0].sha256.size() == 32);
}

TEST_CASE("the verifier approves what the file describes and not what an override makes of it") {
    small_scenario_directory folder;
    const std::string other = folder.at("other-kernel");
    loaded_scenario plain = load_scenario(folder.file);
    loaded_scenario changed = load_scenario(
        folder.file, {{"guest.g1.kernel", other}, {"guest.g1.command_line", "loud"}, {"vtpm.v1.label", "x"}});
    const models::guest_reference& expected = plain.config.verifier.guests.at("g1");
    const models::guest_reference& reference = changed.config.verifier.guests.at("g1");
    CHECK(changed.config.machine.guests[0].kernel.sha1 != plain.config.machine.guests[0].kernel.sha1);
    CHECK(changed.config.machine.guests[0].command_line == "loud");
    CHECK(reference.kernel_sha1 == expected.kernel_sha1);
    CHECK(reference.command_line == "quiet");
    CHECK(reference.vtpm_label == expected.vtpm_label);
    // What the file leaves open is filled by the override for both.
    loaded_scenario added =
        load_scenario(folder.write("open.toml", replaced(small_scenario, "kernel = \"kernel\"\n", "")),
                      {{"guest.g1.kernel", other}});
    CHECK(added.config.verifier.guests.at("g1").kernel_sha1 == added.config.machine.guests[0].kernel.sha1);
    // Both can be said at once.
    loaded_scenario both =
        load_scenario(folder.file, {{"guest.g1.kernel", other}, {"verifier.reference.g1.kernel", other}});
    CHECK(both.config.verifier.guests.at("g1").kernel_sha1 == both.config.machine.guests[0].kernel.sha1);
}

TEST_CASE("the verifier's references follow the guest unless the scenario says otherwise") {
    small_scenario_directory folder(small_scenario + "[verifier.reference.g1]\nkernel = \"other-kernel\"\n");
    loaded_scenario loaded = load_scenario(folder.file);
    const models::guest_reference& reference = loaded.config.verifier.guests.at("g1");
    CHECK(reference.kernel_sha1 != loaded.config.machine.guests[0].kernel.sha1);
    CHECK(reference.command_line == "quiet");
    CHECK(reference.vtpm_uuid == loaded.config.machine.vtpms[1].uuid);
    CHECK(reference.vtpm_label == "system_u:system_r:vtpm_t");
    CHECK(reference.ima_files.size() == 2);
    CHECK(reference.ima_files.begin()->second ==
          std::set<std::string>{"sha256:" +
                                models::to_hex(loaded.config.machine.guests[0].ima_files[0].sha256)});
    CHECK(loaded.config.verifier.deep_quote_flags == 7);
}

TEST_CASE("behaviours are chosen together and one by one") {
    using models::behaviour;
    small_scenario_directory folder(
        "[machine]\nbehaviour = \"hardened\"\n[behaviours]\n"
        "vtpm.load_error_becomes_fresh_tpm = \"faithful\"\n" +
        small_scenario);
    models::behaviour_set set = load_scenario(folder.file).config.machine.behaviours;
    CHECK(set.faithful(behaviour::vtpm_load_error_becomes_fresh_tpm));
    CHECK(set.hardened(behaviour::tpmback_lowest_domid_served_first));
    small_scenario_directory plain;
    CHECK(load_scenario(plain.file).config.machine.behaviours == models::behaviour_set{});
}

TEST_CASE("every key of a scenario is used by someone") {
    small_scenario_directory folder(small_scenario + R"(initrd = "other-kernel"
attach_after = "1 s"
quote = "TPM_Quote2"
recording = "record"
[manager.disk]
path = "kernel"
[vtpm.v1.disk]
path = "kernel"
[[machine.firmware]]
pcr = 1
description = "d"
sha1 = "00112233445566778899aabbccddeeff00112233"
[expect.g1]
verdict = "trusted"
[guest.g1.load]
command = "vtpm_pcr_read"
loop = "closed"
interval = "1 ms"
spacing = "constant"
count = 3
duration = "1 s"
warm_up = "1 ms"
start = "20 s"
deadline = "5 ms"
when = "after_attestation"
[outcome]
allowed = ["O1"]
[faults.f]
kind = "domain.paused"
target = "g1"
on = "g1.ring"
where = { side = "front" }
at = "1 s"
probability = 0.5
for = "1 ms"
[faults.g]
kind = "chip.code_instead"
target = "tpm.chip"
with = { code = "TPM_FAIL" }
[verifier.reference.g1]
quote = "TPM_Quote2"
firmware_log = "log"
ima_list = "list"
)");
    folder.write("log", std::string("\4\0\0\0\r\0\0\0", 8) + std::string(20, 'd') + std::string(4, '\0'));
    folder.write("list",
                 "10 " + std::string(40, '1') + " ima-ng sha256:" + std::string(64, '2') + " /bin/sh\n");
    folder.write("record", "{\"vtwin_recording\":1,\"tpm\":\"1.2\",\"start\":\"guest\"}\n");
    const std::string at_hardware = folder.write(
        "at_hardware", "{\"vtwin_recording\":1,\"tpm\":\"1.2\",\"start\":\"guest\",\"at\":\"hardware\"}\n");
    loaded_scenario loaded = load_scenario(folder.file, {{"machine.bus_khz", "1000"},
                                                         {"machine.bus_wait_clocks", "2"},
                                                         {"machine.dom0_tpm_locality", "0"},
                                                         {"machine.dom0_recording", at_hardware}});
    for (const key_declaration& key : all_keys()) {
        // Bases and fleets are gone once they are read.
        if (key.pattern == "base" || key.pattern == "without" || key.pattern.starts_with("fleet."))
            continue;
        bool present = false;
        for (const auto& [path, entry] : loaded.all.entries())
            present = present || find_key(path) == &key;
        INFO(key.pattern);
        CHECK(present);
    }
    CHECK(loaded.all.unread() == std::vector<std::string>{});
}

TEST_CASE("an approved IMA list may name a file more than once and in any algorithm") {
    const small_scenario_directory folder(small_scenario + "[verifier.reference.g1]\nima_list = \"list\"\n");
    const std::string first = folder.path() / "ima/a", start = "10 " + std::string(40, '1') + " ima-ng ";
    folder.write("list", start + "sha1:" + std::string(40, '2') + " boot_aggregate\n" + start + "sha256:" +
                             std::string(64, '3') + " /bin/sh\n" + start + "sha256:" + std::string(64, '4') +
                             " /bin/sh\n" + start + "sha1:" + std::string(40, '5') + ' ' + first + '\n');
    const loaded_scenario loaded = load_scenario(folder.file);
    const auto& approved = loaded.config.verifier.guests.at("g1").ima_files;
    CHECK(approved.size() == 3);
    CHECK(approved.at("/bin/sh") ==
          std::set<std::string>{"sha256:" + std::string(64, '3'), "sha256:" + std::string(64, '4')});
    CHECK(approved.at(first).size() == 2);
    CHECK(approved.at(first).contains("sha1:" + std::string(40, '5')));
}

TEST_CASE("a recording is refused where its TPM is not") {
    const small_scenario_directory folder;
    const auto header = [&](const std::string& name, const std::string& rest) {
        return folder.write(name, "{\"vtwin_recording\":1," + rest + "}\n");
    };
    const auto refusal = [&](std::vector<override_text> overrides, bool with_driver = true) {
        if (with_driver)
            overrides.push_back({"machine.dom0_tpm_locality", "0"});
        try {
            load_scenario(folder.file, overrides);
            return std::string();
        } catch (const user_error& error) {
            return std::string(error.what());
        }
    };
    const auto says = [](const std::string& text, const std::string& part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    const std::string key = "machine.dom0_recording";
    const std::string made = header("made", R"("tpm":"1.2","start":"guest","at":"hardware")"),
                      alone = header("alone", R"("tpm":"1.2","start":"clear","at":"hardware")"),
                      two = header("two", R"("tpm":"2.0","start":"guest","at":"hardware")"),
                      guests = header("guests", R"("tpm":"1.2","start":"guest")");
    CHECK(refusal({{key, made}}) == "");
    says(refusal({{key, made}}, false), "expected machine.dom0_tpm_locality");
    says(refusal({{key, two}}), "made with a TPM of the other family than machine.chip");
    says(refusal({{key, guests}}), "made at a guest's TPM: expected guest.NAME.recording");
    says(refusal({{key, alone}}), "expected guest.NAME.attestations = 0 for each guest");
    CHECK(refusal({{key, alone}, {"guest.g1.attestations", "0"}}) == "");
    says(refusal({{key, folder.at("none")}}), "recording ");
    says(refusal({{"guest.g1.recording", made}}),
         "made at the hardware TPM: expected machine.dom0_recording");
    CHECK(refusal({{"guest.g1.recording", guests}}) == "");
}

TEST_CASE("faults are complete checked and written back") {
    small_scenario_directory folder(small_scenario + R"([faults.busy]
kind = "chip.code_instead"
target = "tpm.chip"
where = { ordinal = "TPM_PCRRead" }
probability = "0.25"
)");
    const auto loaded = load_scenario(folder.file);
    REQUIRE(loaded.faults.size() == 1);
    const auto& busy = loaded.faults[0];
    CHECK(busy.when.on == "tpm.chip");
    CHECK(busy.when.per_million == 250'000);
    CHECK(busy.parameters.at("code") == "TPM_RETRY");
    CHECK(loaded.all.text("faults.busy.with.code") == "TPM_RETRY");
    const auto again = std::filesystem::path(folder.file).parent_path() / "again.toml";
    std::ofstream(again) << write_settings(loaded.all);
    const auto reread = load_scenario(again.string());
    REQUIRE(reread.faults.size() == 1);
    CHECK(reread.faults[0].parameters == busy.parameters);
    CHECK(reread.faults[0].when.where == busy.when.where);
    CHECK(reread.all.same_values(loaded.all));
}

TEST_CASE("faults that aim at nothing or never fire are refused at their line with the nearest choice") {
    const auto mistake = [](const std::string& lines) {
        return mistake_in(small_scenario + "[faults.f]\n" + lines);
    };
    const std::string chip = "kind = \"chip.code_instead\"\ntarget = \"tpm.chip\"\n";
    const auto says = [](const std::string& text, const std::string& part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    says(mistake("kind = \"chip.code_insted\"\ntarget = \"tpm.chip\"\n"), "did you mean 'chip.code_instead'");
    says(mistake("kind = \"chip.code_instead\"\ntarget = \"tpm.chp\"\n"), "did you mean 'tpm.chip'");
    says(mistake("kind = \"chip.code_instead\"\ntarget = \"v1.disk\"\n"), "is of class disk");
    says(mistake(chip + "with = { code = \"TPM_RETRI\" }\n"), "TPM_RETRY");
    says(mistake(chip + "with = { cod = \"TPM_RETRY\" }\n"), "did you mean 'code'");
    says(mistake(chip + "where = { lokality = 2 }\n"), "did you mean 'locality'");
    says(mistake(chip + "where = { operation = \"comand\" }\n"), "never happens there");
    says(mistake(chip + "where = { locality = \"4..2\" }\n"), "upside down");
    says(mistake(chip + "probability = 0\n"), "probability above 0");
    says(mistake("kind = \"domain.crashed\"\ntarget = \"g1\"\n"), "a fault needs a time");
    says(mistake("kind = \"domain.crashed\"\ntarget = \"g1\"\non = \"g2.ring\"\n"),
         "is no wire of this machine");
}

TEST_CASE("a scenario changes the one that it is based on") {
    small_scenario_directory folder;
    const auto derived = (std::filesystem::path(folder.file).parent_path() / "derived.toml").string();
    std::ofstream(derived) << "base = \"./test.toml\"\nseed = 9\n[guest.g1]\ncommand_line = \"loud\"\n";
    const auto plain = load_scenario(folder.file), changed = load_scenario(derived);
    CHECK(changed.config.seed == 9);
    CHECK(changed.config.machine.guests[0].command_line == "loud");
    CHECK(changed.config.machine.guests[0].kernel.sha1 == plain.config.machine.guests[0].kernel.sha1);
    CHECK(changed.config.verifier.guests.at("g1").command_line == "loud");
    CHECK(changed.all.unread() == std::vector<std::string>{});
}

TEST_CASE("a base that is missing or leads back is the mistake of the file that names it") {
    small_scenario_directory folder;
    const auto derived = (std::filesystem::path(folder.file).parent_path() / "derived.toml").string();
    const auto mistake = [&](const std::string& base) {
        std::ofstream(derived) << "seed = 9\nbase = " << base << "\n";
        try {
            load_scenario(derived);
        } catch (const user_error& error) {
            return error.problems().at(0).where.line == 2 ? error.problems()[0].text : "at another line";
        }
        return std::string("none");
    };
    CHECK(mistake("\"./" + std::filesystem::path(derived).filename().string() + "\"").find("leads back") !=
          std::string::npos);
    CHECK(mistake("\"./nowhere.toml\"").starts_with("no such scenario"));
    CHECK(mistake("7") == "expected the name or path of a scenario");
}

TEST_CASE("wrong wiring is reported at its line") {
    CHECK(mistake_in(replaced(small_scenario, "[manager]\nlocality = 2\n", "\n")) ==
          "test.toml: manager: missing; a machine needs a [manager] section");
    CHECK(mistake_in(replaced(small_scenario, "administrator = true\n\n[vtpm.v1]\nbackend = \"vtpmmgr\"",
                              "administrator = true\n\n[vtpm.v1]\nbackend = \"mgr\"")) ==
          "test.toml:10: vtpm.v1.backend: unknown backend \"mgr\"; the manager's domain is \"vtpmmgr\"");
    CHECK(mistake_in(replaced(small_scenario, "11111111-1111-4111-8111-111111111111",
                              "00000000-0000-4000-8000-000000000000")) ==
          "test.toml:11: vtpm.v1.uuid: the same UUID as vtpm.admin (test.toml:6)");
    CHECK(mistake_in(replaced(small_scenario, "vtpm = \"v1\"", "vtpm = \"admin\"")) ==
          "test.toml:14: guest.g1.vtpm: \"admin\" is the administrator's vTPM, attached to dom0");
    CHECK(mistake_in(small_scenario + "[guest.g2]\nvtpm = \"v1\"\nkernel = \"kernel\"\n") ==
          "test.toml:19: guest.g2.vtpm: \"v1\" serves another guest: guest.g1.vtpm (test.toml:14)");
    CHECK(mistake_in(replaced(small_scenario, "administrator = true\n", "")) ==
          "test.toml:4: vtpm: one vTPM must have administrator = true, for dom0");
    CHECK(mistake_in(small_scenario + "[expect.g2]\nverdict = \"trusted\"\n") ==
          "test.toml:18: expect.g2: unknown guest; did you mean 'g1'?");
    CHECK(mistake_in(replaced(small_scenario, "[guest.g1]", "[guest.v1]")) ==
          "test.toml:13: guest.v1: the name \"v1\" is taken already: vtpm.v1");
    CHECK(mistake_in(replaced(small_scenario, "[guest.g1]", "[guest.xenstored]")) ==
          "test.toml:13: guest.xenstored: the name \"xenstored\" is taken already: a part of the machine");
    CHECK(mistake_in(small_scenario + "[verifier]\nvtpm_pcrs = []\n") ==
          "test.toml:19: verifier.vtpm_pcrs: expected at least one PCR, got none");
    CHECK(mistake_in("time_limit = \"0 s\"\n" + small_scenario).find("test.toml:1: time_limit: ") == 0);
    CHECK(mistake_in("name = \"" + std::string(65, 'a') + "\"\n" + small_scenario)
              .starts_with("test.toml:1: name: expected a name of at most 64 "));
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "extra = \"tpmlocality=2\"")) ==
          "test.toml:2: manager.extra: tpmlocality= belongs into manager.locality");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "extra = \"autocreate=0 tpm2=1\"")) ==
          "test.toml:2: manager.extra: the machine's chip is a TPM 1.2; expected no tpm2=1");
    CHECK(mistake_in(replaced(small_scenario, "[vtpm.v1]", "[vtpm.v1]\nextra = \"save hwinitpcr=17\"")) ==
          "test.toml:10: vtpm.v1.extra: PCRs of the hardware TPM are not copied into a vTPM; expected no "
          "hwinitpcr=");
    CHECK(mistake_in("name = \"../elsewhere\"\n" + small_scenario) ==
          "test.toml:1: name: expected a name of at most 64 letters, digits, - and _, got \"../elsewhere\"");
}

TEST_CASE("files that cannot take part are reported at their line") {
    CHECK(mistake_in(replaced(small_scenario, "\"kernel\"", "\"none\"")) ==
          "test.toml:15: guest.g1.kernel: none: no such file\n"
          "test.toml:15: verifier.reference.g1.kernel: none: no such file");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "disk.path = \"none\"")) ==
          "test.toml:2: manager.disk.path: disk image none: no such file");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "disk.path = \"ima\"")) ==
          "test.toml:2: manager.disk.path: disk image ima: is a directory");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "disk.path = \"/dev/zero\"")) ==
          "test.toml:2: manager.disk.path: disk image /dev/zero: is no regular file");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2",
                              "disk.size = \"65 KiB\"\ndisk.path = \"test.toml\"")) == "");
    CHECK(mistake_in(replaced(small_scenario, "locality = 2", "disk.size = \"65537 B\"")) ==
          "test.toml:2: manager.disk.size: expected whole sectors of 512 B");
}

TEST_CASE("an unknown profile is reported with those that there are") {
    std::string message = mistake_in("[machine]\nchip = \"slb9653\"\n" + small_scenario);
    CHECK(
        message.starts_with("test.toml:2: machine.chip: no profile \"slb9653\" in profiles/chips (there: "));
    CHECK(message.ends_with("; did you mean 'slb9635'?"));
}

TEST_CASE("every scenario of the library is right") {
    std::vector<library_entry> list = list_scenarios();
    CHECK(list.size() >= 3);
    for (const library_entry& each : list) {
        INFO(each.name);
        CHECK_FALSE(each.description.empty());
        CHECK_NOTHROW(load_scenario(each.name));
    }
}

TEST_CASE("a vTPM is a TPM 1.2 unless it says 2.0 and its guest and its reference follow it") {
    using vtwin::tpm::family;
    small_scenario_directory plain;
    const loaded_scenario old = load_scenario(plain.file);
    CHECK(old.config.machine.vtpms.at(1).version == family::tpm12);
    CHECK(old.config.machine.guests.at(0).vtpm_version == family::tpm12);
    CHECK(old.config.verifier.guests.at("g1").version == family::tpm12);
    const std::string text = replaced(small_scenario, "[guest.g1]", "version = \"2.0\"\n[guest.g1]");
    const loaded_scenario two = load_scenario(plain.write("two.toml", text));
    CHECK(two.config.machine.vtpms.at(0).version == family::tpm12);  // the administrator's
    CHECK(two.config.machine.vtpms.at(1).version == family::tpm20);
    CHECK(two.config.machine.guests.at(0).vtpm_version == family::tpm20);
    const auto& reference = two.config.verifier.guests.at("g1");
    CHECK(reference.version == family::tpm20);
    CHECK(reference.kernel_sha256 == two.config.machine.guests[0].kernel.sha256);
    // printf '' | sha256sum
    CHECK(models::to_hex(reference.initrd_sha256) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    // What runs may be changed; what the verifier accepts stays.
    const loaded_scenario changed = load_scenario(plain.file, {{"vtpm.v1.version", "2.0"}});
    CHECK(changed.config.machine.guests.at(0).vtpm_version == family::tpm20);
    CHECK(changed.config.verifier.guests.at("g1").version == family::tpm12);
}

TEST_CASE("a guest quotes by TPM_Quote unless it says otherwise and a reference may insist") {
    using models::quote_command;
    small_scenario_directory plain;
    const loaded_scenario old = load_scenario(plain.file);
    CHECK(old.config.machine.guests.at(0).quote == quote_command::quote);
    CHECK_FALSE(old.config.verifier.guests.at("g1").quote);
    CHECK_FALSE(old.all.has("guest.g1.quote"));
    const loaded_scenario other = load_scenario(
        plain.file, {{"guest.g1.quote", "TPM_Quote2"}, {"verifier.reference.g1.quote", "TPM_Quote"}});
    CHECK(other.config.machine.guests.at(0).quote == quote_command::quote2);
    CHECK(other.config.verifier.guests.at("g1").quote == quote_command::quote);
    CHECK_THAT(mistake_in(small_scenario + "quote = \"TPM_Quote3\"\n"), Catch::Contains("TPM_Quote2"));
    // A TPM 2.0 knows neither.
    const std::string two = replaced(small_scenario, "[guest.g1]", "version = \"2.0\"\n[guest.g1]");
    CHECK(mistake_in(two) == "");
    CHECK_THAT(mistake_in(two + "quote = \"TPM_Quote\"\n"),
               Catch::Contains("guest.g1.quote: a TPM 2.0 quotes by"));
    CHECK_THAT(mistake_in(two, {{"verifier.reference.g1.quote", "TPM_Quote2"}}),
               Catch::Contains("verifier.reference.g1.quote: a TPM 2.0 quotes by"));
}
