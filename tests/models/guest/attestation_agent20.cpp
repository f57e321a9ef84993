// The agent of a guest with a TPM 2.0 before a real engine and the real remote parties, without a vTPM in
// between: who it enrols with, what it finds at a later boot, and what it says when something is refused.
#include "models/guest/attestation_agent20.h"

#include <catch2/catch.hpp>

#include "models/chance.h"
#include "models/hex.h"
#include "models/remote/remote_parties.h"
#include "tpm/engine/libtpms_engine.h"

using namespace vtwin;
using namespace vtwin::models;
namespace t20 = tpm::tpm20;

namespace {

struct agent_bench final : tpm_transport_if, remote_service_if, stubdom_services_if {
    agent_bench() {
        engine.power_cycle();
        REQUIRE(send(t20::startup(t20::su::clear)) == 0);
    }
    transport_result transmit(byte_view command) override {
        if (tpm::load_be32(command.subspan(6, 4)) == refused_code)
            return {transport_error::none, *from_hex("80010000000a00000101")};
        return {transport_error::none, engine.execute(command, 0)};
    }
    std::size_t transient_objects() {
        const auto answer =
            t20::parse_response(engine.execute(t20::get_capability(1, t20::handle::first_transient, 8), 0));
        return tpm::load_be32(byte_view(answer->handle_and_parameters).subspan(5));
    }
    std::uint32_t send(byte_view command) { return t20::parse_response(engine.execute(command, 0))->code; }
    std::string call(std::string_view service, const std::string& body) override {
        asked += std::string(service) + ' ';
        return online ? parties.handle(service, body) : std::string();
    }
    void charge(const sc_core::sc_time&) override {}
    void sleep(const sc_core::sc_time&) override {}
    void yield() override {}
    sc_core::sc_time now() const override { return {}; }
    void log(level, const std::string&) override {}

    /// A boot of the guest: a new agent with the same files. "" or the problem.
    std::string boot(const std::string& name = "g1") {
        attestation_agent20 agent(name, *this, *this, entropy, *this, files);
        std::string problem;
        const bool enrolled = agent.enrol(problem);
        CHECK(enrolled == problem.empty());
        return problem;
    }

    tpm::libtpms_host library;
    chance_stream entropy{2, "guest"}, chip{3, "chip"};
    tpm::libtpms_engine engine{library, {"vtpm", tpm::family::tpm20, 4096}, chip, [] { return 0; }};
    remote_parties parties{{},
                           [](std::string_view name) { return std::make_unique<chance_stream>(1, name); }};
    agent20_files files;
    std::string asked;
    bool online = true;
    std::uint32_t refused_code = 0;
};

}  // namespace

TEST_CASE("a guest with a TPM 2.0 enrols once and finds its key at the next boot") {
    agent_bench world;
    REQUIRE(world.boot() == "");
    CHECK(world.asked == "ca/enrol-guest-tpm20 ");
    CHECK(world.files.ak_certificate == world.parties.ca().certificates().back().certificate);
    CHECK(world.parties.ca().certificates().back().subject == "g1");
    CHECK(world.boot() == "");
    CHECK(world.asked == "ca/enrol-guest-tpm20 ");  // nobody was asked again
    // Nothing but the two persistent keys is left in the TPM.
    CHECK(world.transient_objects() == 0);
    const auto persistent =
        t20::parse_response(world.engine.execute(t20::get_capability(1, 0x81000000, 8), 0));
    CHECK(to_hex(byte_view(persistent->handle_and_parameters).subspan(5)) == "000000028101000181010002");
}

TEST_CASE("a guest finds out that its TPM 2.0 is another one") {
    agent_bench world;
    REQUIRE(world.boot() == "");
    world.engine.erase();
    world.engine.power_cycle();
    REQUIRE(world.send(t20::startup(t20::su::clear)) == 0);
    CHECK(world.boot() == "TPM2_ReadPublic of the AK answered 0x18B");  // TPM_RC_HANDLE, first handle
    // Another key at the same place.
    const agent20_files before = world.files;
    world.files = {};
    REQUIRE(world.boot() == "");
    world.files = before;
    CHECK(world.boot() == "the vTPM holds another AK than the certified one");
}

TEST_CASE("a guest with a TPM 2.0 enrols anew after an enrolment that came to nothing") {
    agent_bench world;
    world.online = false;
    CHECK(world.boot() != "");
    CHECK_FALSE(world.files.enrolled);
    world.online = true;
    CHECK(world.boot() == "");
    CHECK(world.boot() == "");
}

TEST_CASE("an enrolment that cannot keep its key leaves no transient object behind") {
    agent_bench world;
    world.refused_code = t20::cc::evict_control;
    CHECK(world.boot() == "the EK cannot be made persistent: code 0x101");
    CHECK(world.transient_objects() == 0);
    world.refused_code = t20::cc::flush_context;
    CHECK(world.boot() == "the EK cannot be made persistent: code 0x101");
    CHECK(world.transient_objects() == 1);
}

TEST_CASE("a guest with a TPM 2.0 says who refused its enrolment") {
    const auto problem = [](const std::function<void(agent_bench&)>& change, const std::string& name = "g1") {
        agent_bench world;
        change(world);
        return world.boot(name);
    };
    CHECK(problem([](agent_bench& world) { world.online = false; }) ==
          "the privacy CA refused the AK: no answer");
    CHECK(problem([](agent_bench&) {}, "") ==
          "the privacy CA refused the AK: the subject is not a name of 1 to 64 printable characters");
    CHECK(problem([](agent_bench& world) { world.refused_code = t20::cc::create_primary; }) ==
          "TPM2_CreatePrimary of the EK answered 0x101");
    CHECK(problem([](agent_bench& world) { world.refused_code = t20::cc::evict_control; }) ==
          "the EK cannot be made persistent: code 0x101");
    CHECK(problem([](agent_bench& world) { world.refused_code = t20::cc::activate_credential; }) ==
          "TPM2_ActivateCredential answered 0x101");
    CHECK(problem([](agent_bench& world) { world.refused_code = t20::cc::policy_secret; }) ==
          "TPM2_ActivateCredential answered 0x101");
}

TEST_CASE("a TPM 2.0 without Xen's vTPM around it quotes but gives no deep quote") {
    agent_bench world;
    attestation_agent20 agent("g1", world, world, world.entropy, world, world.files);
    std::string problem;
    REQUIRE(agent.enrol(problem));
    challenge_reply challenge;
    challenge.nonce = bytes(20, std::byte{1});
    challenge.vtpm_pcr_mask = challenge.hardware_pcr_mask = 1;
    CHECK(agent.quote(challenge, problem));
    CHECK_FALSE(agent.deep_quote(challenge, problem));
    CHECK(problem == "DeepQuote answered 0x143");
    CHECK_FALSE(agent.last_evidence().tpm20);
}
