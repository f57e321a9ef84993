// Texts that users give: recordings and where doors stand.
#include <algorithm>
#include <asio/ip/address.hpp>

#include "scenarios/live/listen_spec.h"
#include "scenarios/live/pace.h"
#include "scenarios/live/recording_file.h"
#include "scenarios/schema/problem.h"
#include "tests/fuzz/fuzz_target.h"

namespace vtwin::fuzz {

using scenario::user_error;
using scenario::live::listen_spec;
using scenario::live::parse_recording;

namespace {

constexpr std::uint64_t refused = 1;

std::string text(tpm::byte_view input) {
    return {reinterpret_cast<const char*>(input.data()), input.size()};
}

std::string printed(const models::live::recording& what) {
    std::string lines = scenario::live::print_header(what.version, what.start, what.at);
    for (const auto& each : what.operations)
        lines += scenario::live::print_operation(each);
    return lines;
}

/// What is accepted comes back as it was written.
std::uint64_t run_recordings(tpm::byte_view input) {
    try {
        const auto parsed = parse_recording(text(input), "recording");
        const std::string lines = printed(parsed);
        promise(printed(parse_recording(lines, "again")) == lines);
        std::uint64_t seen = 2;
        for (const auto& each : parsed.operations)
            seen = (seen * 31 + static_cast<std::uint64_t>(each.what.what) + (each.what.file != 0 ? 16 : 0)) %
                   4096;
        return seen;
    } catch (const user_error& error) {
        promise(error.what() != std::string());
        return refused;
    }
}

void check_spec(const listen_spec& spec, bool remote) {
    promise(spec.path.empty() != spec.host.empty());
    promise(spec.mode <= 0777);
    const bool is_file =
        spec.kind == scenario::live::door_kind::raw || spec.kind == scenario::live::door_kind::pty;
    promise(!spec.exclusive || (is_file && !spec.resource_manager));
    if (spec.host.empty()) {
        promise(spec.port == 0 && spec.path.size() + 5 < 108);
        return;
    }
    promise(spec.port != 0);
    const bool two_ports =
        spec.kind == scenario::live::door_kind::swtpm || spec.kind == scenario::live::door_kind::mssim;
    promise(!two_ports || spec.port < 65535);
    promise(remote || asio::ip::make_address(spec.host).is_loopback());
}

/// Lines are doors of one program; the first octet says whether other machines may come.
std::uint64_t run_listen_specs(tpm::byte_view input) {
    if (input.empty())
        return 0;
    const bool remote = input[0] == std::byte{'r'};
    std::vector<std::string> lines(1);
    for (const char each : text(input.subspan(1))) {
        if (each == '\n')
            lines.emplace_back();
        else
            lines.back() += each;
    }
    const auto speed = scenario::live::parse_pace(lines.front());
    promise(!speed || speed->permille <= 1'000'000'000);
    try {
        const auto specs = scenario::live::parse_listen_specs(lines, remote);
        promise(specs.size() == lines.size());
        std::uint64_t seen = 2;
        for (const auto& spec : specs) {
            check_spec(spec, remote);
            seen = (seen * 31 + static_cast<std::uint64_t>(spec.kind) * 4 + (spec.path.empty() ? 0 : 2) +
                    (spec.resource_manager ? 1 : 0)) %
                   4096;
        }
        return seen;
    } catch (const user_error&) {
        return refused;
    }
}

}  // namespace

fuzz_target recordings() {
    fuzz_target target{"recordings", {}, {}, run_recordings};
    const std::string header = R"({"vtwin_recording":1,"tpm":"2.0","start":"guest"})"
                               "\n";
    target.seeds = {
        octets(header),
        octets(
            header +
            R"({"operation":"command","think_ns":0,"data":"80010000000c0000017b0008","status":"done","answer":"80010000000a00000000"})"
            "\n"),
        octets(
            header +
            R"({"operation":"power_off","think_ns":17,"status":"done"})"
            "\n"
            R"({"operation":"hash_data","think_ns":1,"locality":4,"file":2,"data":"00","status":"no_power"})"
            "\n"),
        octets(R"({"vtwin_recording":1,"tpm":"1.2","start":"init"})"
               "\n")};
    for (const char* piece :
         {"\"operation\":\"take_permanent\",", "\"file\":1,", "\"locality\":256", "{", "}", "[", "\n",
          "\"data\":\"0\"", "1e999", "-1", "null", "\"status\":\"closed\"", "\xff", "18446744073709551616"})
        target.pieces.push_back(octets(piece));
    return target;
}

fuzz_target listen_specs() {
    fuzz_target target{"listen_specs", {}, {}, run_listen_specs};
    for (const char* seed :
         {"-raw:unix:/tmp/x", "-raw:tcp:2321", "-mssim:tcp:127.0.0.1:2321,device=tpmrm0",
          "-swtpm:unix:/tmp/x,mode=0660\nraw:unix:/tmp/y", "-pty:/tmp/tpm0", "-raw:tcp:[::1]:2321",
          "rraw:tcp:0.0.0.0:2321\nmssim:tcp:65534", "-0.5", "-real", "-1e300"})
        target.seeds.push_back(octets(seed));
    for (
        const char* piece :
        {"unix:",           "tcp:",         ",device=tpmrm0", ",mode=777",        ":",      "[",    "]",
         "65535",           "\n",           "raw:",           "swtpm:",           "mssim:", "pty:", "attest:",
         ",open=exclusive", ",open=shared", "localhost",      "::ffff:127.0.0.1", "inf",    "nan",  "/"})
        target.pieces.push_back(octets(piece));
    return target;
}

}  // namespace vtwin::fuzz
