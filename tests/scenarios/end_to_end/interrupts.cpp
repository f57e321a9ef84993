// How a session ends: at which moment a signal comes, who is connected then, what is left.
#include <netinet/in.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "scenarios/live/recording_file.h"
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

void wait_for_file(const std::string& file) {
    for (int i = 0; i < 6000 && !fs::exists(file); ++i)
        ::usleep(10'000);
    REQUIRE(fs::exists(file));
}

/// Outputs are whole: what was left beside them would be found here.
void check_complete(const served_program& served) {
    CHECK(fs::exists(served.path("run/result.json")));
    CHECK(fs::exists(served.path("run/commands.csv")));
    CHECK_FALSE(fs::exists(served.path("run/INCOMPLETE")));
    CHECK_FALSE(fs::exists(served.path("run.tmp")));
}
void check_incomplete(const served_program& served) {
    CHECK(fs::exists(served.path("run/result.json")));
    CHECK(contains(content_of(served.path("run/INCOMPLETE")), "the time limit was reached first"));
    CHECK_FALSE(fs::exists(served.path("run.tmp")));
}

/// The columns of commands.csv, line by line.
std::vector<std::vector<std::string>> table_of(const std::string& file) {
    std::vector<std::vector<std::string>> rows;
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        rows.emplace_back();
        std::istringstream columns(line);
        for (std::string each; std::getline(columns, each, ',');)
            rows.back().push_back(each);
    }
    return rows;
}
/// When a domain's commands began, in nanoseconds.
std::vector<std::int64_t> times_of(const std::string& latencies, const std::string& origin) {
    std::vector<std::int64_t> times;
    for (const auto& row : table_of(latencies))
        if (row.at(1) == origin)
            times.push_back(std::stoll(row.at(0)));
    return times;
}
constexpr std::size_t begun_column = 5, latency_column = 6;

class unanswered_connections {
  public:
    /// As many as the other side's queue takes.
    unanswered_connections(const std::string& path, int wanted) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        for (int i = 0; i < wanted; ++i) {
            m_sockets.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
            // The program takes them one by one; when it takes no more, its queue is full.
            for (int tries = 0; tries < 100; ++tries) {
                if (::connect(m_sockets.back(), reinterpret_cast<const sockaddr*>(&address),
                              sizeof address) == 0)
                    break;
                ::usleep(1000);
            }
        }
    }
    ~unanswered_connections() {
        for (const int each : m_sockets)
            ::close(each);
    }
    unanswered_connections(const unanswered_connections&) = delete;
    unanswered_connections& operator=(const unanswered_connections&) = delete;

  private:
    std::vector<int> m_sockets;
};

}  // namespace

TEST_CASE("clients that would have all descriptors leave some and lose theirs at the end") {
    temporary_directory folder;
    constexpr rlim_t most = 64;
    served_program served({"tpm2_guest", "--listen", door(folder), "--start", "clear"}, {.prepare = [] {
                              const rlimit limit{most, most};
                              ::setrlimit(RLIMIT_NOFILE, &limit);
                          }});
    const socket_client early(folder.at("s"));
    CHECK(early.ask(get_random20).starts_with(random20_head));
    const unanswered_connections idle(folder.at("s"), 80);
    CHECK(early.ask(get_random20).starts_with(random20_head));
    std::ptrdiff_t open = 0;
    for (int i = 0; i < 6000 && open <= 32; ++i) {
        ::usleep(10'000);
        open = std::distance(fs::directory_iterator("/proc/" + std::to_string(served.id()) + "/fd"),
                             fs::directory_iterator());
    }
    CHECK(open > 32);
    CHECK(open < 56);
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(early.receive() == "");
    CHECK_FALSE(fs::exists(folder.at("s")));
    check_complete(served);
}

TEST_CASE("clients that never cease to ask do not keep a session from its end") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--listen", door(folder, "s", "mssim"), "--start", "clear"});
    // What the door answers by itself, one after the other without waiting: there is always more to read.
    std::string asked;
    for (int i = 0; i < 10'000; ++i)
        asked += std::string("\0\0\0\x0b", 4);
    std::vector<std::thread> clients;
    std::atomic<int> answered = 0;
    for (int i = 0; i < 2; ++i) {
        auto platform = std::make_shared<socket_client>(folder.at("s.ctrl"));
        clients.emplace_back([platform, &asked] {
            while (::send(platform->descriptor(), asked.data(), asked.size(), MSG_NOSIGNAL) > 0) {
            }
        });
        clients.emplace_back([platform, &answered] {
            std::array<char, 65536> came{};
            while (::recv(platform->descriptor(), came.data(), came.size(), 0) > 0)
                ++answered;
        });
    }
    while (answered < 100)
        ::usleep(1000);
    const auto& ended = served.stop();
    for (auto& each : clients)
        each.join();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    check_complete(served);
}

TEST_CASE("a signal ends a session whose guest is not there yet") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", door(folder), "--set",
                           "guest.guest1.attach_after=1000 h", "--set", "time_limit=1 min"},
                          {.until = ""});
    wait_for_file(served.path("run.tmp/commands.csv"));
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 1);
    CHECK_FALSE(contains(ended.out, "serving raw:"));
    CHECK(contains(ended.out, "closing the doors"));
    CHECK(contains(ended.out, "NOT FINISHED: the time limit was reached first (time_limit 60"));
    CHECK_FALSE(fs::exists(folder.at("s")));
    check_incomplete(served);
    CHECK(table_of(served.path("run/commands.csv")).empty());
}

TEST_CASE("guests that are not done in time after the doors have closed end incomplete") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", door(folder), "--start",
                           "clear", "--set", "guest.guest2.load.command=vtpm_pcr_read", "--set",
                           "guest.guest2.load.loop=closed", "--set", "guest.guest2.load.duration=100 h",
                           "--set", "time_limit=40 s"});
    const auto& ended = served.stop(SIGTERM);
    INFO(ended.out << ended.err);
    CHECK(ended.code == 1);
    CHECK(contains(ended.out, "guest2: TRUSTED"));
    CHECK_FALSE(fs::exists(folder.at("s")));
    check_incomplete(served);
}

TEST_CASE("a second signal ends a session at once") {
    temporary_directory folder;
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", door(folder), "--start",
                           "clear", "--set", "guest.guest2.load.command=vtpm_pcr_read", "--set",
                           "guest.guest2.load.loop=closed", "--set", "guest.guest2.load.duration=1000 h",
                           "--set", "time_limit=1000 h"});
    served.send(SIGINT);
    REQUIRE(served.wait_for("closing the doors"));
    CHECK_FALSE(fs::exists(folder.at("s")));
    ::usleep(600'000);  // sooner, it would be taken for the same
    CHECK(served.stop(SIGTERM).code == 128 + SIGTERM);
    CHECK_FALSE(fs::exists(served.path("run")));
}

TEST_CASE("a signal finds clients that wait and cuts them off") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--listen", door(folder), "--start", "clear"});
    const socket_client first(folder.at("s")), second(folder.at("s")), idle(folder.at("s"));
    CHECK(second.ask(get_random20).starts_with(random20_head));
    first.send(get_random20 + get_random20 + get_random20);
    second.send(get_random20 + get_random20 + get_random20);
    const auto& ended = served.stop(SIGTERM);
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(idle.receive() == "");
    CHECK(contains(ended.out, "closing the doors"));
    CHECK_FALSE(fs::exists(folder.at("s")));
    check_complete(served);
}

TEST_CASE("a signal during a power cycle lets it come to its end") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--listen", door(folder, "s", "mssim"), "--start", "clear"});
    const socket_client platform(folder.at("s.ctrl"));
    CHECK(platform.ask("00000002") == done);
    platform.send("00000001");
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    check_complete(served);
    // The signal may have come first.
    const auto rows = table_of(served.path("run/commands.csv"));
    REQUIRE_FALSE(rows.empty());
    CHECK(rows.front().at(1) == "power_off");
    if (rows.size() > 1) {
        CHECK(rows.at(1).at(1) == "power_on");
        CHECK(rows.at(1).back() == "done");
    }
}

TEST_CASE("a session whose output nobody reads goes on") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--listen", door(folder), "--start", "clear"},
                          {.until = "", .prepare = [] {
                               std::array<int, 2> ends{};
                               if (::pipe(ends.data()) != 0)
                                   ::_exit(126);
                               ::dup2(ends[1], 1);
                               ::close(ends[0]);
                               ::close(ends[1]);
                           }});
    wait_for_file(folder.at("s"));
    CHECK(socket_client(folder.at("s")).ask(get_random20).starts_with(random20_head));
    const auto& ended = served.stop();
    INFO(ended.err);
    CHECK(ended.code == 0);
    check_complete(served);
}

TEST_CASE("what was recorded before a session was killed can be done again") {
    temporary_directory folder;
    const std::string record = folder.at("record.jsonl");
    served_program served({"tpm2_guest", "--listen", door(folder), "--start", "clear", "--record", record});
    {
        const socket_client client(folder.at("s"));
        for (int i = 0; i < 3; ++i)
            CHECK(client.ask(get_random20).starts_with(random20_head));
    }
    CHECK(served.stop(SIGKILL).code == 128 + SIGKILL);
    const auto kept = live::parse_recording(content_of(record), "record");
    REQUIRE(kept.operations.size() == 3);
    for (const auto& each : kept.operations)
        CHECK(vtwin::models::to_hex(each.answered).starts_with(random20_head));
}

TEST_CASE("at a pace answers come when they are due and a client's think time is the machine's") {
    temporary_directory folder;
    const std::string record = folder.at("record.jsonl");
    // Ten times as slow as the wall.
    served_program served({"tpm2_guest", "--listen", door(folder), "--start", "clear", "--pace", "0.1",
                           "--record", record, "--no-pcapng", "--no-perfetto"});
    using clock = std::chrono::steady_clock;
    std::vector<clock::duration> waited;
    constexpr std::chrono::milliseconds thought(350);
    {
        const socket_client client(folder.at("s"));
        for (int i = 0; i < 2; ++i) {
            const auto asked = clock::now();
            CHECK(client.ask(get_random20).starts_with(random20_head));
            waited.push_back(clock::now() - asked);
            std::this_thread::sleep_for(thought);
        }
    }
    CHECK(served.stop().code == 0);
    const auto rows = table_of(served.path("run/commands.csv"));
    REQUIRE(rows.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        const std::chrono::nanoseconds took(std::stoll(rows[i].at(latency_column)));
        CHECK(took.count() > 5'000'000);  // the front end looks after 5 ms
        CHECK(waited[i] >= 10 * took);
    }
    const auto recorded = live::parse_recording(content_of(record), "record");
    REQUIRE(recorded.operations.size() == 2);
    CHECK(recorded.operations[1].think >= sc_core::sc_time(35, sc_core::SC_MS));
    // And the machine was idle from the last answer to the end.
    const auto idle_ns = result_of(served.path("run"))["simulated_ps"].get<std::uint64_t>() / 1000 -
                         std::stoull(rows[1].at(begun_column)) - std::stoull(rows[1].at(latency_column));
    CHECK(idle_ns >= 35'000'000);
    // Done again, every command is where it was, but for the fractions of a nanosecond that a recording
    // drops.
    const fs::path scenario = folder.path() / "again.toml";
    std::ofstream(scenario) << replaced(
        replaced(content_of(library_scenario("tpm2_guest")), "[guest.guest1]",
                 "[guest.guest1]\nattestations = 0\nrecording = \"" + record + "\""),
        "[expect.guest1]\nverdict = \"trusted\"\n", "");
    const auto again = run_program(
        {"run", scenario.string(), "--no-vcd", "--no-pcapng", "--no-perfetto", "--out", folder.at("again")});
    INFO(again.out + again.err);
    CHECK(contains(again.out, "2 recorded operations done again, 0 answers differ"));
    const auto then = times_of(served.path("run/latency.csv"), "guest1"),
               now = times_of(folder.at("again/latency.csv"), "guest1");
    REQUIRE(then.size() == now.size());
    REQUIRE(then.size() >= 2);
    for (std::size_t i = 0; i < then.size(); ++i)
        CHECK(std::abs(then[i] - now[i]) <= 2);
}

TEST_CASE("a run that is interrupted leaves nothing") {
    for (const int signal : {SIGINT, SIGTERM}) {
        served_program run(
            {"deep_attestation", "--set", "guest.guest1.attach_after=1000 h", "--set", "time_limit=2000 h"},
            {.until = "", .command = "run"});
        wait_for_file(run.path("run.tmp"));
        const auto& ended = run.stop(signal);
        INFO(ended.out << ended.err);
        CHECK(ended.code == 128 + signal);
        CHECK_FALSE(fs::exists(run.path("run")));
        CHECK_FALSE(fs::exists(run.path("run.tmp")));
    }
}

namespace {

/// Somebody else's port on the loopback interface.
class taken_port {
  public:
    taken_port() : m_socket(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(m_socket, reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(m_socket, 1) == 0);
        REQUIRE(::getsockname(m_socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        number = ntohs(address.sin_port);
    }
    ~taken_port() { ::close(m_socket); }
    taken_port(const taken_port&) = delete;
    taken_port& operator=(const taken_port&) = delete;
    int number = 0;

  private:
    int m_socket;
};

}  // namespace

TEST_CASE("a port that somebody has is refused and the doors before it vanish") {
    temporary_directory folder;
    const taken_port taken;
    const std::string number = std::to_string(taken.number), before = std::to_string(taken.number - 1);
    const auto refused = [&](const std::vector<std::string>& doors) {
        std::vector<std::string> words = {"serve",          "tpm2_guest", "--out",
                                          folder.at("run"), "--record",   folder.at("kept")};
        for (const auto& each : doors)
            words.insert(words.end(), {"--listen", each});
        const auto result = run_program(words);
        CHECK(result.code == 2);
        CHECK_FALSE(fs::exists(folder.at("run")));
        CHECK_FALSE(fs::exists(folder.at("run.tmp")));
        CHECK_FALSE(fs::exists(folder.at("s")));
        CHECK(content_of(folder.at("kept")) == "an earlier recording");
        return result.err;
    };
    std::ofstream(folder.at("kept")) << "an earlier recording";
    const std::string said = "tcp:127.0.0.1:" + number + " is in use";
    CHECK(contains(refused({"raw:tcp:" + number}), said));
    for (const std::string kind : {"swtpm", "mssim"}) {
        CHECK(contains(refused({kind + ":tcp:" + number}), said));
        CHECK(contains(refused({kind + ":tcp:" + before}), said));
        CHECK(contains(refused({door(folder), kind + ":tcp:" + before}), said));
    }
    std::ofstream(folder.at("s.ctrl")) << "no socket";
    CHECK(contains(refused({door(folder, "s", "swtpm")}), "s.ctrl exists, and is in use or no socket"));
}
