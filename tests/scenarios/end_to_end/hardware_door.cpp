// Programs outside use the machine's own TPM, through dom0's driver and beside the manager.
#include "models/live/served_chip.h"
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/tcsd.h"
#include "tests/scenarios/end_to_end/whole_machine.h"

using namespace vtwin::scenario::test;

namespace {

const std::string read_pcr0 = "00c10000000e0000001500000000", pcr_head = "00c40000001e00000000";

/// Reads PCR 0 of the chip at given times, and keeps what came and how long it took.
struct reader final : vtwin::models::live::work_if {
    explicit reader(std::vector<double> at_ms) : at(std::move(at_ms)) {}
    std::optional<item> next() override {
        if (came.size() == at.size())
            return std::nullopt;
        item found;
        found.what.data = *vtwin::models::from_hex(read_pcr0);
        found.at = ms(at[came.size()]);
        return found;
    }
    void done(const vtwin::models::live::operation&, vtwin::models::live::answer result) override {
        came.push_back(result.ok() ? vtwin::models::to_hex(result.data) : std::to_string(result.error));
        took.push_back(result.ended - result.begun);
    }
    std::vector<double> at;
    lines came;
    std::vector<sc_core::sc_time> took;
};

struct localities_seen final : tlm::tlm_analysis_if<vtwin::tpm::chip_command> {
    void write(const vtwin::tpm::chip_command& what) override {
        order += static_cast<char>('0' + what.locality);
    }
    std::string order;
};

/// The latencies in commands.csv, in nanoseconds.
std::vector<std::int64_t> latencies(const std::string& table) {
    std::vector<std::int64_t> found;
    std::istringstream in(table);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        std::size_t at = 0;
        for (int commas = 0; commas < 6; ++commas)
            at = line.find(',', at) + 1;
        found.push_back(std::stoll(line.substr(at)));
    }
    return found;
}

}  // namespace

TEST_CASE("a hardware door fails beside an idle manager that keeps its locality and says so") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--at", "hardware", "--listen", door(folder)});
    {
        const socket_client client(folder.at("s"));
        CHECK(client.ask(read_pcr0) == failed12);
        CHECK(client.ask(read_pcr0) == failed12);
    }
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "the manager keeps locality 2 while it has nothing to do"));
    CHECK(contains(ended.out, "guest2: TRUSTED"));
    const std::string table = content_of(served.path("run/commands.csv"));
    CHECK(contains(table, ",command,tpm0,0,00000015,"));
    CHECK(contains(table, ",failed -32\n"));
    CHECK(contains(content_of(served.path("run/scenario.resolved.toml")), "dom0_tpm_locality = 0"));
    // TIMEOUT_A is 1 s, as the chip has told; each of 201 looks at TPM_ACCESS takes some 3.5 us besides.
    for (const auto latency : latencies(table)) {
        CHECK(latency >= 1'000'000'000);
        CHECK(latency < 1'001'000'000);
    }
}

TEST_CASE("dom0 reads the chip while the manager is busy and not while it is idle") {
    // From 40 s on guest1 asks for the chip for 3 s, through its vTPM and the manager.
    whole_machine w({{"machine.dom0_tpm_locality", "0"},
                     {"guest.guest1.load.command", "chip_pcr_read"},
                     {"guest.guest1.load.loop", "closed"},
                     {"guest.guest1.load.start", "40 s"},
                     {"guest.guest1.load.duration", "3 s"}});
    reader work({41'000, 41'200, 41'400, 41'600, 50'000, 52'000});
    const auto served = w.platform.serve_chip(work, vtwin::models::live::start_mode::dom0);
    int loaded = 0, failed = 0;
    w.guest("guest1").on_load_operation = [&](const vtwin::models::load_operation& what) {
        ++loaded;
        failed += !what.ok();
    };
    localities_seen seen;
    w.platform.hardware().tis().commands.bind(seen);
    const auto& outcome = w.run();
    INFO(outcome.problem);
    CHECK(outcome.finished);
    CHECK(w.verdict("guest1", outcome) == "trusted");
    CHECK(loaded > 50);
    CHECK(failed == 0);
    REQUIRE(work.came.size() == 6);
    // What the firmware has measured into PCR 0.
    const std::string value = pcr_head + "868d393d583799dca82ab451741b9b20adf9a92d";
    for (int i = 0; i < 4; ++i) {
        CHECK(work.came[i] == value);
        CHECK(work.took[i] < ms(60));
    }
    // The request of the first one that failed is still there with the second: the chip is nobody's gift.
    for (int i = 4; i < 6; ++i) {
        CHECK(work.came[i] == "-32");
        CHECK(work.took[i] >= ms(1000));
        CHECK(work.took[i] < ms(1001));
    }
    CHECK(contains(seen.order, "20202") == false);  // between two of dom0's the manager has many
    CHECK(contains(seen.order, "202"));
}

TEST_CASE("tpm-tools own the machine's TPM when dom0 is alone with it") {
    if (!tcsd_is_there())
        return;
    temporary_directory folder;
    const fs::path& here = folder.path();
    fs::permissions(here, fs::perms(0755));  // tcsd leaves root's rights before it opens its device
    const std::string port = std::to_string(two_free_ports());
    served_program served({"deep_attestation", "--at", "hardware", "--listen", "raw:tcp:" + port, "--start",
                           "clear", "--set", "machine.dom0_tpm_locality=2"});
    {
        const tcsd daemon(here, {"TCSD_TCP_DEVICE_HOSTNAME=127.0.0.1", "TCSD_TCP_DEVICE_PORT=" + port});
        const auto owned = daemon.run(
            "tpm_version\n"
            "tpm_takeownership -y -z\n"
            "printf secret > in\n"
            "tpm_sealdata -z -p 0 -p 16 -i in -o sealed\n"
            "tpm_unsealdata -z -i sealed -o out\n"
            "cmp in out\n"
            "tpm_nvdefine -i 0x11101 -s 32 -y -p 'AUTHWRITE|AUTHREAD' -asecret\n"
            "tpm_nvwrite -i 0x11101 -s 5 -d hello -psecret\n"
            "tpm_nvread -i 0x11101 -psecret\n",
            here);
        INFO(owned.out << owned.err << content_of(here / "tcsd.log"));
        CHECK(owned.code == 0);
        CHECK(contains(owned.out, "TPM 1.2 Version Info"));
        CHECK(contains(owned.out, "68 65 6c 6c 6f"));
    }
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK_FALSE(contains(ended.out, "the manager keeps"));
    // Nobody attested, as nobody was started.
    CHECK(result_of(served.path("run"))["verdicts"].empty());
    CHECK(contains(content_of(served.path("run/commands.csv")), ",command,tpm0,0,0000000d,"));
}

TEST_CASE("tpm-tools find the manager's owner in the machine's TPM when the manager lets them in") {
    if (!tcsd_is_there())
        return;
    temporary_directory folder;
    const fs::path& here = folder.path();
    fs::permissions(here, fs::perms(0755));
    const std::string port = std::to_string(two_free_ports());
    served_program served({"deep_attestation", "--at", "hardware", "--listen", "raw:tcp:" + port, "--set",
                           "manager.keeps_locality=false"});
    {
        const tcsd daemon(here, {"TCSD_TCP_DEVICE_HOSTNAME=127.0.0.1", "TCSD_TCP_DEVICE_PORT=" + port});
        const auto version = daemon.run("tpm_version", here);
        INFO(version.out << version.err << content_of(here / "tcsd.log"));
        CHECK(version.code == 0);
        const auto second = daemon.run("tpm_takeownership -y -z", here);
        INFO(second.out << second.err);
        CHECK(second.code != 0);
        CHECK(contains(second.out + second.err, "0x00000008"));  // TPM_DISABLED_CMD: it has an owner
    }
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "guest1: TRUSTED"));
}

TEST_CASE("switching the machine's TPM off and on leaves dom0 alone with it") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--at", "hardware", "--listen", door(folder), "--listen",
                           door(folder, "c", "swtpm")});
    {
        const socket_client data(folder.at("s")), control(folder.at("c.ctrl"));
        CHECK(data.ask(read_pcr0) == failed12);
        CHECK(control.ask(swtpm_stop) == done);
        CHECK(data.ask(read_pcr0) == failed12);
        CHECK(control.ask(swtpm_init) == done);
        CHECK(data.ask(read_pcr0) == not_started12);
        CHECK(data.ask(startup12) == success12);
        // The firmware's measurements are gone, and so is the manager.
        CHECK(data.ask(read_pcr0) == pcr_head + std::string(40, '0'));
        // GET_TPMESTABLISHED, HASH_START, HASH_DATA, HASH_END; a chip gives nobody its state.
        CHECK(control.ask("00000004") == "0000000000000000");
        CHECK(control.ask("00000006") == done);
        CHECK(control.ask("0000000700000001aa") == done);
        CHECK(control.ask("00000008") == done);
        CHECK(control.ask("00000004") == "0000000001000000");
        CHECK_FALSE(control.ask("0000000b000000000000000100000000").starts_with(done));
    }
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "guest1: TRUSTED"));
    CHECK(latencies(content_of(served.path("run/commands.csv")))[1] < 1'000'000);
}

TEST_CASE("the machine can be switched off before its guests are started") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--at", "hardware", "--listen", door(folder), "--listen",
                           door(folder, "c", "swtpm"), "--start", "dom0"});
    {
        const socket_client data(folder.at("s")), control(folder.at("c.ctrl"));
        CHECK(control.ask(swtpm_stop) == done);
        CHECK(control.ask(swtpm_init) == done);
        CHECK(data.ask(startup12) == success12);
        CHECK(control.ask(swtpm_init) == done);
        CHECK(data.ask(startup12) == success12);
    }
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 1);  // the scenario expects that they attest
    CHECK(contains(ended.out, "expected guest1: trusted  DID NOT HOLD; seen: no verdict"));
    // xl is let finish what it is at.
    const auto took = latencies(content_of(served.path("run/commands.csv")));
    REQUIRE(took.size() == 5);
    CHECK(took[0] < 10'000'000'000);
    CHECK(took[1] < 31'000'000);  // TPM_Init of the chip: 30 ms
}

TEST_CASE("what clients did at the hardware is done again there and nowhere else") {
    temporary_directory folder;
    const std::string record = folder.at("record.jsonl"), random = "00c10000000e0000004600000010";
    served_program served({"deep_attestation", "--at", "hardware", "--listen", door(folder), "--start",
                           "clear", "--record", record});
    std::string answered;
    {
        const socket_client client(folder.at("s"));
        for (int i = 0; i < 3; ++i)
            answered = client.ask(random);
    }
    REQUIRE(served.stop().code == 0);
    const std::string text = content_of(record);
    CHECK(contains(text, R"({"vtwin_recording":1,"tpm":"1.2","start":"clear","at":"hardware"})"));
    CHECK(contains(text, R"("answer":")" + answered + '"'));
    const std::vector<std::string> alone = {"run",
                                            "deep_attestation",
                                            "--set",
                                            "guest.guest1.attestations=0",
                                            "--set",
                                            "guest.guest2.attestations=0",
                                            "--no-vcd",
                                            "--out",
                                            folder.at("again")};
    const auto with = [&](std::vector<std::string> words, const std::vector<std::string>& more) {
        words.insert(words.end(), more.begin(), more.end());
        return run_program(words);
    };
    const auto again =
        with(alone, {"--set", "machine.dom0_recording=" + record, "--set", "machine.dom0_tpm_locality=0"});
    INFO(again.out + again.err);
    CHECK(contains(again.out, "3 recorded operations done again, 0 answers differ"));
    CHECK(again.code == 1);  // guests that are not started are not trusted, either
    const auto driverless = with(alone, {"--set", "machine.dom0_recording=" + record});
    CHECK(driverless.code == 2);
    CHECK(contains(driverless.err, "expected machine.dom0_tpm_locality"));
    const auto elsewhere = with(alone, {"--set", "guest.guest1.recording=" + record});
    CHECK(elsewhere.code == 2);
    CHECK(contains(elsewhere.err, "was made at the hardware TPM: expected machine.dom0_recording"));
    const auto twice =
        run_program({"serve", "deep_attestation", "--at", "hardware", "--listen", door(folder), "--set",
                     "machine.dom0_recording=" + record, "--set", "machine.dom0_tpm_locality=0", "--set",
                     "guest.guest1.attestations=0", "--set", "guest.guest2.attestations=0"});
    CHECK(twice.code == 2);
    CHECK(contains(twice.err, "leave one of them out"));
}

TEST_CASE("one read of the chip by dom0 takes it from the manager") {
    temporary_directory folder;
    const auto run = run_program({"run", "dom0_at_the_chip", "--no-vcd", "--out", folder.at("run")});
    INFO(run.out << run.err);
    CHECK(run.code == 0);
    CHECK(contains(run.out, "1 recorded operations done again, 0 answers differ"));
    CHECK(contains(run.out, "the manager gave no entropy"));
    CHECK(contains(run.out, "expected I-C5 broken  held"));
    CHECK(contains(run.out, "expected guest1: untrusted, attestation failed  held"));
    // A manager that gives its locality up loses nothing, and the command does not fail.
    const auto shared = run_program({"run", "dom0_at_the_chip", "--set", "manager.keeps_locality=false",
                                     "--no-vcd", "--out", folder.at("shared")});
    CHECK(shared.code == 1);
    CHECK(contains(shared.out, "1 recorded operations done again, 1 answers differ"));
    CHECK(contains(shared.out, "guest1: TRUSTED"));
    CHECK(contains(shared.out, "expected I-C5 broken  DID NOT HOLD"));
}

TEST_CASE("a hardware door that cannot be is refused before anything runs") {
    temporary_directory folder;
    const auto refusal = [&](const std::vector<std::string>& words) {
        std::vector<std::string> all = {"serve", "deep_attestation", "--out", folder.at("run")};
        all.insert(all.end(), words.begin(), words.end());
        const auto result = run_program(all);
        CHECK(result.code == 2);
        CHECK_FALSE(fs::exists(folder.at("run")));
        return result.err;
    };
    CHECK(contains(refusal({"--at", "hardware", "--guest", "guest1", "--listen", door(folder)}),
                   "which is no guest's: leave --guest out"));
    CHECK(contains(refusal({"--guest", "guest1", "--start", "dom0", "--listen", door(folder)}),
                   "expected guest, init or clear"));
    CHECK(contains(refusal({"--at", "hardware", "--listen", door(folder) + ",device=tpmrm0"}),
                   "the machine has a TPM 1.2, for which Linux has no /dev/tpmrm0"));
    CHECK(contains(
        refusal({"--at", "hardware", "--listen", door(folder), "--set", "machine.dom0_tpm_locality=4"}),
        "machine.dom0_tpm_locality"));
    CHECK(contains(refusal({"--at", "hardware", "--listen", door(folder, "s", "attest")}),
                   "a guest's agent, which the hardware has not"));
    CHECK(contains(refusal({"--at", "hardwear", "--listen", door(folder)}), "hardware"));
}
