// The packets and the tracks of whole runs: read by tshark, and checked against their formats and against the
// latency table.
#include <algorithm>
#include <sstream>

#include "tests/scenarios/end_to_end/program.h"
#include "tests/traces/pcapng_file.h"
#include "tests/traces/trace_events.h"

using namespace vtwin::scenario::test;
using vtwin::test::pcapng_file;
using vtwin::test::pcapng_parser;
using vtwin::test::tcp_packet;
using vtwin::test::trace_events;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

/// What tshark prints about a capture.
program_result tshark(const fs::path& capture, std::vector<std::string> options) {
    options.insert(options.begin(), {"tshark", "-n", "-r", capture.string()});
    program_result result = start(options);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result;
}

fs::path run_to(const temporary_directory& folder, const std::string& scenario) {
    const fs::path out = folder.path() / "run";
    REQUIRE(
        run_program({"run", library_scenario(scenario), "--quiet", "--no-vcd", "--out", out.string()}).code ==
        0);
    return out;
}

void check_for_complaints(const fs::path& capture) {
    // Chats are tshark's word for what is worth knowing.
    const std::string expert = tshark(capture, {"-o", "tcp.check_checksum:TRUE", "-o",
                                                "ip.check_checksum:TRUE", "-q", "-z", "expert,note"})
                                   .out;
    CAPTURE(expert);
    CHECK_FALSE(contains(expert, "Errors"));
    CHECK_FALSE(contains(expert, "Warns"));
    CHECK_FALSE(contains(expert, "Notes"));
}

/// The code of each command that tshark takes for one of a TPM 2.0.
std::vector<std::string> dissected_codes(const fs::path& capture) {
    return lines_of(tshark(capture, {"-Y", "tpm.req.cc", "-T", "fields", "-e", "tpm.req.cc"}).out);
}

std::size_t rows_from(const fs::path& out, const std::string& origin) {
    const auto rows = lines_of(content_of(out / "latency.csv"));
    return static_cast<std::size_t>(
        std::ranges::count_if(rows, [&](const auto& row) { return contains(row, ',' + origin + ','); }));
}

}  // namespace

TEST_CASE("tshark dissects every TPM 2.0 command of a run without a word of complaint") {
    temporary_directory folder;
    const fs::path out = run_to(folder, "tpm2_guest"), capture = out / "trace.pcapng";
    const pcapng_file file = pcapng_parser::parse(content_of(capture));
    REQUIRE(file.good);
    std::size_t commands = 0, answers = 0, others = 0, deep_quotes = 0;
    for (const auto& each : file.packets) {
        const auto packet = tcp_packet::parse(each.data);
        REQUIRE(packet);
        commands += packet->destination_port == 2321 ? 1 : 0;
        answers += packet->source_port == 2321 ? 1 : 0;
        others += packet->destination_port == 2312 || packet->source_port == 2312 ? 1 : 0;
        const bool known = packet->destination_port == 2321 || packet->source_port == 2321;
        CHECK(known == contains(each.comment, "protocol=TPM 2.0;"));
        deep_quotes += contains(each.comment, "vendor's command; command=VTPM_DeepQuote;") ? 1 : 0;
    }
    CHECK(deep_quotes == 1);
    CHECK(commands > 30);  // how many files IMA measures depends on the packages that are installed
    CHECK(answers == commands);
    CHECK(others > 100);
    CHECK(commands + answers + others == file.packets.size());

    check_for_complaints(capture);
    const auto codes = dissected_codes(capture);
    CHECK(codes.size() == commands);
    CHECK(std::ranges::count(codes, "0x00000147") == 1);  // TPM2_ActivateCredential
    CHECK(std::ranges::count(codes, "0x00000182") > 10);  // TPM2_PCR_Extend
    const auto results =
        lines_of(tshark(capture, {"-Y", "tpm.resp.rc", "-T", "fields", "-e", "tpm.resp.rc"}).out);
    CHECK(results.size() == answers);
    CHECK_FALSE(contains(tshark(capture, {"-Y", "tpm"}).out, "Unknown"));
    // The first packet of each interface, by its name.
    const auto names = lines_of(tshark(capture, {"-T", "fields", "-e", "frame.interface_name"}).out);
    for (const char* name : {"guest1 ring", "vtpm1 manager ring", "hardware chip bus"})
        CHECK(std::ranges::count(names, name) > 0);
    CHECK(contains(start({"capinfos", "-t", "-E", "-c", capture.string()}).out,
                   fmt::format("Number of packets:   {}", file.packets.size())));
}

TEST_CASE("tshark dissects what firmware, kernels and tools once asked of a TPM 2.0 without a complaint") {
    for (const std::string scenario : {"linux20_seabios", "linux20_ovmf", "replayed_tpm2_tools"}) {
        CAPTURE(scenario);
        temporary_directory folder;
        const fs::path capture = run_to(folder, scenario) / "trace.pcapng";
        const pcapng_file file = pcapng_parser::parse(content_of(capture));
        REQUIRE(file.good);
        std::size_t commands = 0, unreadable = 0, old_probes = 0;
        for (const auto& each : file.packets) {
            const auto packet = tcp_packet::parse(each.data);
            REQUIRE(packet);
            const bool known = packet->destination_port == 2321 || packet->source_port == 2321;
            commands += packet->destination_port == 2321 ? 1 : 0;
            old_probes += contains(each.comment, "hop=guest1 ring; protocol=TPM 1.2; command=") ? 1 : 0;
            if (known == contains(each.comment, "protocol=TPM 2.0;"))
                continue;
            // The one command that Wireshark 4.0 cannot count the handles of.
            CHECK(contains(each.comment, "=TPM2_NV_Read;"));
            ++unreadable;
        }
        CHECK(commands > 100);
        CHECK(unreadable == (scenario == "replayed_tpm2_tools" ? 2 : 0));
        CHECK(old_probes == (scenario == "linux20_ovmf" ? 1 : 0));
        check_for_complaints(capture);
        CHECK(dissected_codes(capture).size() == commands);
    }
}

TEST_CASE("a run tells the commands of dom0 at the hardware TPM from the manager's") {
    temporary_directory folder;
    const fs::path out = run_to(folder, "dom0_at_the_chip");
    const pcapng_file file = pcapng_parser::parse(content_of(out / "trace.pcapng"));
    REQUIRE(file.good);
    std::map<std::string, std::size_t> asked;  // commands on the chip's bus, by who sent them
    for (const auto& each : file.packets)
        for (const char* from : {"platform", "dom0", "vtpmmgr"})
            asked[from] += contains(each.comment, "hop=hardware chip bus;") &&
                                   contains(each.comment, "; command=") &&
                                   contains(each.comment, fmt::format("; from={};", from))
                               ? 1
                               : 0;
    const trace_events events(content_of(out / "trace.json"));
    CHECK(events.problem == "");
    CHECK(events.slices_on("hardware TPM/execution") == asked["platform"] + asked["dom0"] + asked["vtpmmgr"]);
    std::size_t from_dom0 = 0;
    for (const auto& [number, journey] : events.journeys) {
        const bool to_chip = contains(journey, " > hardware TPM/execution");
        const bool of_dom0 = journey.starts_with("dom0 (domain 0)/commands to the hardware TPM");
        from_dom0 += to_chip && of_dom0 ? 1 : 0;
        CHECK((!of_dom0 || !contains(journey, "vtpmmgr")));
    }
    CHECK(asked["dom0"] > 5);
    CHECK(asked["platform"] > 3);
    CHECK(asked["vtpmmgr"] > 5);
    CHECK(from_dom0 == asked["dom0"]);
}

TEST_CASE("the packets of a run are the commands of its latency table") {
    temporary_directory folder;
    const fs::path out = run_to(folder, "deep_attestation");
    const pcapng_file file = pcapng_parser::parse(content_of(out / "trace.pcapng"));
    REQUIRE(file.good);
    std::map<std::string, std::size_t> commands, answers;
    std::uint64_t before = 0;
    for (const auto& each : file.packets) {
        CHECK(before <= each.at);
        before = each.at;
        const auto packet = tcp_packet::parse(each.data);
        REQUIRE(packet);
        CHECK((packet->destination_port == 2312 || packet->source_port == 2312));  // every TPM is a 1.2
        ++(packet->destination_port == 2312 ? commands : answers)[file.interfaces.at(each.interface).name];
    }
    CHECK(commands == answers);
    for (const char* guest : {"guest1", "guest2", "dom0"})
        CHECK(commands[guest + std::string(" ring")] == rows_from(out, guest));
    for (const char* vtpm : {"vtpm0", "vtpm1", "vtpm2"})
        CHECK(commands[vtpm + std::string(" manager ring")] == rows_from(out, vtpm));
    CHECK(commands["hardware chip bus"] > rows_from(out, "vtpmmgr") + rows_from(out, "platform"));
    CHECK(result_of(out)["simulated_ps"].get<std::uint64_t>() / 1000 >= before);
}

TEST_CASE("the tracks of a run keep to their format and lead from a guest's driver to the chip") {
    temporary_directory folder;
    const fs::path out = run_to(folder, "deep_attestation");
    const trace_events events(content_of(out / "trace.json"));
    CHECK(events.problem == "");
    for (const char* track : {"commands", "requests to vtpm1", "vCPU"})
        CHECK(std::ranges::any_of(events.tracks, [&](const std::string& each) {
            return each.starts_with("guest1 (domain ") && each.ends_with(std::string(")/") + track);
        }));
    for (const char* track : {"hardware TPM/execution", "hardware TPM/interface", "lpc bus/transfers"})
        CHECK(events.tracks.contains(track));
    // What a vTPM's TPM executes lies within the vTPM's work on the request.
    std::size_t by_vtpms = 0;
    for (const auto& [number, journey] : events.journeys)
        by_vtpms += contains(journey, ")/serving > vtpm1 (domain 3)/TPM execution") ? 1 : 0;
    CHECK(by_vtpms == events.slices_on("vtpm1 (domain 3)/TPM execution"));
    CHECK(by_vtpms > 10);
    std::size_t to_the_chip = 0;
    for (const auto& [number, journey] : events.journeys)
        to_the_chip += journey.starts_with("guest1 (domain ") && contains(journey, ")/commands > ") &&
                               contains(journey, ")/requests to vtpmmgr > ") &&
                               contains(journey, " > hardware TPM/execution")
                           ? 1
                           : 0;
    CHECK(to_the_chip > 0);
    const auto packets = pcapng_parser::parse(content_of(out / "trace.pcapng"));
    std::size_t executed = 0;
    for (const auto& each : packets.packets)
        executed +=
            contains(each.comment, "hop=hardware chip bus;") && contains(each.comment, "; command=") ? 1 : 0;
    CHECK(events.slices_on("hardware TPM/execution") == executed);
}

TEST_CASE("a run leaves packets and tracks out when it is told to") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    REQUIRE(run_program({"run", library_scenario("tpm2_guest"), "--quiet", "--no-vcd", "--no-pcapng",
                         "--no-perfetto", "--out", out.string()})
                .code == 0);
    for (const char* name : {"trace.vcd", "trace.pcapng", "trace.json"})
        CHECK_FALSE(fs::exists(out / name));
}
