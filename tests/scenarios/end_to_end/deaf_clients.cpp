// Clients that ask and never read: a door stops taking their commands, and goes on with everybody else's.
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"

using namespace vtwin::scenario::test;

namespace {

const std::string all_commands =
                      "8001000000160000017a"
                      "00000002"
                      "0000011f"
                      "000000fe",  // 500 octets to answer
    get_permanent =
        "0000000c"
        "00000001"
        "00000001"
        "00000000";

/// Asks `question` again and again at `deaf`, an open file, until nothing more goes in, which somebody else's
/// being served does not change. How many went in.
int ask_until_full(int deaf, const std::string& question, const std::function<bool()>& other_is_served) {
    const auto octets = *vtwin::models::from_hex(question);
    constexpr int most = 50'000, times_full = 2, longer_than_an_answer_ms = 300;
    REQUIRE(::fcntl(deaf, F_SETFL, O_NONBLOCK) == 0);
    std::size_t at = 0;
    int asked = 0;
    for (int full = 0; full < times_full && asked < most;) {
        const auto sent = ::write(deaf, octets.data() + at, octets.size() - at);
        if (sent > 0) {
            full = 0;
            at = (at + static_cast<std::size_t>(sent)) % octets.size();
            asked += at == 0 ? 1 : 0;
            continue;
        }
        REQUIRE(errno == EAGAIN);
        pollfd what{deaf, POLLOUT, 0};
        if (::poll(&what, 1, longer_than_an_answer_ms) == 0) {
            REQUIRE(other_is_served());
            ++full;
        }
    }
    REQUIRE(asked < most);
    return asked;
}

}  // namespace

TEST_CASE("clients that never read stop nobody but themselves at any door") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--start", "clear", "--listen", door(folder, "raw"), "--listen",
                           door(folder, "mssim", "mssim"), "--listen", door(folder, "swtpm", "swtpm"),
                           "--listen", "pty:" + folder.at("pty")});
    const auto answers = [](const std::string& said, const std::string& head) {
        return said.starts_with(head);
    };
    // All stay as they are, and every one of them has answers under way, until the end.
    const socket_client raw(folder.at("raw")), mssim(folder.at("mssim")), data(folder.at("swtpm")),
        control(folder.at("swtpm") + ".ctrl");
    const int terminal = ::open(folder.at("pty").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE(terminal >= 0);
    const auto raw_served = [&] {
        return answers(socket_client(folder.at("raw")).ask(get_random20), random20_head);
    };
    const auto mssim_served = [&] {
        return answers(socket_client(folder.at("mssim")).ask(behind_header(get_random20)),
                       "00000014" + random20_head);
    };
    const auto data_served = [&] {
        return answers(socket_client(folder.at("swtpm")).ask(get_random20), random20_head);
    };
    const auto control_served = [&] {
        return socket_client(folder.at("swtpm") + ".ctrl").ask("00000001") == "000000000000ffff";
    };
    const auto terminal_served = [&] {
        const int other = ::open(folder.at("pty").c_str(), O_RDWR | O_NOCTTY);
        const auto octets = *vtwin::models::from_hex(get_random20);
        bool came = other >= 0 && ::write(other, octets.data(), octets.size()) == 12;
        pollfd what{other, POLLIN, 0};
        came = came && ::poll(&what, 1, 60'000) == 1;
        std::array<char, 64> said{};
        came = came && ::read(other, said.data(), said.size()) == 20;
        ::close(other);
        return came;
    };
    // The answers alone would fill the sockets' buffers long before.
    CHECK(ask_until_full(raw.descriptor(), all_commands, raw_served) > 10);
    CHECK(ask_until_full(mssim.descriptor(), behind_header(all_commands), mssim_served) > 10);
    CHECK(ask_until_full(data.descriptor(), all_commands, data_served) > 10);
    CHECK(ask_until_full(control.descriptor(), get_permanent, control_served) > 10);
    CHECK(ask_until_full(terminal, all_commands, terminal_served) > 2);
    const std::vector<std::function<bool()>> others = {raw_served, mssim_served, data_served, control_served,
                                                       terminal_served};
    for (const auto& each : others)
        CHECK(each());
    // Who reads at last has all that was asked for.
    std::size_t octets = 0;
    while (octets < 4 * 500)
        octets += raw.receive().size() / 2;
    ::close(terminal);
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
}
