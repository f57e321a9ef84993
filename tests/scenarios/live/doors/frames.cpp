// What doors keep of a request that is not complete.
#include "scenarios/live/doors/frames.h"

#include "scenarios/live/doors/lines.h"
#include "scenarios/live/doors/mssim_reader.h"
#include "tests/scenarios/live/doors/socket_bench.h"

using namespace vtwin;
using namespace vtwin::scenario::live;
using namespace vtwin::scenario::test;

namespace {

asio::awaitable<void> read(stream_socket& from, tpm::bytes& into, std::size_t size, std::string& came) {
    const bool complete = co_await read_up_to(from, into, size);
    came = complete ? "all" : "gone";
}

asio::awaitable<void> read(stream_socket& from, mssim_received& into, bool& ended) {
    into = co_await read_mssim_request(from, mssim_port::command);
    ended = true;
}

asio::awaitable<void> read(line_reader& from, std::vector<line_reader::line>& into) {
    while (true) {
        line_reader::line next = co_await from.next();
        into.push_back(std::move(next));
        if (into.back().what != line_reader::line::kind::complete)
            co_return;
    }
}

}  // namespace

TEST_CASE("memory for a request grows with what has come and not with what was announced") {
    constexpr std::size_t announced = 1 << 20, much_less = 16 * 1024;
    socket_bench bench;
    tpm::bytes octets;
    std::string came;
    bench.spawn(read(bench.door, octets, announced, came));
    CHECK(octets.capacity() < much_less);
    bench.send(std::string(16, 'a'));
    CHECK(octets.capacity() < much_less);
    CHECK(came.empty());
    const std::string part(2 * 4096, 'b');
    for (std::size_t sent = 8; sent + 4096 <= announced; sent += 4096) {
        bench.send(part);
        REQUIRE(octets.capacity() <= 2 * (sent + 4096) + much_less);
    }
    bench.send(std::string(2 * (4096 - 8), 'c'));
    CHECK(came == "all");
    CHECK(octets.size() == announced);
    CHECK(octets.front() == std::byte{0xAA});
    CHECK(octets[8] == std::byte{0xBB});
    CHECK(octets.back() == std::byte{0xCC});
}

TEST_CASE("a request of the simulator's is the same in one piece and in many") {
    socket_bench bench;
    mssim_received read_back;
    bool ended = false;
    bench.spawn(read(bench.door, read_back, ended));
    const std::string request =
        "00000008"
        "03"
        "0000000c"
        "80010000000c0000017b0008";
    for (std::size_t i = 0; i < request.size(); i += 2) {
        CHECK_FALSE(ended);
        bench.send(request.substr(i, 2));
    }
    REQUIRE(ended);
    CHECK(read_back.what == mssim_extent::kind::complete);
    CHECK(read_back.request.locality == 3);
    CHECK(models::to_hex(read_back.request.data) == request.substr(18));
}

TEST_CASE("lines are read whole and a long one is neither kept nor waited for") {
    using kind = line_reader::line::kind;
    socket_bench bench;
    line_reader reader(bench.door, 4096);
    std::vector<line_reader::line> lines;
    bench.spawn(read(reader, lines));
    const auto text = [](const std::string& characters) {
        return models::to_hex(std::as_bytes(std::span(characters)));
    };
    bench.send(text("one\n\ntw"));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].text == "one");
    CHECK(lines[1].text.empty());
    bench.send(text("o\n" + std::string(4095, 'x')));
    REQUIRE(lines.size() == 3);
    CHECK(lines[2].text == "two");
    bench.send(text("\n"));
    REQUIRE(lines.size() == 4);
    CHECK(lines[3].text == std::string(4095, 'x'));
    CHECK(reader.held() < 1024);  // room for the next one
    bench.send(text(std::string(4096, 'y')));
    REQUIRE(lines.size() == 5);
    CHECK(lines[4].what == kind::too_long);
    CHECK(reader.held() < 100);
}
