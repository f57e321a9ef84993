// Octets that come on swtpm's control channel.
#include "scenarios/live/doors/swtpm_control.h"

#include <algorithm>

#include "tests/fuzz/fuzz_target.h"
#include "tpm/codec/wire.h"

namespace vtwin::fuzz {

namespace swtpm = scenario::live::swtpm;

namespace {

/// As many octets as a request has at least, as far as these say so.
std::size_t needed(tpm::byte_view input) {
    if (input.size() < 4)
        return 4;
    const auto announced = [&](std::size_t at) {
        return at + 4 + (input.size() < at + 4 ? 0 : tpm::load_be32(input.subspan(at, 4)));
    };
    switch (tpm::load_be32(input.first(4))) {
        case 0x02:
        case 0x11:
            return 8;
        case 0x05:
        case 0x0B:
            return 5;
        case 0x07:
            return announced(4);
        case 0x0C:
            return 16;
        case 0x0D:
            return announced(12);
        case 0x12:
            return 20;
        default:
            return 4;
    }
}

/// Answers are made from what the request asked for, however far that lies outside.
void answer(const swtpm::request& asked) {
    const tpm::bytes blob(100, std::byte{7});
    const auto part = swtpm::print_stateblob(blob, asked.offset);
    promise(part.size() >= 16 && part.size() <= 16 + blob.size());
    const std::string text = "{\"a\":1}";
    promise(swtpm::print_info(text, asked.offset).size() <= 64 + text.size());
}

std::uint64_t run_swtpm_control(tpm::byte_view input) {
    using kind = swtpm::reading::kind;
    const auto read = swtpm::read_request(input);
    switch (read.what) {
        case kind::complete:
            promise(input.size() >= needed(input));
            promise(static_cast<std::uint32_t>(read.asked.what) == tpm::load_be32(input.first(4)));
            promise(read.asked.data.size() <= swtpm::longest_data && read.asked.data.size() <= input.size());
            promise(read.code == swtpm::result::success);
            answer(read.asked);
            break;
        case kind::incomplete:
            promise(input.size() < needed(input));
            break;
        case kind::refused:
        case kind::lost:
            promise(read.code != swtpm::result::success);
            promise(swtpm::print_result(read.code).size() >= 4);
            break;
    }
    const std::uint64_t command = input.size() < 4 ? 0 : std::min(tpm::load_be32(input.first(4)), 32u);
    return command * 4 + static_cast<std::uint64_t>(read.what);
}

}  // namespace

fuzz_target swtpm_control() {
    fuzz_target target{"swtpm_control", {}, {}, run_swtpm_control};
    for (const char* seed : {"00000001",
                             "0000000200000000",
                             "00000003",
                             "00000004",
                             "0000000503",
                             "0000000503000000",
                             "00000006",
                             "0000000700000003616263",
                             "00000008",
                             "00000009",
                             "0000000a",
                             "0000000b04",
                             "0000000c000000010000000100000000",
                             "0000000d000000010000000100000002aabb",
                             "0000000e",
                             "0000000f",
                             "00000010",
                             "0000001100001000",
                             "00000012000000000000000100000000",
                             "00000013"})
        target.seeds.push_back(hex(seed));
    target.pieces = {hex("0000000d"), hex("00100001"), hex("00000007")};
    return target;
}

}  // namespace vtwin::fuzz
