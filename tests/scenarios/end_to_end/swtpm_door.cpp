// The swtpm door against the programs that know swtpm: swtpm_ioctl, swtpm_bios, tpm2-tools, swtpm itself.
#include <array>
#include <memory>

#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/real_clients.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// A served guest with this door, and the words of its clients.
struct swtpm_bench {
    temporary_directory folder;
    served_program served;
    std::string data = folder.at("s"), control = data + ".ctrl";

    explicit swtpm_bench(std::vector<std::string> words)
        : served([&] {
              words.insert(words.end(), {"--listen", door(folder, "s", "swtpm")});
              return words;
          }()) {}
    std::string ioctl(const std::string& words) const {
        return shell("swtpm_ioctl --unix " + control + " " + words);
    }
    program_result failing_ioctl(const std::string& words) const {
        return start({"sh", "-c", "swtpm_ioctl --unix " + control + " " + words});
    }
    /// tpm2-tools with the swtpm TCTI, in the folder.
    std::string tools(const std::string& lines) const {
        return shell("set -e; cd " + folder.path().string() + "; export TPM2TOOLS_TCTI=swtpm:path=" + data +
                     "\n" + lines);
    }
    void end_well() {
        const auto& ended = served.stop();
        INFO(ended.out << ended.err);
        CHECK(ended.code == 0);
        CHECK(fs::exists(served.path("run/result.json")));
        CHECK_FALSE(fs::exists(served.path("run/INCOMPLETE")));
        CHECK_FALSE(fs::exists(data));
        CHECK_FALSE(fs::exists(control));
    }
};

}  // namespace

TEST_CASE("swtpm_ioctl finds all its commands on a TPM 2.0 and state survives a power cycle") {
    if (!installed({"swtpm_ioctl", "tpm2_pcrread"}))
        return;
    swtpm_bench world({"tpm2_guest", "--start", "init"});
    CHECK(contains(world.ioctl("-c"), "ptm capability is 0xffff"));
    world.ioctl("-i");
    CHECK(contains(world.ioctl("-e"), "tpmEstablished is 0"));
    CHECK(contains(world.ioctl("-g"), "0x0"));
    CHECK(contains(world.ioctl("--info 1"),
                   R"({"TPMSpecification":{"family":"2.0","level":0,"revision":164}})"));
    // A hash sequence after Startup: PCR 17 is 0, then extended with SHA-256("vtwin"), and the bit is set.
    world.tools("tpm2_startup -c");
    world.ioctl("-h vtwin");
    CHECK(contains(world.ioctl("-e"), "tpmEstablished is 1"));
    CHECK(contains(world.tools("tpm2_pcrread sha256:17"),
                   "0xE949E93D2ECD2BC1A8325FFE3DF6191E2791F3AB950A1E0436772DC223D8A3D4"));
    world.ioctl("-r 3");
    CHECK(contains(world.ioctl("-e"), "tpmEstablished is 0"));
    CHECK(contains(world.failing_ioctl("-r 0").err, "0x3d"));
    world.ioctl("-l 4");
    world.ioctl("-l 0");
    CHECK(world.failing_ioctl("-l 5").code != 0);
    world.ioctl("-C");
    CHECK(contains(world.failing_ioctl("-b 4096").err, "0xa"));  // it runs

    world.tools("tpm2_pcrextend 16:sha256=" + std::string(63, '0') + "1");
    const std::string before = world.tools("tpm2_pcrread sha256:16");
    world.ioctl("--save permanent " + world.folder.at("permanent"));
    world.ioctl("--save volatile " + world.folder.at("volatile"));
    world.ioctl("-v");
    world.ioctl("--stop");
    CHECK(contains(world.failing_ioctl("-e").err, "0xa"));
    CHECK(contains(world.ioctl("-b 3000"), "4096"));
    CHECK(socket_client(world.data).ask(get_random20) == failed20);
    // STORE_VOLATILE: the TPM goes on where it was, once as swtpm_ioctl asks for it.
    world.ioctl("-i");
    CHECK(world.tools("tpm2_pcrread sha256:16") == before);
    world.ioctl("-i");
    CHECK(socket_client(world.data).ask(get_random20) == not_started20);
    // SHUTDOWN is the end of a swtpm; here the next client can go on.
    world.ioctl("-s");
    CHECK(world.failing_ioctl("--save permanent " + world.folder.at("none")).code != 0);
    world.ioctl("--load permanent " + world.folder.at("permanent"));
    world.ioctl("--load volatile " + world.folder.at("volatile"));
    world.ioctl("-i");
    CHECK(world.tools("tpm2_pcrread sha256:16") == before);
    CHECK(world.failing_ioctl("--load permanent " + world.folder.at("permanent")).code != 0);  // it runs
    world.end_well();
    CHECK(contains(world.served.stop().out, "SHUTDOWN"));
}

TEST_CASE("tpm2-tools quote and use policies through a swtpm door") {
    if (!installed({"tpm2_quote"}))
        return;
    swtpm_bench world({"tpm2_guest", "--start", "clear"});
    CHECK(world.tools("tpm2_getrandom --hex 16").size() == 32);
    world.tools(R"(
tpm2_pcrextend 16:sha256=b2a7d9b0bd3bd6a4ba4e2f2b8d04b3ee5c9fc1b9a0f8d8c4c6b3c4a8d86cf2a1
tpm2_createprimary -Q -C e -G ecc -c primary.ctx
tpm2_flushcontext -t
tpm2_create -Q -C primary.ctx -G ecc:ecdsa:null -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' \
    -u ak.pub -r ak.priv
tpm2_flushcontext -t
tpm2_load -Q -C primary.ctx -u ak.pub -r ak.priv -c ak.ctx
tpm2_flushcontext -t
tpm2_readpublic -Q -c ak.ctx -f pem -o ak.pem
tpm2_quote -Q -c ak.ctx -l sha256:0,16 -q 0123456789abcdef -m quote -s signature -o pcrs -g sha256
tpm2_flushcontext -t
tpm2_checkquote -Q -u ak.pem -m quote -s signature -f pcrs -g sha256 -q 0123456789abcdef
)");
    CHECK(
        start({"sh", "-c",
               "cd " + world.folder.path().string() +
                   "; tpm2_checkquote -u ak.pem -m quote -s signature -f pcrs -g sha256 -q 0123456789abcdee"})
            .code != 0);
    const std::string unsealed = world.tools(R"(
tpm2_startauthsession -S trial.ctx
tpm2_policypcr -Q -S trial.ctx -l sha256:16 -L policy
tpm2_flushcontext trial.ctx
printf secret | tpm2_create -Q -C primary.ctx -i - -L policy -u sealed.pub -r sealed.priv
tpm2_flushcontext -t
tpm2_load -Q -C primary.ctx -u sealed.pub -r sealed.priv -c sealed.ctx
tpm2_flushcontext -t
tpm2_startauthsession --policy-session -S session.ctx
tpm2_policypcr -Q -S session.ctx -l sha256:16
tpm2_unseal -c sealed.ctx -p session:session.ctx
tpm2_flushcontext session.ctx
)");
    CHECK(unsealed == "secret");
    world.end_well();
}

TEST_CASE("swtpm_bios brings up a TPM 1.2 and its state goes on after a power cycle") {
    if (!installed({"swtpm_ioctl", "swtpm_bios"}))
        return;
    swtpm_bench world({"deep_attestation", "--guest", "guest1", "--start", "init"});
    CHECK(contains(world.ioctl("-c"), "ptm capability is 0x7fff"));
    world.ioctl("-i");
    shell("swtpm_bios --unix " + world.data + " -cs");
    world.ioctl("-h vtwin");
    CHECK(contains(world.ioctl("-e"), "tpmEstablished is 1"));
    const std::string read17 = "00c10000000e0000001500000011", read9 = "00c10000000e0000001500000009";
    const std::string measured = socket_client(world.data).ask(read17);
    // PCR 17 is 0, then extended with SHA-1("vtwin").
    CHECK(measured.substr(20) == "b40179871108cca21915f128508903b3bfeb5922");
    CHECK(contains(world.failing_ioctl("-C").err, "0x9"));
    const std::string extended =
        socket_client(world.data).ask("00c100000022000000140000000900112233445566778899aabbccddeeff00112233");
    CHECK(extended.substr(0, 20) == "00c40000001e00000000");
    // Before TPM_SaveState: with what it leaves behind, libtpms resumes a TPM that fails its self-test.
    for (const std::string kind : {"permanent", "volatile"})
        world.ioctl("--save " + kind + " " + world.folder.at("running_" + kind));
    // TPM_SaveState makes the third kind of state, which TPM_Startup(ST_STATE) uses up.
    const std::string ask_saved = "0000000c000000010000000300000000",
                      nothing = "00000800" + std::string(24, '0');
    CHECK(socket_client(world.control).ask(ask_saved) == nothing);
    CHECK(socket_client(world.data).ask("00c10000000a00000098") == success12);
    for (const std::string kind : {"permanent", "savestate"})
        world.ioctl("--save " + kind + " " + world.folder.at(kind));
    world.ioctl("--stop");
    world.ioctl("-i");
    CHECK(socket_client(world.data).ask(startup12) == success12);
    world.ioctl("--stop");
    world.ioctl("--load permanent " + world.folder.at("permanent"));
    world.ioctl("--load savestate " + world.folder.at("savestate"));
    world.ioctl("-i");
    CHECK(socket_client(world.data).ask("00c10000000c000000990002") == success12);
    CHECK(socket_client(world.data).ask(read9) == extended);
    world.ioctl("--stop");
    world.ioctl("--load permanent " + world.folder.at("running_permanent"));
    world.ioctl("--load volatile " + world.folder.at("running_volatile"));
    world.ioctl("-i");
    CHECK(socket_client(world.data).ask(read9) == extended);
    CHECK(socket_client(world.data).ask(startup12) == not_started12);
    world.end_well();
}

namespace {

/// What both sides are asked after INIT and Startup, and what no two TPMs answer alike is left out.
const std::vector<std::string> questions = {"00000001",
                                            "00000004",
                                            "00000005"
                                            "00",
                                            "00000005"
                                            "03",
                                            "00000005"
                                            "05",
                                            "00000005"
                                            "01000000",
                                            "0000000b"
                                            "00",
                                            "0000000b"
                                            "03",
                                            "0000000b"
                                            "05",
                                            "00000006",
                                            "00000007"
                                            "00000004"
                                            "61626364",
                                            "00000007"
                                            "00000000",
                                            "00000008",
                                            "00000004",
                                            "00000007"
                                            "00000004"
                                            "61626364",
                                            "00000009",
                                            "0000000900000001",
                                            "0000000a",
                                            "0000000a00000001",
                                            "0000000c000000010000000000000000",
                                            "0000000c000000010000000400000000",
                                            "0000000c000000010000000300000000",
                                            "0000000d00000001000000010000000461626364",
                                            "0000000f",
                                            "0000000f00",
                                            "00000011"
                                            "00000000",
                                            "00000011"
                                            "00000bb8",
                                            "00000011"
                                            "00",
                                            "00000012"
                                            "0000000000000000"
                                            "00000000"
                                            "00000000",
                                            "00000012"
                                            "0000000000000001"
                                            "00000000"
                                            "00000000",
                                            "00000012"
                                            "00000000000000ff"
                                            "00000000"
                                            "00000000",
                                            "00000012"
                                            "0000000000000001"
                                            "00000004"
                                            "00000000",
                                            "00000012"
                                            "0000000000000001"
                                            "0000ffff"
                                            "00000000",
                                            "00000012"
                                            "0000000000000001",
                                            "00000013",
                                            "00000000",
                                            "0000000e",
                                            "00000004",
                                            "00000006",
                                            "00000008",
                                            "00000009",
                                            "0000000a",
                                            "0000000b03",
                                            "0000000c000000010000000100000000",
                                            "0000000d00000001000000010000000461626364",
                                            "0000000d00000001000000090000000461626364",
                                            "0000000d000000010000000200000000",
                                            "0000000100000001",
                                            "0000000200000001",
                                            "0000000200000001",
                                            "0000000200000001ff",
                                            "00000010"};

void ask_both(const swtpm_bench& world, bool two) {
    const real_swtpm real(world.folder.path(), two);
    const std::string place = world.folder.at("r");
    const std::array<const socket_client, 2> control = {socket_client(world.control),
                                                        socket_client(place + ".ctrl")};
    const std::array<const socket_client, 2> data = {socket_client(world.data), socket_client(place)};
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(control[i].ask(swtpm_init) == done);
        CHECK(data[i].ask(two ? startup20 : startup12).substr(12) == done);
        if (two)  // a command of TPM 1.2: OVMF tells the families by the tag of this answer
            CHECK(data[i].ask("00c10000000a000000f1") == "80010000000a00000084");
    }
    for (const auto& question : questions) {
        INFO(question);
        std::string ours = control[0].ask(question), theirs = control[1].ask(question);
        // The smallest buffer: swtpm's TPM can have smaller ones, the machine's has the one that it has.
        if (question == "0000001100000000")
            ours.erase(16, 8), theirs.erase(16, 8);
        CHECK(ours == theirs);
    }
    // Behind the reference simulator's header; swtpm takes the length of the answer, the answer and the zero
    // for one write, or for three.
    const std::string bare = "80010000000a00000fff";
    const std::string answered = data[0].ask(behind_header(bare));
    CHECK(answered == (two ? "0000000a80010000000a0000014300000000" : "00c40000000a00000019"));
}

/// TPM2_CreatePrimary of an RSA key.
const std::string create_rsa =
    "80020000004300000131"
    "40000001"
    "00000009"
    "40000009"
    "0000"
    "00"
    "0000"
    "0004"
    "0000"
    "0000"
    "001a"
    "0001000b00030472000000060080004300100800000000000000"
    "0000"
    "00000000";

/// Which locality commands have, one after the other; the code of each answer. swtpm writes an answer with a
/// header in one piece or in three.
std::string localities(const std::string& place) {
    std::string codes;
    const socket_client control(place + ".ctrl");
    auto data = std::make_unique<socket_client>(place);
    const auto bare = [&] { codes += " " + data->ask(reset20).substr(12, 8); };
    const auto headed = [&](const std::string& locality) {
        std::string answered = data->ask(behind_header(reset20, locality));
        while (answered.size() < 16 ||
               answered.size() / 2 < 8 + std::stoul(answered.substr(0, 8), nullptr, 16))
            answered += data->receive();
        codes += " h" + answered.substr(20, 8);
    };
    const auto set = [&](const std::string& locality) { codes += " s" + control.ask("00000005" + locality); };
    bare();
    set("02"), bare();
    data = std::make_unique<socket_client>(place);  // as tpm2-tss, which connects for every command
    bare();
    set("05"), bare();
    headed("00"), bare();
    headed("02"), bare();
    set("00"), bare();
    set("04000000"), bare();
    return codes;
}

}  // namespace

TEST_CASE("a swtpm door keeps localities and answers a cancel as swtpm") {
    if (!installed({"swtpm"}))
        return;
    swtpm_bench world({"tpm2_guest", "--start", "init"});
    const real_swtpm real(world.folder.path(), true);
    std::vector<std::string> seen;
    for (const std::string& place : {world.data, world.folder.at("r")}) {
        {
            const socket_client control(place + ".ctrl"), data(place);
            CHECK(control.ask(swtpm_init) == done);
            CHECK(data.ask(startup20).substr(12) == done);
            // A cancel that comes while a key is made: acknowledged, and the key is made.
            data.send(create_rsa);
            CHECK(control.ask("00000009") == done);
            CHECK(data.receive().substr(0, 28) == "8002000001fa0000000080000000");
            // One that came before is nothing to the next command.
            CHECK(control.ask("00000009") == done);
            CHECK(data.ask(create_rsa).substr(12, 16) == "0000000080000001");
        }
        seen.push_back(localities(place));
    }
    CHECK(seen[0] == seen[1]);
    CHECK(seen[0].starts_with(" 00000907 s00000000 00000000 00000000 s0000003d"));
    world.end_well();
}

TEST_CASE("a swtpm door for TPM 2.0 answers the control channel octet by octet as swtpm") {
    if (!installed({"swtpm"}))
        return;
    swtpm_bench world({"tpm2_guest", "--start", "init"});
    ask_both(world, true);
    world.end_well();
}

TEST_CASE("a swtpm door for TPM 1.2 answers the control channel octet by octet as swtpm") {
    if (!installed({"swtpm"}))
        return;
    swtpm_bench world({"deep_attestation", "--guest", "guest1", "--start", "init"});
    ask_both(world, false);
    world.end_well();
}
