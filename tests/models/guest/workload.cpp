#include "models/guest/workload.h"

#include "models/guest/attestation_agent.h"

#include <catch2/catch.hpp>

#include "models/hex.h"

using namespace vtwin::models;
using sc_core::sc_time;

namespace {

sc_time us(double value) {
    return {value, sc_core::SC_US};
}

/// A clock that moves when somebody sleeps; a TPM that takes a fixed time.
class load_bench final : public tpm_transport_if, public stubdom_services_if, public remote_service_if {
  public:
    transport_result transmit(byte_view command) override {
        commands.push_back(to_hex(command));
        m_now += service;
        if (!answers)
            return {transport_error::timed_out, {}};
        return {transport_error::none, *from_hex("00c40000000a00000000")};
    }
    void charge(const sc_time&) override {}
    void sleep(const sc_time& duration) override { m_now += duration; }
    void yield() override {}
    sc_time now() const override { return m_now; }
    void log(level, const std::string& text) override { said.push_back(text); }
    std::string call(std::string_view, const std::string&) override { return {}; }

    bool run(const load_config& config, std::uint64_t seed = 1,
             vtwin::tpm::family version = vtwin::tpm::family::tpm12) {
        transport_watch device(*this);
        chance_stream entropy(seed, "entropy");
        agent_files files;
        attestation_agent agent("guest", device, *this, entropy, *this, files);
        workload load(config, device, agent, *this, chance_stream(seed, "load"), version);
        load.on_operation = [this](const load_operation& each) { done.push_back(each); };
        return load.run(problem);
    }

    sc_time service = us(100);
    bool answers = true;
    std::vector<std::string> commands, said;
    std::vector<load_operation> done;
    std::string problem;

  private:
    sc_time m_now = us(50);
};

}  // namespace

TEST_CASE("a closed load asks again a think time after the answer") {
    load_bench world;
    load_config config;
    config.count = 3;
    config.interval = us(30);
    REQUIRE(world.run(config));
    REQUIRE(world.done.size() == 3);
    for (int i = 0; i < 3; ++i) {
        CHECK(world.done[i].number == static_cast<std::uint64_t>(i));
        CHECK(world.done[i].arrived == us(50 + 130 * i));
        CHECK(world.done[i].started == us(50 + 130 * i));
        CHECK(world.done[i].ended == us(150 + 130 * i));
        CHECK(world.done[i].ok());
    }
    CHECK(world.commands == std::vector<std::string>(3, "00c10000000e0000001500000000"));
}

TEST_CASE("a closed load of some duration begins nothing after it") {
    load_bench world;
    load_config config;
    config.duration = us(250);
    REQUIRE(world.run(config));
    CHECK(world.done.size() == 3);  // begun at 0, 100 and 200 us
}

TEST_CASE("what arrives at a busy TPM in an open loop waits and the arrivals keep their times") {
    load_bench world;
    load_config config;
    config.open = true;
    config.interval = us(60);
    config.duration = us(200);
    REQUIRE(world.run(config));
    REQUIRE(world.done.size() == 3);  // 60, 120, 180 us after the begin; the next would be at 240
    for (int i = 0; i < 3; ++i) {
        CHECK(world.done[i].arrived == us(110 + 60 * i));
        CHECK(world.done[i].started == us(110 + 100 * i));
        CHECK(world.done[i].ended == us(210 + 100 * i));
    }
}

TEST_CASE("random arrivals do not depend on how long the TPM takes and have the mean that was asked for") {
    load_bench quick, slow;
    slow.service = us(1000);
    load_config config;
    config.open = config.exponential = true;
    config.interval = us(100);
    config.count = 4000;
    REQUIRE(quick.run(config));
    REQUIRE(slow.run(config));
    REQUIRE(quick.done.size() == 4000);
    REQUIRE(slow.done.size() == 4000);
    bool same = true;
    for (std::size_t i = 0; i < quick.done.size(); ++i)
        same = same && quick.done[i].arrived == slow.done[i].arrived;
    CHECK(same);
    const double mean = (quick.done.back().arrived - us(50)).to_seconds() / 4000;
    CHECK(mean == Approx(100e-6).epsilon(0.05));
    load_bench other;
    REQUIRE(other.run(config, 2));
    CHECK(other.done[0].arrived != quick.done[0].arrived);
}

TEST_CASE("a load begins at its time or says how late it is") {
    load_bench early, late;
    load_config config;
    config.count = 1;
    config.start = us(80);
    REQUIRE(early.run(config));
    CHECK(early.done[0].arrived == us(80));
    CHECK(early.said.empty());
    config.start = us(20);
    REQUIRE(late.run(config));
    CHECK(late.done[0].arrived == us(50));
    CHECK(late.said == std::vector<std::string>{"its load begins 30 us late"});
}

TEST_CASE("commands for the chip carry the tag that the vTPM passes on") {
    load_bench world;
    load_config config;
    config.count = 1;
    config.what = load_config::command::chip_get_random;
    REQUIRE(world.run(config));
    CHECK(world.commands == std::vector<std::string>{"01c10000000e0000004600000014"});
}

TEST_CASE("an operation that got no answer says why") {
    load_bench world;
    world.answers = false;
    load_config config;
    config.count = 1;
    REQUIRE(world.run(config));
    CHECK_FALSE(world.done[0].ok());
    CHECK(world.done[0].failure.error == transport_error::timed_out);
}

TEST_CASE("a load of quotes does not begin without an identity") {
    load_bench world;
    load_config config;
    config.count = 1;
    config.what = load_config::command::quote;
    CHECK_FALSE(world.run(config));
    CHECK(world.problem.find("TPM_ReadPubek") != std::string::npos);
    CHECK(world.done.empty());
}

TEST_CASE("each operation of a load has its TPM 2.0 form and the chip's operations stay TPM 1.2") {
    using what = load_config::command;
    const auto sent = [](what command) {
        load_bench world;
        load_config config;
        config.what = command;
        config.count = 1;
        REQUIRE(world.run(config, 1, vtwin::tpm::family::tpm20));
        REQUIRE(world.commands.size() == 1);
        return world.commands[0];
    };
    CHECK(sent(what::vtpm_pcr_read) == "8001000000140000017e00000001000b03010000");
    CHECK(sent(what::vtpm_get_random) == "80010000000c0000017b0014");
    const std::string extend = sent(what::vtpm_extend);
    CHECK(extend.size() == 2 * 87);
    CHECK(
        extend.starts_with("8002000000570000018200000010000000094000000900000100000000000"
                           "20004"));
    CHECK(extend.substr(2 * 53, 4) == "000b");
    CHECK(sent(what::chip_pcr_read) == "01c10000000e0000001500000000");
    CHECK(sent(what::chip_get_random) == "01c10000000e0000004600000014");
}
