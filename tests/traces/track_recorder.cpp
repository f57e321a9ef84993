#include "traces/track_recorder.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/traces/small_house.h"
#include "tests/traces/trace_events.h"

using namespace vtwin;
using namespace vtwin::trace;
using namespace vtwin::test;

namespace {

/// A guest's command that goes down to the chip.
void deep_command(hop_log& hops) {
    const auto ring = [&](double at, xen::domid_t front, xen::domid_t back, ring_state state,
                          std::uint16_t tag, std::uint32_t code) {
        hops.ring_changed({ns(at), front, back, state, true, 34, 0, tag, code, {}, 0});
    };
    hops.command_issued(guest, ns(1000), 0x16);
    ring(1200, guest, vtpm, ring_state::submit, 0xC2, 0x16);
    ring(2000, vtpm, manager, ring_state::submit, 0x01C1, 4);
    hops.engine_done(vtpm, {ns(1600), ns(1900), 0x16, 0, 0, {}, {}, {}});
    hops.chip_done("hardware", {ns(2500), ns(4500), 0x16, 0, 0, {}, {}, xen::to_underlying(manager)});
    hops.served(vtpm, manager, ns(2200));
    ring(6000, vtpm, manager, ring_state::finish, 0x01C4, 0);
    hops.served(guest, vtpm, ns(1500));
    ring(8000, guest, vtpm, ring_state::finish, 0x00C4, 0);
    hops.command_returned(guest, ns(8700));
}

}  // namespace

TEST_CASE("one command is drawn on every hop and its arrows lead from hop to hop") {
    hop_log hops(identify);
    deep_command(hops);
    track_recorder tracks(identify, hops);
    std::ostringstream out;
    REQUIRE(tracks.write(out, ns(10000)));
    const trace_events events(out.str());
    REQUIRE(events.problem == "");
    CHECK(events.slices ==
          std::vector<std::string>{"vtpmmgr (domain 1)/serving: VTPM_GET_QUOTE 2.200000+3.800000",
                                   "vtpm1 (domain 2)/requests to vtpmmgr: VTPM_GET_QUOTE 2.000000+4.000000",
                                   "vtpm1 (domain 2)/serving: TPM_Quote 1.500000+6.500000",
                                   "vtpm1 (domain 2)/TPM execution: TPM_Quote 1.600000+0.300000",
                                   "guest1 (domain 3)/commands: TPM_Quote 1.000000+7.700000",
                                   "guest1 (domain 3)/requests to vtpm1: TPM_Quote 1.200000+6.800000",
                                   "hardware TPM/execution: TPM_Quote 2.500000+2.000000"});
    CHECK(
        events.journeys ==
        std::map<std::uint64_t, std::string>{
            {1,
             "guest1 (domain 3)/commands > guest1 (domain 3)/requests to vtpm1 > vtpm1 (domain 2)/serving > "
             "vtpm1 (domain 2)/TPM execution > vtpm1 (domain 2)/requests to vtpmmgr > vtpmmgr (domain "
             "1)/serving > hardware TPM/execution"}});
}

TEST_CASE("states last until the next one and cycles of a transfer are one slice") {
    hop_log hops(identify);
    track_recorder tracks(identify, hops);
    tpm::tis_state state{};
    const auto tis = [&](double at, tpm::tis_state::fsm now, int locality) {
        state.at = ns(at);
        state.state = now;
        state.active_locality = static_cast<std::int8_t>(locality);
        ++state.sts;  // burst counts change all the time
        tracks.tis_changed("hardware", state);
    };
    tis(0, tpm::tis_state::fsm::idle, -1);
    tis(1000, tpm::tis_state::fsm::ready, 2);
    tis(1500, tpm::tis_state::fsm::ready, 2);
    tis(2000, tpm::tis_state::fsm::reception, 2);
    const auto cycle = [&](double from, bool write, std::uint16_t address) {
        tracks.bus_cycle("lpc", {ns(from), ns(from + 400), write, address, 0, 0});
    };
    cycle(1000, true, 0x2018);
    cycle(1400, true, 0x2024);
    cycle(11700, true, 0x2027);  // 9.9 us after the one before
    cycle(22100, false, 0x2018);
    cycle(40000, false, 0x2080);
    tracks.disk_done({vtpm, true, false, 8, 4, ns(100), ns(900), 0});
    tracks.disk_done({vtpm, false, true, 0, 0, ns(500), ns(700), -1});
    std::ostringstream out;
    REQUIRE(tracks.write(out, ns(50000)));
    const trace_events events(out.str());
    REQUIRE(events.problem == "");
    CHECK(events.slices == std::vector<std::string>{"vtpm1 (domain 2)/disk: write 0.100000+0.800000",
                                                    "vtpm1 (domain 2)/disk (2): flush 0.500000+0.200000",
                                                    "hardware TPM/interface: Ready 1.000000+1.000000",
                                                    "hardware TPM/interface: Reception 2.000000+48.000000",
                                                    "lpc bus/transfers: command 1.000000+11.100000",
                                                    "lpc bus/transfers: registers 22.100000+0.400000",
                                                    "lpc bus/transfers: answer 40.000000+0.400000"});
    CHECK(out.str().find("\"cycles\":3,\"writes\":3,\"FIFO octets written\":2") != std::string::npos);
    CHECK(out.str().find("\"status\":\"error\"") != std::string::npos);
    CHECK(events.journeys.empty());
}

TEST_CASE("a virtual CPU is drawn while it runs or wants to") {
    using state = xen::vcpu_state_change::state;
    hop_log hops(identify);
    track_recorder tracks(identify, hops);
    const auto becomes = [&](state now, int pcpu) { tracks.vcpu_changed({vtpm, now, pcpu}); };
    becomes(state::offline, -1);
    sc_core::sc_start(ns(1000));
    becomes(state::runnable, -1);
    becomes(state::running, 1);  // at once: it never waited
    sc_core::sc_start(ns(500));
    becomes(state::blocked, -1);
    sc_core::sc_start(ns(2000));
    becomes(state::runnable, -1);
    sc_core::sc_start(ns(250));
    becomes(state::running, 0);
    sc_core::sc_start(ns(750));
    std::ostringstream out;
    REQUIRE(tracks.write(out, sc_core::sc_time_stamp()));
    const trace_events events(out.str());
    REQUIRE(events.problem == "");
    CHECK(events.slices == std::vector<std::string>{"vtpm1 (domain 2)/vCPU: running 1.000000+0.500000",
                                                    "vtpm1 (domain 2)/vCPU: runnable 3.500000+0.250000",
                                                    "vtpm1 (domain 2)/vCPU: running 3.750000+0.750000"});
    CHECK(out.str().find("\"pcpu\":1") != std::string::npos);
}

TEST_CASE("a command that nobody answered is drawn to the end of the trace") {
    hop_log hops(identify);
    hops.ring_changed({ns(1000), guest, vtpm, ring_state::submit, true, 34, 0, 0xC1, 0x15, {}, 0});
    track_recorder tracks(identify, hops);
    std::ostringstream out;
    REQUIRE(tracks.write(out, ns(5000)));
    const trace_events events(out.str());
    CHECK(events.slices ==
          std::vector<std::string>{"guest1 (domain 3)/requests to vtpm1: TPM_PCRRead 1.000000+4.000000"});
    CHECK(out.str().find("\"result\":\"not over\"") != std::string::npos);
}

TEST_CASE("a domain's commands to its vTPM and to the hardware TPM have tracks of their own") {
    hop_log hops(identify);
    const driver_id tis(guest, tpm_device::hardware);
    hops.command_issued(guest, ns(1000), 0x14);
    hops.command_issued(tis, ns(2000), 0x15);
    hops.chip_done("hardware", {ns(3000), ns(4000), 0x15, 0, 0, {}, {}, xen::to_underlying(guest)});
    hops.command_returned(tis, ns(5000));
    hops.command_returned(guest, ns(6000));
    track_recorder tracks(identify, hops);
    std::ostringstream out;
    REQUIRE(tracks.write(out, ns(7000)));
    const trace_events events(out.str());
    CHECK(events.problem == "");
    CHECK(events.slices ==
          std::vector<std::string>{"guest1 (domain 3)/commands: TPM_Extend 1.000000+5.000000",
                                   "guest1 (domain 3)/commands to the hardware TPM: TPM_PCRRead "
                                   "2.000000+3.000000",
                                   "hardware TPM/execution: TPM_PCRRead 3.000000+1.000000"});
    CHECK(events.journeys ==
          std::map<std::uint64_t, std::string>{
              {2, "guest1 (domain 3)/commands to the hardware TPM > hardware TPM/execution"}});
}
