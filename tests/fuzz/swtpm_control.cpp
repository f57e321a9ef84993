// Octets that come on swtpm's control channel.
#include "scenarios/live/doors/swtpm_control.h"

#include <algorithm>

#include "models/hex.h"
#include "tests/fuzz/fuzz_target.h"
#include "tpm/codec/wire.h"

namespace vtwin::fuzz {

namespace swtpm = scenario::live::swtpm;

namespace {

constexpr std::size_t most_head = 64;  ///< octets of a request beside its data, padding included

tpm::bytes hex(const std::string& text) {
    return *models::from_hex(text);
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
            promise(input.size() >= 4);
            promise(static_cast<std::uint32_t>(read.asked.what) == tpm::load_be32(input.first(4)));
            promise(read.asked.data.size() <= swtpm::longest_data && read.asked.data.size() <= input.size());
            promise(read.code == swtpm::result::success);
            answer(read.asked);
            break;
        case kind::incomplete:
            promise(input.size() < most_head + swtpm::longest_data);
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
