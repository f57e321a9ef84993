// A machine behind a door is attested by the scenario's verifier, with the log of firmware that is not ours.
#include <fmt/format.h>

#include <fstream>
#include <thread>

#include "models/remote/crypto.h"
#include "models/remote/tpm20_files.h"
#include "tests/scenarios/end_to_end/served_program.h"

using namespace vtwin;
using namespace vtwin::scenario::test;

namespace {

models::measurement step(std::uint32_t pcr, const std::string& what) {
    const auto octets = std::as_bytes(std::span(what));
    return {pcr, models::remote::sha1(octets), what, models::remote::sha256(octets)};
}

std::string hex32(std::size_t value) {
    return fmt::format("{:08x}", value);
}

/// TPM_Extend, or TPM2_PCR_Extend of both banks.
std::string extend_command(const models::measurement& done, bool two) {
    const std::string sha1 = models::to_hex(done.digest);
    if (!two)
        return "00c10000002200000014" + hex32(done.pcr) + sha1;
    return "80020000005700000182" + hex32(done.pcr) + "00000009400000090000000000" + "00000002" + "0004" +
           sha1 + "000b" + models::to_hex(done.sha256);
}

void write(const std::string& file, const models::bytes& octets) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
}

models::bytes log_of(const std::vector<models::measurement>& steps, bool two) {
    return two ? models::remote::crypto_agile_log(steps) : models::remote::sha1_log(steps);
}

const std::vector<models::measurement> approved = {step(0, "firmware"), step(4, "kernel"), step(7, "keys")};
const std::vector<models::measurement> changed = {step(0, "firmware"), step(4, "another kernel"),
                                                  step(7, "keys")};

/// Boots a machine with `steps` behind the door, has it attested and ends the session.
void boot_and_attest(bool two, const std::vector<models::measurement>& steps, bool trusted) {
    temporary_directory files;
    const std::string reference = files.at("reference"), log = files.at("log");
    write(reference, log_of(approved, two));
    write(log, log_of(steps, two));
    const std::string recorded = files.at("boot.jsonl");
    const std::vector<std::string> settings = {"--set", "verifier.reference.guest1.firmware_log=" + reference,
                                               "--set", "verifier.reference.guest1.ima_files=[]"};
    const fs::path place = files.path() / "doors";
    fs::create_directory(place);
    std::vector<std::string> words = {two ? "tpm2_guest" : "deep_attestation",
                                      "--guest",
                                      "guest1",
                                      "--start",
                                      "clear",
                                      "--listen",
                                      "raw:unix:" + (place / "t").string(),
                                      "--listen",
                                      "attest:unix:" + (place / "a").string(),
                                      "--record",
                                      recorded};
    words.insert(words.end(), settings.begin(), settings.end());
    served_program served(words);
    for (const auto& each : steps)
        CHECK(socket_client((place / "t").string()).ask(extend_command(each, two)).substr(12, 8) ==
              "00000000");
    const auto shown = run_program({"attest", "unix:" + (place / "a").string(), "--firmware-log", log});
    INFO(shown.out << shown.err);
    CHECK(shown.code == (trusted ? 0 : 1));
    CHECK(contains(shown.out, trusted ? "guest1: TRUSTED" : "guest1: UNTRUSTED"));
    CHECK(contains(shown.out, "FAILED  pcr-4: ") != trusted);
    CHECK(contains(shown.out, "(EV_COMPACT_HASH another kernel)") != trusted);
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(verdicts_of(served.path("run")).at("guest1") == (trusted ? "trusted" : "pcr-4 firmware-event"));
    CHECK(run_program({"verify", served.path("run")}).code == (trusted ? 0 : 1));
    CHECK(content_of(served.path("run/evidence/guest1-1/binary_bios_measurements")) == content_of(log));

    // The same boot and the same attestation from the recording.
    std::ofstream(files.path() / "again.toml")
        << "base = \"" << (two ? "tpm2_guest" : "deep_attestation") << "\"\n[guest.guest1]\nrecording = \""
        << recorded << "\"\nattestations = 0\n[expect.guest1]\nverdict = \""
        << (trusted ? "trusted" : "untrusted") << "\"\n";
    std::vector<std::string> again = {"run", files.at("again.toml"), "--no-vcd", "--out", files.at("again")};
    again.insert(again.end(), settings.begin(), settings.end());
    const auto replayed = run_program(again);
    INFO(replayed.out << replayed.err);
    CHECK(replayed.code == 0);
    CHECK(contains(replayed.out, " 0 answers differ"));
}

/// Somebody at a Unix socket who answers one client's line with `answer`.
class false_door {
  public:
    false_door(const std::string& path, std::string answer) : m_socket(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof(address.sun_path));
        std::copy(path.begin(), path.end(), address.sun_path);
        REQUIRE(::bind(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        REQUIRE(::listen(m_socket, 1) == 0);
        m_server = std::thread([this, said = std::move(answer)] { serve(said); });
    }
    ~false_door() {
        m_server.join();
        ::close(m_socket);
    }
    false_door(const false_door&) = delete;
    false_door& operator=(const false_door&) = delete;

  private:
    void serve(const std::string& said) const {
        const int client = ::accept(m_socket, nullptr, nullptr);
        for (char c = 0; c != '\n' && ::recv(client, &c, 1, 0) == 1;) {
        }
        for (std::size_t sent = 0; sent < said.size();) {
            const auto more = ::send(client, said.data() + sent, said.size() - sent, MSG_NOSIGNAL);
            if (more <= 0)
                break;
            sent += static_cast<std::size_t>(more);
        }
        ::close(client);
    }

    int m_socket;
    std::thread m_server;
};

}  // namespace

TEST_CASE("a machine that boots the approved kernel on a TPM 2.0 is attested at its door") {
    boot_and_attest(true, approved, true);
}

TEST_CASE("a machine that boots another kernel on a TPM 2.0 is refused at its door") {
    boot_and_attest(true, changed, false);
}

TEST_CASE("a machine that boots the approved kernel on a TPM 1.2 is attested at its door") {
    boot_and_attest(false, approved, true);
}

TEST_CASE("a machine that boots another kernel on a TPM 1.2 is refused at its door") {
    boot_and_attest(false, changed, false);
}

TEST_CASE("a guest that booted by itself is attested again and again and hostile requests are refused") {
    temporary_directory place;
    const std::string door = place.at("a");
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", "attest:unix:" + door});
    for (int round = 0; round < 4; ++round) {
        const auto shown = run_program({"attest", "unix:" + door});
        INFO(shown.out << shown.err);
        CHECK(shown.code == 0);
    }
    const auto said = [&](const std::string& line) {
        const auto octets =
            models::from_hex(socket_client(door).ask(models::to_hex(std::as_bytes(std::span(line)))));
        return std::string(reinterpret_cast<const char*>(octets->data()), octets->size());
    };
    CHECK(contains(said("{}\n"), "expected a line"));
    CHECK(contains(said("\n"), "expected a line"));
    CHECK(contains(said("{\"ima_log\":\"\",\"firmware_log\":\"0\"}\n"), "expected a line"));
    // IMA's list of somebody else.
    CHECK(contains(said("{\"ima_log\":\"10 00 ima-ng sha256:00 /x\"}\n"), "\"trusted\":false"));
    {
        const socket_client gone(door);
        gone.send("7b");
    }
    CHECK(run_program({"attest", "unix:" + door}).code == 0);
    const auto nobody = run_program({"attest", "unix:" + door + "x"});
    CHECK(nobody.code == 2);
    CHECK(contains(nobody.err, "no door is there"));
    const auto unreadable = run_program({"attest", "unix:" + door, "--firmware-log", "/nowhere"});
    CHECK(unreadable.code == 2);
    CHECK(contains(unreadable.err, "--firmware-log /nowhere"));
    CHECK(served.stop().code == 1);  // the scenario expects this guest to be trusted
    CHECK(result_of(served.path("run"))["verdicts"].size() == 1 + 4 + 1 + 1 + 1);
}

TEST_CASE("whatever stands at a door in the place of an attest door ends in a message") {
    temporary_directory place;
    const auto attest = [&](const std::string& answer) {
        const std::string path = place.at("a");
        fs::remove(path);
        const false_door door(path, answer);
        auto seen = run_program({"attest", "unix:" + path});
        INFO(seen.out << seen.err);
        CHECK(seen.out.find('\x1b') == std::string::npos);
        return seen;
    };
    for (const char* other : {"{\"problem\":1}\n", "{\"problem\":null}\n", "{}\n", "[]\n", "1\n", "\n",
                              "HTTP/1.1 400\n", "{\"problem\":\"a\",\"problem\":\"b\"}\n"}) {
        const auto seen = attest(other);
        CHECK(seen.code == 1);
        CHECK(seen.out == "not attested: not an attest door\n");
    }
    const auto problem = attest("{\"problem\":\"busy\\n\\u001b[2Jok\"}\n");
    CHECK(problem.code == 1);
    CHECK(problem.out == "not attested: busy \xEF\xBF\xBD[2Jok\n");
    const auto verdict =
        attest(R"({"guest":"g\u001b[1m","trusted":false,"reasons":[{"check":"\n","passed":true,)"
               R"("text":"\u001b[2J"}]})"
               "\n");
    CHECK(verdict.code == 1);
    const auto silent = attest("");
    CHECK(silent.code == 2);
    CHECK(contains(silent.err, "closed before it answered"));
    const auto endless = attest(std::string(std::size_t{17} << 20, ' '));
    CHECK(endless.code == 2);
    CHECK(contains(endless.err, "its answer does not end"));
}

TEST_CASE("a reference that is no firmware log is refused with its key") {
    temporary_directory files;
    write(files.at("log"), models::bytes(7));
    const auto refused = run_program({"check", "tpm2_guest", "--set",
                                      "verifier.reference.guest1.firmware_log=" + files.at("log"), "--set",
                                      "verifier.reference.guest1.ima_list=" + files.at("log")});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "verifier.reference.guest1.firmware_log"));
    CHECK(contains(refused.err, "verifier.reference.guest1.ima_list"));
}
