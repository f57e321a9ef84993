#include "traces/recorder.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/traces/pcapng_file.h"
#include "tests/traces/small_house.h"
#include "tests/traces/trace_events.h"
#include "tests/traces/vcd_text.h"
#include "traces/signals.h"

using namespace vtwin;
using namespace vtwin::trace;
using namespace vtwin::test;

namespace {

// Stands for a machine: the observation ports, and a thread that plays one command of a guest.
class fake_machine : public sc_core::sc_module {
  public:
    tlm::tlm_analysis_port<xen::grant_map_change> grants{"grants"};
    tlm::tlm_analysis_port<xen::evtchn_pending_change> events{"events"};
    tlm::tlm_analysis_port<xen::vcpu_state_change> vcpus{"vcpus"};
    tlm::tlm_analysis_port<xen::block_request_done> disks{"disks"};
    tlm::tlm_analysis_port<tpm::tis_state> states{"states"};
    tlm::tlm_analysis_port<tpm::chip_command> commands{"commands"};
    tlm::tlm_analysis_port<tpm::lpc_cycle> cycles{"cycles"};
    xen::machine_memory memory;
    command_observer_if* observer = nullptr;

    SC_HAS_PROCESS(fake_machine);
    explicit fake_machine(sc_core::sc_module_name name) : sc_module(name) { SC_THREAD(play); }

  private:
    void store(std::size_t offset, std::initializer_list<int> values) {
        std::vector<std::byte> data;
        for (const int value : values)
            data.push_back(static_cast<std::byte>(value));
        memory.write(m_frame, guest, offset, data);
    }

    void play() {
        using cpu = xen::vcpu_state_change::state;
        m_frame = memory.allocate(guest);
        vcpus.write({guest, cpu::running, 1});
        grants.write({vtpm, guest, xen::grant_ref{9}, m_frame, true});
        wait(ns(10));
        observer->command_issued(guest, sc_core::sc_time_stamp(), 0x14);
        store(8, {0x00, 0xC1, 0, 0, 0, 34, 0, 0, 0, 0x14});
        store(0, {34, 0, 0, 0});
        wait(ns(10));
        store(4, {1});
        events.write({vtpm, xen::evtchn_port{3}, true});
        vcpus.write({guest, cpu::blocked, -1});
        wait(ns(10));
        events.write({vtpm, xen::evtchn_port{3}, false});
        // the bus runs ahead of the kernel
        cycles.write({ns(40), ns(50), true, 0x1018, 0x20, 0});
        states.write({tpm::tis_state::fsm::execution, 1, {1, 0x21, 1, 1, 1}, 0x00001000, 0, ns(48)});
        wait(ns(15));
        disks.write({vtpm, true, false, 64, 8, ns(35), ns(45), 0});
        commands.write({ns(48), ns(49), 0x46, 0, 1, {}, {}});
        wait(ns(15));
        store(8, {0x00, 0xC4, 0, 0, 0, 30, 0, 0, 0, 3});
        store(0, {30, 0, 0, 0});
        store(4, {2});
        wait(ns(20));
        observer->command_returned(guest, sc_core::sc_time_stamp(), 0x14);
        grants.write({vtpm, guest, xen::grant_ref{9}, m_frame, false});
        store(4, {1});  // no ring any more
    }

    xen::mfn_t m_frame{};
};

void attach_all(recorder& rec, fake_machine& machine) {
    rec.attach_grants(machine.grants, machine.memory);
    rec.attach_events(machine.events);
    rec.attach_vcpus(machine.vcpus);
    rec.attach_disk(machine.disks);
    rec.attach_tpm("slb9635", machine.states, machine.commands);
    rec.attach_bus("lpc", machine.cycles);
    machine.observer = &rec;
}

}  // namespace

TEST_CASE("a recorder turns observations into a waveform and a table") {
    fake_machine machine("machine");
    recorder rec(identify);
    attach_all(rec, machine);
    sc_core::sc_start();
    std::ostringstream out;
    REQUIRE(rec.write_vcd(out));
    const test::vcd_text text = test::parse_vcd(out.str());
    REQUIRE(text.good);
    CHECK(text.history("vcpus.guest1.state") == "0=- 0=running 20000=blocked");
    CHECK(text.history("vcpus.guest1.pcpu") == "0=x 0=00000001 20000=z");
    CHECK(text.history("rings.guest1.state") == "0=- 0=IDLE 20000=SUBMIT 60000=FINISH");
    CHECK(text.history("rings.guest1.command") == "0=- 20000=TPM_Extend");
    CHECK(text.at("rings.guest1.length", 60000) == "00000000000000000000000000011110");
    CHECK(text.at("rings.guest1.result", 60000) == "00000000000000000000000000000011");
    CHECK(text.history("events.vtpm1.port_3") == "0=x 20000=1 30000=0");
    CHECK(text.history("bus.lpc.register") == "0=- 40000=STS_1");
    CHECK(text.history("bus.lpc.busy") == "0=x 40000=1 50000=0");
    CHECK(text.history("bus.lpc.data") == "0=x 50000=00100000");
    CHECK(text.history("tpm.slb9635.fsm") == "0=- 48000=Execution");
    CHECK(text.history("tpm.slb9635.active_locality") == "0=x 48000=0001");
    CHECK(text.at("tpm.slb9635.burst_count", 48000) == "0000000000010000");
    CHECK(text.history("disks.vtpm1.last") == "0=- 45000=write");
    CHECK(text.at("disks.vtpm1.service_ns", 45000) == std::string(60, '0') + "1010");
    CHECK(text.history("drivers.guest1.command") == "0=- 10000=TPM_Extend 80000=-");

    std::ostringstream table;
    rec.write_latency_csv(table);
    CHECK(table.str() ==
          "time_ns,origin,ordinal,result,queue,ring,backend,save,manager,bus,chip,return,total\n"
          "10,guest1,TPM_Extend,3,10,10,20,10,0,0,0,20,70\n"
          "48,platform,TPM_GetRandom,0,0,0,0,0,0,0,1,0,1\n");

    std::ostringstream layout;
    rec.write_gtkw(layout, "trace.vcd");
    CHECK(layout.str().find("-rings.guest1\n") != std::string::npos);
    CHECK(layout.str().find("tpm.slb9635.sts[31:0]\n") != std::string::npos);
}

TEST_CASE("a recorder keeps only what it was asked for") {
    fake_machine machine("machine");
    recorder rec(identify, {.waveform = false, .latency = true, .event_channels = false});
    attach_all(rec, machine);
    sc_core::sc_start();
    std::ostringstream out;
    CHECK_FALSE(rec.write_vcd(out));
    CHECK(out.str().empty());
    CHECK(rec.latency_rows().size() == 2);
}

TEST_CASE("a recorder that is asked for them keeps packets and tracks") {
    fake_machine machine("machine");
    recorder rec(identify, {.waveform = false, .packets = true, .tracks = true});
    attach_all(rec, machine);
    sc_core::sc_start();
    std::ostringstream packets, tracks;
    REQUIRE(rec.write_pcapng(packets));
    const auto file = test::pcapng_parser::parse(packets.str());
    REQUIRE(file.good);
    REQUIRE(file.packets.size() == 4);
    CHECK(file.packets[0].at == 20);
    CHECK(file.packets[0].data.size() == 40 + 34);
    CHECK(file.packets[0].comment.find("TPM_Extend; from=guest1; to=vtpm1; locality=0; latency_ns=40") !=
          std::string::npos);
    CHECK(file.packets[1].at == 48);
    CHECK(file.packets[3].at == 60);
    CHECK(file.packets[3].comment.find("answer_to=TPM_Extend; result=3") != std::string::npos);

    REQUIRE(rec.write_trace_events(tracks));
    const test::trace_events events(tracks.str());
    CHECK(events.problem == "");
    CHECK(events.tracks == std::set<std::string>{"vtpm1 (domain 2)/serving", "vtpm1 (domain 2)/disk",
                                                 "guest1 (domain 3)/commands",
                                                 "guest1 (domain 3)/requests to vtpm1",
                                                 "guest1 (domain 3)/vCPU", "slb9635 TPM/execution",
                                                 "slb9635 TPM/interface", "lpc bus/transfers"});
    CHECK(events.journeys ==
          std::map<std::uint64_t, std::string>{{1,
                                                "guest1 (domain 3)/commands > guest1 (domain 3)/requests to "
                                                "vtpm1 > vtpm1 (domain 2)/serving"}});
}

TEST_CASE("a recorder that is not asked for packets and tracks writes none") {
    fake_machine machine("machine");
    recorder rec(identify);
    attach_all(rec, machine);
    sc_core::sc_start();
    std::ostringstream out;
    CHECK_FALSE(rec.write_pcapng(out));
    CHECK_FALSE(rec.write_trace_events(out));
    CHECK(out.str().empty());
}

TEST_CASE("a domain's driver of the hardware TPM has a signal of its own") {
    recorder rec(identify);
    rec.command_issued(guest, ns(0), 0x14);
    rec.command_issued({guest, tpm_device::hardware}, ns(0), 0x15);
    std::ostringstream out;
    REQUIRE(rec.write_vcd(out));
    const test::vcd_text text = test::parse_vcd(out.str());
    REQUIRE(text.good);
    CHECK(text.at("drivers.guest1.command", 0) == "TPM_Extend");
    CHECK(text.at("drivers.guest1.hardware_command", 0) == "TPM_PCRRead");
    CHECK(find_signal("drivers.guest1.hardware_command") != nullptr);
}
