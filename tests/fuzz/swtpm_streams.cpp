// swtpm's sockets: commands of the data channel, control requests with files beside them, and state blobs.
#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/swtpm_data.h"
#include "scenarios/live/doors/swtpm_requests.h"
#include "scenarios/live/doors/swtpm_state.h"
#include "tests/fuzz/fed_socket.h"
#include "tpm/codec/wire.h"

namespace vtwin::fuzz {

namespace swtpm = scenario::live::swtpm;

namespace {

// ---- the data channel

using command_kind = swtpm::framed_command::kind;

asio::awaitable<void> read_all(scenario::live::stream_socket& from, tpm::family version,
                               std::vector<swtpm::framed_command>& into) {
    while (true) {
        swtpm::framed_command read = co_await swtpm::read_command(from, version);
        const auto what = read.what;
        into.push_back(std::move(read));
        if (what != command_kind::complete)
            co_return;
    }
}

/// Where a command's octets lie in these.
struct place {
    command_kind what = command_kind::ended;
    bool headed = false;
    std::size_t at = 0, length = 0;
};
place next_command(tpm::byte_view input, bool two) {
    place found;
    if (input.size() < 9)
        return found;
    found.headed = two && tpm::load_be32(input.first(4)) == 8;
    found.at = found.headed ? 9 : 0;
    if (!found.headed && input.size() < 10)
        return found;
    found.length = tpm::load_be32(input.subspan(found.headed ? 5 : 2, 4));
    if (found.length < 10 || found.length > scenario::live::longest_frame)
        found.what = command_kind::malformed;
    else if (input.size() >= found.at + found.length)
        found.what = command_kind::complete;
    return found;
}

/// The first octet says which TPM it is, and in which pieces the others come.
std::uint64_t run_swtpm_data(tpm::byte_view input) {
    if (input.empty())
        return 0;
    const bool two = (input[0] & std::byte{1}) != std::byte{0};
    fed_socket client;
    std::vector<swtpm::framed_command> found;
    asio::co_spawn(client.io(),
                   read_all(client.socket(), two ? tpm::family::tpm20 : tpm::family::tpm12, found),
                   asio::detached);
    client.give_in_pieces(input.subspan(1), input[0] >> 1);
    client.end();
    input = input.subspan(1);
    std::uint64_t seen = two ? 1 : 0;
    for (const auto& each : found) {
        const place expected = next_command(input, two);
        promise(each.what == expected.what);
        promise(expected.what == command_kind::ended || each.header.has_value() == expected.headed);
        if (expected.what != command_kind::complete) {
            promise(&each == &found.back());
            return seen * 8 + (expected.headed ? 4 : 0) + static_cast<std::uint64_t>(expected.what);
        }
        promise(std::ranges::equal(each.octets, input.subspan(expected.at, expected.length)));
        promise(!expected.headed || (each.header->locality == std::to_integer<unsigned>(input[4]) &&
                                     each.header->length == expected.length));
        seen = (seen * 2 + (expected.headed ? 1 : 0)) % 512;
        input = input.subspan(expected.at + expected.length);
    }
    promise(false);  // the last one is not complete
    return 0;
}

// ---- control requests with files

/// What the reader gave.
struct heard {
    swtpm::reading::kind what;
    bool file;
};

asio::awaitable<void> hear_all(swtpm::request_reader& from, std::vector<heard>& into) {
    while (true) {
        const std::optional<swtpm::reading> seen = co_await from.next();
        if (!seen)
            co_return;
        into.push_back({seen->what, from.take_file().has_value()});
        if (seen->what == swtpm::reading::kind::lost)
            co_return;
    }
}

/// Each message: an octet for how many files, one for how many octets, and these. However many files come, no
/// more than one is kept, and none in the end.
std::uint64_t run_swtpm_files(tpm::byte_view input) {
    constexpr std::size_t more_than_are_taken = 12;
    static const int file = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const std::size_t before = open_files();
    std::uint64_t seen = 0;
    {
        fed_socket client;
        swtpm::request_reader requests(client.socket());
        std::vector<heard> found;
        asio::co_spawn(client.io(), hear_all(requests, found), asio::detached);
        client.io().poll();
        const std::size_t with_sockets = open_files();
        tpm::bytes together;
        std::size_t files = 0, expected = 0;
        while (input.size() >= 3) {
            const std::size_t beside = std::to_integer<std::size_t>(input[0]) % more_than_are_taken;
            const std::size_t size =
                std::min(input.size() - 2, 1 + std::to_integer<std::size_t>(input[1]) % 64);
            const auto octets = input.subspan(2, size);
            client.give(octets, std::vector<int>(beside, file));
            promise(open_files() <= with_sockets + 1);
            input = input.subspan(2 + size);
            together.insert(together.end(), octets.begin(), octets.end());
            files += beside;
            const auto read = swtpm::read_request(together);
            if (read.what == swtpm::reading::kind::incomplete) {
                promise(found.size() == expected);
                continue;
            }
            promise(found.size() == ++expected);
            promise(found.back().what == read.what && found.back().file == (files == 1));
            promise(open_files() == with_sockets);
            seen = (seen * 8 + static_cast<std::uint64_t>(read.what) * 2 + (files == 1 ? 1 : 0)) % 4096;
            together.clear();
            files = 0;
            if (read.what == swtpm::reading::kind::lost)
                break;
        }
        client.end();
    }
    promise(open_files() == before);
    return seen;
}

// ---- state blobs

constexpr std::size_t blob_head = 10, record_head = 6;

/// Where the first record with that tag begins, between two places; `end` when there is none that is whole.
std::size_t record_at(tpm::byte_view blob, std::size_t from, std::size_t end, std::uint16_t tag) {
    while (end - from >= record_head) {
        const std::uint64_t length = tpm::load_be32(blob.subspan(from + 2, 4));
        if (length > end - from - record_head)
            return end;
        if (tpm::load_be16(blob.subspan(from, 2)) == tag)
            return from;
        from += record_head + length;
    }
    return end;
}

std::uint64_t run_swtpm_state(tpm::byte_view input) {
    const auto found = swtpm::unwrap_state(input);
    promise((found.code == swtpm::result::success) == !found.state.empty());
    if (input.size() < blob_head || tpm::load_be16(input.subspan(2, 2)) != blob_head ||
        tpm::load_be32(input.subspan(6, 4)) != input.size()) {
        promise(found.code == swtpm::result::bad_parameter || found.code == swtpm::result::bad_version);
        return found.code;
    }
    if (found.code != swtpm::result::success && found.code != swtpm::result::fail)
        return 256 + found.code;
    const std::size_t outer = record_at(input, blob_head, input.size(), 4);
    std::size_t inner = input.size(), end = input.size();
    if (outer != input.size()) {
        end = outer + record_head + tpm::load_be32(input.subspan(outer + 2, 4));
        inner = record_at(input, outer + record_head, end, 1);
    }
    const std::size_t length = inner == end ? 0 : tpm::load_be32(input.subspan(inner + 2, 4));
    promise(found.state.size() == length);
    if (length == 0)
        return 512;
    promise(std::ranges::equal(found.state, input.subspan(inner + record_head, length)));
    const auto again = swtpm::unwrap_state(swtpm::wrap_state(found.state));
    promise(again.code == swtpm::result::success && again.state == found.state);
    return 1024 + (outer != blob_head ? 1 : 0) + (inner != outer + record_head ? 2 : 0) +
           4 * std::min<std::uint64_t>(length, 64);
}

}  // namespace

fuzz_target swtpm_data() {
    fuzz_target target{"swtpm_data", {}, {}, run_swtpm_data};
    const std::string command = "80010000000c0000017b0008", headed = "00000008020000000c" + command;
    target.seeds = {hex("01" + command), hex("01" + headed), hex("0f" + headed + command + headed),
                    hex("0200c10000000e0000001500000010"), hex("0100000008050000000a80010000000a00000fff")};
    target.pieces = {hex(command), hex(headed), hex("00000008"), hex("0000000a"), hex("00001001")};
    return target;
}

fuzz_target swtpm_files() {
    fuzz_target target{"swtpm_files", {}, {}, run_swtpm_files};
    target.seeds = {hex("010300000010"),
                    hex("000300000010"),
                    hex("020300000010"),
                    hex("0807000000070000080001"
                        "610001"
                        "620801"
                        "63"),
                    hex("0100"
                        "00"
                        "0100"
                        "00"
                        "0100"
                        "00"
                        "0000"
                        "10"),
                    hex("000300000001"
                        "010300000010"
                        "000400000005"
                        "03")};
    target.pieces = {hex("010300000010"), hex("08070000000700000800"), hex("0100"), hex("0b00")};
    return target;
}

fuzz_target swtpm_state() {
    fuzz_target target{"swtpm_state", {}, {}, run_swtpm_state};
    target.seeds = {
        swtpm::wrap_state(hex("aabbcc")), swtpm::wrap_state(tpm::bytes(300, std::byte{7})),
        hex("0201000a00040000002d000700000002ffff00040000000f000200000000000100000003aabbcc000800000000")};
    target.pieces = {hex("000400000009"), hex("000100000003"), hex("0004ffffffff"), hex("000700000000"),
                     hex("0201000a0004")};
    return target;
}

}  // namespace vtwin::fuzz
