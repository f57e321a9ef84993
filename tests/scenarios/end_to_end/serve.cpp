// Programs outside use a guest's TPM through the whole simulated path: the raw door, bad clients, records.
#include <sys/stat.h>

#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"

using namespace vtwin::scenario::test;

namespace {

const std::string pcr_read_12 = "00c10000000e0000001500000010";

}  // namespace

TEST_CASE("a vTPM goes on when its generator has to be seeded again") {
    temporary_directory sockets;
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", door(sockets, "a"), "--start",
                           "clear", "--no-pcapng", "--no-perfetto"});
    const socket_client client(sockets.at("a"));
    int answered = 0;
    constexpr int enough = 10'100;  // CTR_DRBG asks its source after 10,000 requests
    while (answered < enough && client.ask(get_random12).starts_with(random12_head))
        ++answered;
    CHECK(answered == enough);
    CHECK(served.stop().code == 0);
}

TEST_CASE("a raw door answers through the ring while others misbehave and ends in order at a signal") {
    temporary_directory sockets;
    served_program served(
        {"tpm2_guest", "--listen", door(sockets, "a"), "--listen", door(sockets, "b"), "--start", "clear"});
    struct stat seen {};
    REQUIRE(::stat(sockets.at("a").c_str(), &seen) == 0);
    CHECK((seen.st_mode & 0777) == 0600);
    {
        const socket_client one(sockets.at("a")), two(sockets.at("a")), other(sockets.at("b"));
        two.send(get_random20.substr(0, 20));  // half a command: nobody waits for the rest
        CHECK(one.ask(get_random20).starts_with(random20_head));
        CHECK(other.ask(get_random20).starts_with(random20_head));
        two.send(get_random20.substr(20));
        CHECK(two.receive().starts_with(random20_head));
        // No such command: the TPM's own answer. Two in one segment: two answers.
        CHECK(one.ask("80010000000a00000fff") == "80010000000a00000143");
        one.send(get_random20 + get_random20);
        std::string both = one.receive();
        if (both.size() == 40)
            both += one.receive();
        CHECK(both.size() == 2 * 40);
    }
    {
        const socket_client short_length(sockets.at("a"));
        CHECK(short_length.ask("80010000000900000143") == "80010000000a00000142");
        CHECK(short_length.receive() == "");
        const socket_client long_length(sockets.at("a"));
        CHECK(long_length.ask("80010000100100000143") == "80010000000a00000142");
        const socket_client leaves(sockets.at("a"));
        leaves.send("8001000000");
        const socket_client goes_with_a_command(sockets.at("a"));
        goes_with_a_command.send(get_random20);
    }
    CHECK(socket_client(sockets.at("a")).ask(get_random20).starts_with(random20_head));
    const auto& ended = served.stop();
    INFO(ended.err);
    CHECK(ended.code == 0);
    CHECK_FALSE(fs::exists(sockets.at("a")));
    CHECK(fs::exists(served.path("run/result.json")));
    const std::string table = content_of(served.path("run/commands.csv"));
    CHECK(std::count(table.begin(), table.end(), '\n') == 1 + 8);
    // GetRandom through five hops: the front end looks after 5 ms, and again after 1 ms.
    CHECK(contains(table, ",command,tpm0,0,00000fff,"));
}

TEST_CASE("a socket that a killed program left behind is replaced") {
    temporary_directory folder;
    {
        const served_program killed({"tpm2_guest", "--listen", door(folder, "s"), "--start", "clear"});
        REQUIRE(fs::exists(folder.at("s")));
    }
    REQUIRE(fs::exists(folder.at("s")));
    served_program served({"tpm2_guest", "--listen", door(folder, "s"), "--start", "clear"});
    CHECK(socket_client(folder.at("s")).ask(get_random20).starts_with(random20_head));
    CHECK(served.stop().code == 0);
}

TEST_CASE("what clients did is recorded and done again with the same answers") {
    temporary_directory folder;
    const std::string record = folder.at("record.jsonl");
    served_program served(
        {"tpm2_guest", "--listen", door(folder, "s"), "--start", "clear", "--record", record});
    std::string answered;
    {
        const socket_client client(folder.at("s"));
        for (int i = 0; i < 3; ++i)
            answered = client.ask(get_random20);
    }
    REQUIRE(served.stop().code == 0);
    const std::string text = content_of(record);
    CHECK(contains(text, R"({"vtwin_recording":1,"tpm":"2.0","start":"clear"})"));
    CHECK(contains(text, R"("answer":")" + answered + '"'));
    const fs::path scenario = folder.path() / "again.toml";
    std::ofstream(scenario) << replaced(
        replaced(content_of(library_scenario("tpm2_guest")), "[guest.guest1]",
                 "[guest.guest1]\nattestations = 0\nrecording = \"" + record + "\""),
        "[expect.guest1]\nverdict = \"trusted\"\n", "");
    const auto again = run_program({"run", scenario.string(), "--no-vcd", "--out", folder.at("again")});
    INFO(again.out + again.err);
    CHECK(again.code == 0);
    CHECK(contains(again.out, "3 recorded operations done again, 0 answers differ"));
    // With another seed the random numbers are others.
    const auto other =
        run_program({"run", scenario.string(), "--seed", "7", "--no-vcd", "--out", folder.at("other")});
    CHECK(contains(other.out, "3 recorded operations done again, 3 answers differ"));
}

TEST_CASE("a guest serves after its own boot and attestation when nothing else is said") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--guest", "guest2", "--listen", door(folder, "s")});
    // TPM_PCRRead of PCR 4: pv-grub has extended it. TPM_Startup: the stub domain has sent it.
    const socket_client client(folder.at("s"));
    const std::string pcr4 = client.ask("00c10000000e0000001500000004");
    CHECK(pcr4.substr(0, 20) == "00c40000001e00000000");
    CHECK(pcr4.substr(20) != std::string(40, '0'));
    CHECK(client.ask(startup12) == not_started12);
    const auto& ended = served.stop();
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "guest2: TRUSTED"));
}

TEST_CASE("a door that cannot be is refused before anything runs") {
    temporary_directory folder;
    const auto refused = [&](const std::vector<std::string>& words) {
        auto all = words;
        all.insert(all.begin(), "serve");
        all.insert(all.end(), {"--out", folder.at("run")});
        const auto result = run_program(all);
        CHECK(result.code == 2);
        CHECK_FALSE(fs::exists(folder.at("run")));
        return result.err;
    };
    std::ofstream(folder.at("taken")) << "";
    CHECK(contains(refused({"tpm2_guest", "--listen", door(folder, "taken")}),
                   "exists, and is in use or no socket"));
    CHECK(contains(refused({"tpm2_guest", "--listen", door(folder, "s"), "--record", folder.path().string()}),
                   "cannot be written"));
    CHECK(contains(refused({"deep_attestation", "--listen", door(folder, "s")}),
                   "which guest? deep_attestation has guest1, guest2"));
    CHECK(contains(refused({"deep_attestation", "--guest", "gest1", "--listen", door(folder, "s")}),
                   "did you mean 'guest1'?"));
    CHECK(contains(refused({"tpm2_guest", "--listen", "raw:tcp:0.0.0.0:2321"}), "--allow-remote"));
    CHECK(contains(refused({"tpm2_guest", "--listen", "rav:unix:/x"}), "did you mean 'raw'?"));
    CHECK(contains(refused({"tpm2_guest", "--pace", "fast", "--listen", door(folder, "s")}),
                   "expected free, real, or a factor"));
}
