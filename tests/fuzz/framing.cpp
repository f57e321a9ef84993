// Octets that clients send: streams of TPM frames, and of the reference simulator's requests.
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/mssim_reader.h"
#include "tests/fuzz/fed_socket.h"
#include "tpm/codec/wire.h"

namespace vtwin::fuzz {

using scenario::live::frame;
using scenario::live::mssim_extent;
using scenario::live::mssim_port;

namespace {

constexpr const char* get_random = "80010000000c0000017b0008";

asio::awaitable<void> read_all(scenario::live::stream_socket& from, std::vector<frame>& into) {
    while (true) {
        frame read = co_await scenario::live::read_frame(from);
        const auto what = read.what;
        into.push_back(std::move(read));
        if (what != frame::kind::complete)
            co_return;
    }
}

/// What the same octets are, told by other means. The first octet says in which pieces they come.
std::uint64_t run_raw_frames(tpm::byte_view input) {
    if (input.empty())
        return 0;
    fed_socket client;
    std::vector<frame> found;
    asio::co_spawn(client.io(), read_all(client.socket(), found), asio::detached);
    client.give_in_pieces(input.subspan(1), input[0]);
    client.end();
    input = input.subspan(1);
    std::uint64_t complete = 0;
    promise(!found.empty());
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
    promise(found.back().what != frame::kind::complete);
    return std::min<std::uint64_t>(complete, 8) * 4 + static_cast<std::uint64_t>(found.back().what);
}

asio::awaitable<void> read_all(scenario::live::stream_socket& from, mssim_port port,
                               std::vector<scenario::live::mssim_received>& into) {
    while (true) {
        scenario::live::mssim_received read = co_await scenario::live::read_mssim_request(from, port);
        const auto what = read.what;
        into.push_back(std::move(read));
        if (what != mssim_extent::kind::complete)
            co_return;
    }
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

/// The first octet says at which port, and in which pieces the others come.
std::uint64_t run_mssim_requests(tpm::byte_view input) {
    using kind = mssim_extent::kind;
    if (input.empty())
        return 0;
    const auto port = (input[0] & std::byte{1}) == std::byte{0} ? mssim_port::command : mssim_port::platform;
    fed_socket client;
    std::vector<scenario::live::mssim_received> found;
    asio::co_spawn(client.io(), read_all(client.socket(), port, found), asio::detached);
    client.give_in_pieces(input.subspan(1), input[0] >> 1);
    client.end();
    input = input.subspan(1);
    std::uint64_t seen = 0;
    for (const auto& each : found) {
        mssim_extent known = scenario::live::measure(port, {});
        while (known.what == kind::partial && known.size <= input.size()) {
            const std::size_t before = known.size;
            known = scenario::live::measure(port, input.first(before));
            promise(known.what != kind::partial || known.size > before);
            promise(known.size <= 9 + scenario::live::longest_mssim_hash_data);
        }
        promise(each.what == known.what);
        if (known.what != kind::complete) {
            promise(&each == &found.back());
            return seen * 4 + static_cast<std::uint64_t>(known.what);
        }
        check_extent(port, input, known);
        const auto request = scenario::live::parse_mssim_request(input.first(known.size));
        promise(request.data.size() < known.size);
        promise(tpm::load_be32(input.first(4)) == static_cast<std::uint32_t>(request.code));
        promise(each.request.code == request.code && each.request.data == request.data &&
                each.request.locality == request.locality && each.request.number == request.number);
        seen = (seen * 31 + static_cast<std::uint64_t>(request.code)) % 4096;
        input = input.subspan(known.size);
    }
    promise(false);  // the last one is not complete
    return 0;
}

}  // namespace

fuzz_target raw_frames() {
    fuzz_target target{"raw_frames", {}, {}, run_raw_frames};
    target.seeds = {hex("00" + std::string(get_random)), hex("05" + std::string(get_random) + get_random),
                    hex("0100c10000000e0000001500000010"), hex("0080010000100000000143")};
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
