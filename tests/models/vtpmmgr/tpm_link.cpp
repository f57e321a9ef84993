// The checks on a hardware TPM's response, in their order.
#include "models/vtpmmgr/tpm_link.h"

#include <catch2/catch.hpp>

#include "tests/models/vtpmmgr/doubles.h"

using namespace vtwin::test;
using namespace vtwin::models::manager;
using vtwin::models::behaviour;
using vtwin::models::transport_error;
using vtwin::tpm::wire_reader;

namespace {

struct canned final : vtwin::models::tpm_transport_if {
    std::deque<bytes> responses;  ///< an empty one is a transport failure
    std::vector<bytes> commands;
    vtwin::models::transport_result transmit(byte_view command) override {
        commands.emplace_back(command.begin(), command.end());
        const bytes next = responses.front();
        if (responses.size() > 1)
            responses.pop_front();
        return {next.empty() ? transport_error::io : transport_error::none, next};
    }
};

struct link_bench {
    vtwin::models::behaviour_set behaviours;
    canned chip;
    quiet_services services;
    scripted_entropy entropy;
    tpm_link link{chip, behaviours, services};
    link_bench() { link.set_entropy(entropy); }

    /// PCRRead of PCR 1 answered with these bytes.
    std::uint32_t pcr_read(std::string_view response) {
        chip.responses = {unhex(response)};
        return link.execute(21, unhex("00000001"), [&](wire_reader& in) { value = in.fixed<20>(); });
    }
    sha1_digest value{};
};

const std::string digest = "0102030405060708090a0b0c0d0e0f1011121314";

}  // namespace

TEST_CASE("responses are judged by transport and status and framing and length in that order") {
    link_bench bench;
    CHECK(bench.pcr_read("") == 31);
    CHECK(bench.pcr_read("00ff000000990000000c") == 12);  // status before tag and size
    CHECK(bench.pcr_read("00c50000001e00000000" + digest) == 9);
    CHECK(bench.pcr_read("00c40000001f00000000" + digest) == 9);
    CHECK(bench.pcr_read("00c40000001f00000000" + digest + "00") == 23);
    CHECK(bench.pcr_read("00c40000001e00000000" + digest) == 0);
    CHECK(hex(bench.value) == digest);
    CHECK(hex(bench.chip.commands.back()) == "00c10000000e0000001500000001");
}

TEST_CASE("a short answer is parsed on into the old request unless hardened") {
    link_bench bench;
    CHECK(bench.pcr_read("00c40000000a00000000") == 0);
    CHECK(hex(bench.value) == "00000001" + std::string(32, '0'));  // the PCR index behind the header
    bench.behaviours.set(behaviour::vtpmmgr_tpm_reply_lengths_trusted, true);
    CHECK(bench.pcr_read("00c40000000a00000000") == 23);
}

TEST_CASE("a response that its session does not vouch for is refused and costs the session") {
    link_bench bench;
    tpm_session session;
    session.handle = 5;
    const authorisation auth[] = {{session, {}}};
    bench.chip.responses = {unhex("00c5000000330000000000" + std::string(80, '0'))};
    CHECK(bench.link.execute(152, {}, {}, auth) == 1);
    CHECK(session.handle == 0);
    CHECK(bench.chip.commands.back().size() == 55);
    bench.chip.responses = {unhex("00c40000000a00000022")};
    session.handle = 5;
    CHECK(bench.link.execute(152, {}, {}, auth) == 34);
    CHECK(session.handle == 0);
}

TEST_CASE("transient codes are final unless hardened and then retried a bounded number of times") {
    for (const bool hardened : {false, true}) {
        link_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_no_retry_on_transient_tpm_codes, hardened);
        CHECK(bench.pcr_read("00c40000000a00000800") == 0x800);
        CHECK(bench.chip.commands.size() == (hardened ? 6 : 1));
        CHECK(bench.services.spent == sc_core::sc_time(hardened ? 100 : 0, sc_core::SC_MS));
        bench.chip.responses = {unhex("00c40000000a00000802"), unhex("00c40000001e00000000" + digest)};
        const auto parse = [&](wire_reader& in) { bench.value = in.fixed<20>(); };
        CHECK(bench.link.execute(21, unhex("00000001"), parse) == (hardened ? 0 : 0x802));
    }
}
