// Streams that are not framed by octets alone: a terminal that stands for a device, and lines at an attest
// door.
#include <unistd.h>
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/lines.h"
#include "scenarios/live/doors/terminal_commands.h"
#include "tests/fuzz/fed_socket.h"
#include "tpm/codec/wire.h"

namespace vtwin::fuzz {
namespace {

// ---- the terminal

/// The TPM behind it: ten octets that tell how long the command was.
asio::awaitable<tpm::bytes> reflect(tpm::bytes command) {
    tpm::wire_writer out;
    out.u16(0x8001).u32(10).u32(static_cast<std::uint32_t>(command.size()));
    tpm::bytes answered = out.take();
    co_return answered;
}

/// Each write of the client's: an octet for its size, and so many. It reads before it writes again; so
/// whatever it wrote, a whole command at the beginning of a write is answered when nothing was under way, and
/// what it said too much before is forgotten.
std::uint64_t run_terminal(tpm::byte_view input) {
    fed_socket client;
    asio::posix::stream_descriptor master(client.io(), ::dup(client.socket().native_handle()));
    master.native_non_blocking(true);
    scenario::live::terminal_service service;
    service.alone = [] { return true; };
    service.carry_out = reflect;
    asio::co_spawn(client.io(), scenario::live::serve_terminal(master, tpm::family::tpm20, service),
                   asio::detached);
    tpm::bytes pending;
    std::uint64_t seen = 0;
    while (input.size() >= 2) {
        const std::size_t size = std::min(input.size() - 1, 1 + std::to_integer<std::size_t>(input[0]));
        const auto octets = input.subspan(1, size);
        input = input.subspan(1 + size);
        client.give(octets);
        const tpm::bytes answered = client.taken();
        pending.insert(pending.end(), octets.begin(), octets.end());
        const bool has_header = pending.size() >= 10;
        const std::size_t length = has_header ? tpm::load_be32(tpm::byte_view(pending).subspan(2, 4)) : 0;
        const bool possible = length >= 10 && length <= scenario::live::longest_frame;
        if (!has_header || (possible && pending.size() < length)) {
            promise(answered.empty());
            seen = seen * 4 % 4096;
            continue;
        }
        promise(answered.size() == 10);
        promise(tpm::load_be32(tpm::byte_view(answered).subspan(6, 4)) == (possible ? length : 0x142));
        seen = (seen * 4 + (possible ? 1 : 2) + (pending.size() > length ? 1 : 0)) % 4096;
        pending.clear();
    }
    client.end();
    return seen;
}

// ---- lines

constexpr std::size_t longest_line = 600;  // as long as inputs become in a few changes

using line = scenario::live::line_reader::line;

asio::awaitable<void> read_all(scenario::live::line_reader& from, std::vector<line>& into,
                               std::size_t& most_held) {
    while (true) {
        line read = co_await from.next();
        most_held = std::max(most_held, from.held());
        const auto what = read.what;
        into.push_back(std::move(read));
        if (what != line::kind::complete)
            co_return;
    }
}

/// The first octet says in which pieces the text comes.
std::uint64_t run_lines(tpm::byte_view input) {
    if (input.empty())
        return 0;
    fed_socket client;
    scenario::live::line_reader reader(client.socket(), longest_line);
    std::vector<line> found;
    std::size_t most_held = 0;
    asio::co_spawn(client.io(), read_all(reader, found, most_held), asio::detached);
    client.give_in_pieces(input.subspan(1), input[0]);
    client.end();
    std::string_view text(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
    promise(most_held <= 2 * longest_line && reader.held() < 32);
    std::uint64_t lines = 0;
    for (const auto& each : found) {
        const std::size_t end = text.substr(0, longest_line).find('\n');
        const auto expected = end != std::string_view::npos ? line::kind::complete
                              : text.size() >= longest_line ? line::kind::too_long
                                                            : line::kind::ended;
        promise(each.what == expected);
        if (expected != line::kind::complete) {
            promise(&each == &found.back());
            return std::min<std::uint64_t>(lines, 8) * 4 + static_cast<std::uint64_t>(expected);
        }
        promise(each.text == text.substr(0, end));
        text = text.substr(end + 1);
        ++lines;
    }
    promise(false);  // the last one is not complete
    return 0;
}

}  // namespace

fuzz_target terminal_commands() {
    fuzz_target target{"terminal_commands", {}, {}, run_terminal};
    const std::string command = "80010000000c0000017b0008";
    target.seeds = {hex("0b" + command), hex("0f" + command + "deadbeef" + "0b" + command),
                    hex("058001000000"
                        "05"
                        "0c0000017b"
                        "01"
                        "0008"),
                    hex("0f80010000000900000181deadbeefdead"
                        "0b" +
                        command)};
    target.pieces = {hex("0b" + command), hex(command), hex("0000000a"), hex("00001000")};
    return target;
}

fuzz_target attest_lines() {
    fuzz_target target{"attest_lines", {}, {}, run_lines};
    target.seeds = {octets("\1{\"ima_log\":\"\"}\n{}\n"), octets("\7\n\n\n"),
                    octets(std::string(601, 'x') + "\n"), octets("\3" + std::string(599, 'x') + "\n"),
                    octets("\5" + std::string(300, 'x') + "\n" + std::string(301, 'y'))};
    target.pieces = {octets("\n"), octets(std::string(100, 'z')), octets(std::string(599, 'a'))};
    return target;
}

}  // namespace vtwin::fuzz
