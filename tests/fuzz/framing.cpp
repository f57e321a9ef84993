// Octets that clients send: streams of TPM frames, and of the reference simulator's requests.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include "models/hex.h"
#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/mssim_frames.h"
#include "tests/fuzz/fuzz_target.h"
#include "tpm/codec/wire.h"

namespace vtwin::fuzz {

using scenario::live::frame;
using scenario::live::mssim_extent;
using scenario::live::mssim_port;

namespace {

constexpr const char* get_random = "80010000000c0000017b0008";

tpm::bytes hex(const std::string& text) {
    return *models::from_hex(text);
}

asio::awaitable<void> read_all(scenario::live::stream_socket& from, std::vector<frame>& into) {
    while (true) {
        frame read = co_await scenario::live::read_frame(from);
        const auto what = read.what;
        into.push_back(std::move(read));
        if (what != frame::kind::complete)
            co_return;
    }
}

/// The reader of the doors, on a socket that gives these octets and then ends.
std::vector<frame> frames_of(tpm::byte_view input) {
    std::array<int, 2> ends{};
    promise(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    promise(::send(ends[0], input.data(), input.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(input.size()));
    ::close(ends[0]);
    asio::io_context io;
    scenario::live::stream_socket socket(io);
    const asio::local::stream_protocol protocol;
    socket.assign(protocol, ends[1]);
    std::vector<frame> found;
    asio::co_spawn(io, read_all(socket, found), asio::detached);
    io.run();
    return found;
}

/// What the same octets are, told by other means.
std::uint64_t run_raw_frames(tpm::byte_view input) {
    const auto found = frames_of(input);
    std::uint64_t complete = 0;
    for (const frame& each : found) {
        const bool has_header = input.size() >= scenario::live::frame_header_size;
        const std::uint32_t length = has_header ? tpm::load_be32(input.subspan(2, 4)) : 0;
        const bool possible = has_header && length >= scenario::live::frame_header_size &&
                              length <= scenario::live::longest_frame;
        const auto expected = !has_header             ? frame::kind::ended
                              : !possible             ? frame::kind::malformed
                              : length > input.size() ? frame::kind::ended
                                                      : frame::kind::complete;
        promise(each.what == expected);
        if (expected != frame::kind::complete) {
            promise(&each == &found.back());
            break;
        }
        promise(std::ranges::equal(each.octets, input.first(length)));
        input = input.subspan(length);
        ++complete;
    }
    return std::min<std::uint64_t>(complete, 8) * 4 + static_cast<std::uint64_t>(found.back().what);
}

/// Whatever follows a request, and however few octets of it are there, it is measured the same way.
void check_extent(mssim_port port, tpm::byte_view input, const mssim_extent& whole) {
    using kind = mssim_extent::kind;
    const std::size_t step = 1 + whole.size / 16;
    for (std::size_t size = 0; size < whole.size; size += step) {
        const auto part = scenario::live::measure(port, input.first(size));
        promise(part.what != kind::complete);
        promise(part.what != kind::partial || (part.size > size && part.size <= whole.size));
    }
    const auto same = scenario::live::measure(port, input);
    promise(same.what == whole.what && same.size == whole.size);
}

std::uint64_t run_mssim_requests(tpm::byte_view input) {
    using kind = mssim_extent::kind;
    if (input.empty())
        return 0;
    const auto port = (input[0] & std::byte{1}) == std::byte{0} ? mssim_port::command : mssim_port::platform;
    input = input.subspan(1);
    std::uint64_t seen = 0;
    while (true) {
        mssim_extent known = scenario::live::measure(port, {});
        while (known.what == kind::partial && known.size <= input.size()) {
            const std::size_t before = known.size;
            known = scenario::live::measure(port, input.first(before));
            promise(known.what != kind::partial || known.size > before);
            promise(known.size <= 9 + scenario::live::longest_mssim_hash_data);
        }
        if (known.what != kind::complete)
            return seen * 4 + static_cast<std::uint64_t>(known.what);
        check_extent(port, input, known);
        const auto request = scenario::live::parse_mssim_request(input.first(known.size));
        promise(request.data.size() < known.size);
        promise(tpm::load_be32(input.first(4)) == static_cast<std::uint32_t>(request.code));
        seen = (seen * 31 + static_cast<std::uint64_t>(request.code)) % 4096;
        input = input.subspan(known.size);
    }
}

}  // namespace

fuzz_target raw_frames() {
    fuzz_target target{"raw_frames", {}, {}, run_raw_frames};
    target.seeds = {hex(get_random), hex(std::string(get_random) + get_random),
                    hex("00c10000000e0000001500000010"), hex("80010000100000000143")};
    target.pieces = {hex("8001"), hex("8002"), hex("0000000a"), hex(get_random)};
    return target;
}

fuzz_target mssim_requests() {
    fuzz_target target{"mssim_requests", {}, {}, run_mssim_requests};
    const std::string command = std::string("00000008000000000c") + get_random;
    target.seeds = {hex("00" + command),
                    hex("0000000005"
                        "0000000600000003616263"
                        "00000007"),
                    hex("000000000f00000001" + command + "00000014"),
                    hex("01"
                        "00000002"
                        "00000001"
                        "0000000b"),
                    hex("010000001a40000110"
                        "00000019"
                        "00000014")};
    target.pieces = {hex(command), hex("00000005"), hex("00000006"), hex("0000001a")};
    return target;
}

}  // namespace vtwin::fuzz
