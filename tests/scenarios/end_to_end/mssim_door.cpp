// Clients of the TPM 2.0 reference simulator use a guest's TPM.
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"
#include "tests/scenarios/end_to_end/tool.h"

using namespace vtwin::scenario::test;

namespace {

const std::string random_answer_head = "00000014" + random20_head,
                  read_pcr17 = "8001000000140000017e00000001000403000002",  // of the SHA-1 bank
    launched = "ccd5bd41458de644ac34a2478b58ff819bef5acf";                  // SHA1(20 octets 00, SHA1("abc"))

/// The answer that is this code only, as the simulator sends it.
std::string code_answer20(const std::string& code) {
    return "0000000a80010000000a" + code + done;
}

}  // namespace

TEST_CASE("the simulator's two ports carry commands and power cycles and outlive bad clients") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    served_program served({"tpm2_guest", "--listen", door(folder, "s", "mssim"), "--start", "clear"});
    const socket_client platform(path + ".ctrl");
    {
        const socket_client client(path);
        CHECK(client.ask(behind_header(get_random20)).starts_with(random_answer_head));
        CHECK(client.ask("0000000f00000001") == "000000010000000d00000000");
        // What the TPM, not the protocol, has to say: no such command, no command at all, a false length.
        CHECK(client.ask(behind_header("80010000000a00000fff")) == code_answer20("00000143"));
        CHECK(client.ask(behind_header("")) == code_answer20("00000142"));
        CHECK(client.ask(behind_header("80010000000d0000017b0008")) == code_answer20("00000142"));
        // A measured launch, as the processor would report it: PCR 17 is its digest, and locality 4 was used.
        CHECK(client.ask("00000005") == done);
        CHECK(client.ask("0000000600000003616263") == done);
        CHECK(client.ask("00000007") == done);
        CHECK(contains(client.ask(behind_header(read_pcr17)), launched));
        CHECK(platform.ask("00000001") == done);  // there is power: nothing happens
        CHECK(client.ask(behind_header(get_random20)).starts_with(random_answer_head));
        CHECK(platform.ask("00000002") == done);
        CHECK(client.ask(behind_header(get_random20)) == code_answer20("00000101"));
        CHECK(platform.ask("00000011") == done);  // RESET without power does nothing
        CHECK(client.ask(behind_header(get_random20)) == code_answer20("00000101"));
        CHECK(platform.ask("00000001") == done);
        CHECK(client.ask(behind_header(get_random20)) == code_answer20("00000100"));
        CHECK(client.ask(behind_header(startup20)) == code_answer20(done));
        // TPM2_Shutdown(STATE), RESET, TPM2_Startup(STATE): kernel and stub domain have left it as it was.
        CHECK(client.ask(behind_header("80010000000c000001450001")) == code_answer20(done));
        CHECK(platform.ask("00000011") == done);
        CHECK(client.ask(behind_header("80010000000c000001440001")) == code_answer20(done));
        CHECK(platform.ask("00000012") == done);
        CHECK(client.ask(behind_header("80010000000c000001440001")) == code_answer20("000001c4"));
        CHECK(client.ask(behind_header(startup20)) == code_answer20(done));
        CHECK(client.ask(behind_header(get_random20, "03")).starts_with(random_answer_head));
        CHECK(client.ask("00000014") == "");  // SESSION_END
    }
    CHECK(platform.ask("0000000b") == done);
    CHECK(platform.ask("00000019") == done + done);
    CHECK(platform.ask("0000001a40000110") == done + done);
    CHECK(platform.ask("00000003") == done);
    CHECK(platform.ask("00000004") == done);
    {
        const socket_client unknown(path), long_one(path), half(path), leaves(path);
        CHECK(unknown.ask("00000063") == "00000001");
        CHECK(unknown.receive() == "");
        CHECK(long_one.ask("0000000800ffffffff") == "");
        half.send("00000008000000000c8001");
        leaves.send(behind_header(get_random20));
    }
    CHECK(socket_client(path).ask(behind_header(get_random20)).starts_with(random_answer_head));
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK_FALSE(fs::exists(path));
    CHECK_FALSE(fs::exists(path + ".ctrl"));
    CHECK(fs::exists(served.path("run/result.json")));
    const std::string table = content_of(served.path("run/commands.csv"));
    CHECK(contains(table, ",power_off,"));
    CHECK(contains(table, ",power_on,"));
    CHECK(contains(table, ",command,tpm0,3,0000017b,"));
    // What goes beside the device is a system call of 200 ns: time goes on whatever a client asks for.
    const auto launch = table.find(",hash_start,tpm0,0,,");
    REQUIRE(launch != std::string::npos);
    CHECK(contains(table.substr(launch, table.find('\n', launch) - launch), ",200,done"));
}

TEST_CASE("a TPM 1.2 that saved its state has it after a power cycle") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", door(folder, "s", "mssim"),
                           "--start", "clear"});
    const socket_client client(path), platform(path + ".ctrl");
    const auto answer12 = [](const std::string& code) { return "0000000a00c40000000a" + code + done; };
    const std::string extend =
                          "00c10000002200000014"
                          "00000008" +
                          std::string(40, 'a'),
                      read = "00c10000000e0000001500000008";
    CHECK(client.ask(behind_header(extend)).substr(8, 20) == "00c40000001e00000000");
    const std::string pcr = client.ask(behind_header(read));
    const auto cycle = [&] {
        CHECK(platform.ask("00000002") == done);
        CHECK(platform.ask("00000001") == done);
    };
    CHECK(client.ask(behind_header("00c10000000a00000098")) == answer12(done));
    cycle();
    CHECK(client.ask(behind_header(read)) == answer12("00000026"));
    CHECK(client.ask(behind_header("00c10000000c000000990002")) == answer12(done));
    CHECK(client.ask(behind_header(read)) == pcr);
    cycle();
    CHECK(client.ask(behind_header(startup12)) == answer12(done));
    CHECK(contains(client.ask(behind_header(read)), std::string(40, '0')));
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
}

TEST_CASE("tpm2-tools measure through the simulator's ports and two of them take turns") {
    temporary_directory folder;
    const std::string port = std::to_string(two_free_ports());
    served_program served({"tpm2_guest", "--listen", "mssim:tcp:" + port, "--start", "clear"});
    const std::vector<std::string> door = {"TPM2TOOLS_TCTI=mssim:host=127.0.0.1,port=" + port};
    const auto run = [&](const std::string& line) {
        return run_tool(door, {"sh", "-ec", line}, folder.path().string());
    };
    const auto measured =
        run("tpm2_pcrextend 16:sha256=0000000000000000000000000000000000000000000000000000000000000001\n"
            "tpm2_pcrread sha256:16");
    INFO(measured.err);
    CHECK(measured.code == 0);
    // SHA-256 of 63 octets 00 and one 01.
    CHECK(contains(measured.out, "0x90F4B39548DF55AD6187A1D20D731ECEE78C545B94AFD16F42EF7592D99CD365"));
    const auto both =
        run("tpm2_createprimary -Q -G ecc -c one.ctx & tpm2_getrandom -o two 16; wait $!; test $(wc -c < "
            "two) = 16\n"
            "tpm2_readpublic -Q -c one.ctx");
    INFO(both.err);
    CHECK(both.code == 0);
    const auto& ended = served.stop();
    INFO(ended.err);
    CHECK(ended.code == 0);
}

TEST_CASE("IBM's TSS switches a guest's TPM off and on and resumes what it shut down") {
    if (!fs::exists("/usr/bin/tsspowerup")) {
        WARN("SKIPPED: needs tss2 installed");
        return;
    }
    temporary_directory folder;
    const int port = two_free_ports();
    served_program served(
        {"tpm2_guest", "--listen", "mssim:tcp:" + std::to_string(port), "--start", "clear"});
    const auto run = [&](const std::string& line) {
        return run_tool(
            {"TPM_INTERFACE_TYPE=socsim", "TPM_SERVER_TYPE=mssim", "TPM_SERVER_NAME=127.0.0.1",
             "TPM_COMMAND_PORT=" + std::to_string(port), "TPM_PLATFORM_PORT=" + std::to_string(port + 1),
             "TPM_DATA_DIR=" + folder.path().string()},
            {"sh", "-ec", line}, folder.path().string());
    };
    const auto resumed =
        run("tsspowerup\n"
            "tssstartup -c\n"
            "printf measured > event\n"
            "tsspcrextend -ha 0 -if event\n"
            "tsspcrread -ha 0 -of before\n"
            "tssshutdown -s\n"
            "tsspowerup\n"
            "tssstartup -s\n"
            "tsspcrread -ha 0 -of after\n"
            "cmp before after\n"
            "tsspowerup\n"
            "tssstartup -c\n"
            "tsspcrread -ha 0 -of reset\n"
            "test $(wc -c < reset) = 32\n"
            "! cmp -s before reset\n");
    INFO(resumed.out << resumed.err);
    CHECK(resumed.code == 0);
    CHECK(run("tsspowerup\ntssgetrandom -by 8").code != 0);  // no TPM2_Startup
    CHECK(served.stop().code == 0);
}
