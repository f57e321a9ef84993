#include "traces/latency_table.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/traces/small_house.h"

using namespace vtwin;
using namespace vtwin::trace;
using namespace vtwin::test;

namespace {

constexpr std::uint16_t to_tpm = 0x00C1, to_manager = 0x01C1;

class table_bench {
  public:
    void ring(double at, xen::domid_t front, xen::domid_t back, ring_state state, std::uint16_t tag,
              std::uint32_t code, std::uint32_t length = 34) {
        table.ring_changed({ns(at), front, back, state, true, length, 0, tag, code, {}, 0});
    }
    void notice(double at, xen::domid_t dom) {
        table.pending_changed(ns(at), {dom, xen::evtchn_port{1}, false});
    }
    void disk(xen::domid_t dom, double from, double to) {
        table.disk_done({dom, true, false, 0, 8, ns(from), ns(to), 0});
    }
    void bus(double from, double to, xen::domid_t by = manager) {
        table.bus_cycle({ns(from), ns(to), false, 0x18, 0, 0, xen::to_underlying(by)});
    }
    void chip(double go, double done, xen::domid_t by = manager, std::uint32_t result = 0) {
        table.chip_done({ns(go), ns(done), 0x46, result, 0, {}, {}, xen::to_underlying(by)});
    }
    std::string csv() const {
        std::ostringstream out;
        table.write_csv(out);
        const std::string all = out.str();
        return all.substr(all.find('\n') + 1);
    }

    latency_table table{identify};
};

// vTPM to manager and on to the chip, between 2000 and 6000.
void manager_request(table_bench& b) {
    b.ring(2000, vtpm, manager, ring_state::submit, to_manager, 1);
    b.notice(2100, manager);
    b.bus(2200, 2300);
    b.bus(2300, 2400);
    b.bus(3000, 3100);  // a poll while the chip works
    b.chip(2500, 4500);
    b.bus(4600, 4700);
    b.disk(manager, 5000, 5700);
    b.ring(6000, vtpm, manager, ring_state::finish, to_manager, 0, 10);
}

}  // namespace

TEST_CASE("a command's time is split over its hops and sums exactly") {
    table_bench b;
    b.table.command_issued(guest, ns(1000), 0x14);
    b.ring(1200, guest, vtpm, ring_state::submit, to_tpm, 0x14);
    b.notice(1500, vtpm);
    manager_request(b);
    b.disk(vtpm, 6500, 7500);
    b.ring(8000, guest, vtpm, ring_state::finish, 0x00C4, 0);
    b.table.command_returned(guest, ns(8700), 0x14);
    CHECK(b.csv() ==
          // 1000: queue 200, ring 300, save 1000; bus 300 and chip 2000 lie within the manager's 4000
          "1000,guest1,TPM_Extend,0,200,300,1500,1000,1700,300,2000,700,7700\n"
          "2000,vtpm1,VTPM_SAVEHASHKEY,0,0,100,0,700,900,300,2000,0,4000\n");
    for (const latency_row& row : b.table.rows())
        CHECK(row.queue + row.ring + row.backend + row.save + row.manager + row.bus + row.chip + row.back ==
              row.total);
}

TEST_CASE("time before the manager looks at a request counts as the manager's for the guest") {
    table_bench b;
    b.ring(0, guest, vtpm, ring_state::submit, to_tpm, 0x15);
    b.ring(100, vtpm, manager, ring_state::submit, to_tpm, 0x15);
    b.notice(600, manager);
    b.ring(700, vtpm, manager, ring_state::finish, 0x00C4, 0);
    b.ring(1000, guest, vtpm, ring_state::finish, 0x00C4, 0);
    CHECK(b.csv() ==
          "0,guest1,TPM_PCRRead,0,0,0,400,0,600,0,0,0,1000\n"
          "100,vtpm1,TPM_PCRRead,0,0,500,0,0,100,0,0,0,600\n");
}

TEST_CASE("waiting behind another client is time on the ring") {
    table_bench b;
    b.ring(0, vtpm, manager, ring_state::submit, to_manager, 1);
    b.notice(10, manager);
    b.ring(100, vtpm2, manager, ring_state::submit, to_manager, 2);
    b.notice(110, manager);
    b.chip(200, 500);
    b.ring(600, vtpm, manager, ring_state::finish, to_manager, 0);
    b.chip(700, 800);
    b.ring(900, vtpm2, manager, ring_state::finish, to_manager, 3);
    CHECK(b.csv() ==
          "0,vtpm1,VTPM_SAVEHASHKEY,0,0,10,0,0,290,0,300,0,600\n"
          "100,vtpm2,VTPM_LOADHASHKEY,3,0,500,0,0,200,0,100,0,800\n");
}

TEST_CASE("chip commands outside any request are the manager's own") {
    table_bench b;
    b.chip(100, 350);
    b.ring(1000, vtpm, manager, ring_state::submit, to_manager, 1);
    b.ring(1500, vtpm, manager, ring_state::finish, to_manager, 0);
    CHECK(b.csv() ==
          "100,vtpmmgr,TPM_GetRandom,0,0,0,0,0,0,0,250,0,250\n"
          "1000,vtpm1,VTPM_SAVEHASHKEY,0,0,0,0,0,500,0,0,0,500\n");
    latency_table unknown(identify);
    unknown.chip_done({ns(1), ns(2), 0x99, 0, 0, {}, {}, {}});
    CHECK(unknown.rows().at(0).origin == "platform");
    CHECK(unknown.rows().at(0).ordinal == "TPM_Startup");
}

TEST_CASE("an answer that never came is said to be none") {
    table_bench b;
    b.table.command_issued(guest, ns(0), 0x46);
    b.ring(50, guest, vtpm, ring_state::submit, to_tpm, 0x46);
    b.table.command_returned(guest, ns(900), 0x46);
    b.ring(1000, guest, vtpm, ring_state::finish, 0x00C4, 0);  // late: belongs to no command any more
    b.table.command_issued(guest, ns(2000), 0x46);             // the driver fails before it writes the ring
    b.table.command_returned(guest, ns(2010), 0x46);
    b.ring(3000, guest, vtpm, ring_state::submit, to_tpm, 0x15);
    b.ring(3400, guest, vtpm, ring_state::idle, to_tpm, 0x15);  // cancelled
    CHECK(b.csv() ==
          "0,guest1,TPM_GetRandom,none,50,0,850,0,0,0,0,0,900\n"
          "2000,guest1,TPM_GetRandom,none,10,0,0,0,0,0,0,0,10\n"
          "3000,guest1,TPM_PCRRead,none,0,0,400,0,0,0,0,0,400\n");
}

TEST_CASE("a response shorter than a header has no result") {
    table_bench b;
    b.ring(0, guest, vtpm, ring_state::submit, to_tpm, 0x15);
    b.ring(10, guest, vtpm, ring_state::finish, to_tpm, 0x15, 0);
    CHECK(b.csv() == "0,guest1,TPM_PCRRead,none,0,0,10,0,0,0,0,0,10\n");
}

TEST_CASE("fractions of a nanosecond do not break the sums") {
    table_bench b;
    b.table.command_issued(guest, ns(0.9), 0x15);
    b.ring(1.7, guest, vtpm, ring_state::submit, to_tpm, 0x15);
    b.notice(2.6, vtpm);
    b.disk(vtpm, 3.5, 5.4);
    b.ring(7.9, guest, vtpm, ring_state::finish, 0x00C4, 0);
    b.table.command_returned(guest, ns(9.1), 0x15);
    CHECK(b.csv() == "0,guest1,TPM_PCRRead,0,1,1,3,2,0,0,0,2,9\n");
}

TEST_CASE("the header of the table names every column") {
    std::ostringstream out;
    latency_table(identify).write_csv(out);
    CHECK(out.str() ==
          "time_ns,origin,ordinal,result,queue,ring,backend,save,manager,bus,chip,return,total\n");
}

TEST_CASE("a row says who answered and a request without an answer who should") {
    table_bench b;
    b.table.command_issued(guest, ns(1000), 0x14);
    b.ring(1200, guest, vtpm, ring_state::submit, to_tpm, 0x14);
    manager_request(b);
    b.ring(8000, guest, vtpm, ring_state::finish, 0x00C4, 0);
    b.table.command_returned(guest, ns(8700), 0x14);
    b.chip(9000, 9500);
    b.ring(9600, vtpm2, manager, ring_state::submit, to_manager, 1);
    const auto rows = b.table.rows();
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].server.name == "vtpm1");
    CHECK(rows[0].server.role == domain_role::vtpm);
    CHECK(rows[1].server.name == "vtpmmgr");
    CHECK(rows[1].server.role == domain_role::manager);
    CHECK(rows[2].server.name.empty());
    REQUIRE(b.table.unanswered().size() == 1);
    CHECK(b.table.unanswered()[0].server.role == domain_role::manager);

    b.table.command_issued(guest, ns(10000), 0x14);
    b.ring(10100, guest, vtpm, ring_state::submit, to_tpm, 0x14);
    b.table.command_returned(guest, ns(12000), 0x14);  // given up
    CHECK(b.table.rows().back().server.name == "vtpm1");
}

TEST_CASE("a command of a driver of the hardware TPM has its own cycles and executions and nobody else's") {
    const driver_id tis(guest, tpm_device::hardware);
    table_bench b;
    b.ring(1000, vtpm, manager, ring_state::submit, to_manager, 1);
    b.notice(1000, manager);
    b.table.command_issued(guest, ns(1100), 0x14);  // its vTPM's driver has a call as well
    b.table.command_issued(tis, ns(2000), 0x46);
    b.bus(2500, 2600, guest);
    b.bus(2600, 2700);
    b.chip(2700, 2900);
    b.chip(3000, 4000, guest, 0x802);
    b.bus(4200, 4300, guest);
    b.chip(4500, 5000, guest);
    b.bus(5100, 5300, guest);
    b.table.command_returned(tis, ns(5400), 0x46);
    b.ring(6000, vtpm, manager, ring_state::finish, to_manager, 0);
    b.table.command_issued(tis, ns(7000), 0x46);  // the locality is not granted
    b.bus(7100, 7200, guest);
    b.table.command_returned(tis, ns(7500), 0x46);
    b.chip(8000, 8100, guest);  // nobody called
    CHECK(b.csv() ==
          "1000,vtpm1,VTPM_SAVEHASHKEY,0,0,0,0,0,4700,100,200,0,5000\n"
          "2000,guest1,TPM_GetRandom,0,900,0,400,0,0,400,1500,200,3400\n"
          "7000,guest1,TPM_GetRandom,none,400,0,0,0,0,100,0,0,500\n"
          "8000,guest1,TPM_GetRandom,0,0,0,0,0,0,0,100,0,100\n");
}

TEST_CASE("a request that ends without an answer takes nothing from the one that is served meanwhile") {
    table_bench b;
    b.ring(1000, vtpm2, manager, ring_state::submit, to_manager, 1);
    b.notice(1100, manager);
    b.ring(1200, vtpm, manager, ring_state::submit, to_manager, 2);
    b.chip(1300, 1400);
    b.ring(1500, vtpm, manager, ring_state::idle, to_manager, 2);
    b.chip(1600, 1800);
    b.ring(2000, vtpm2, manager, ring_state::finish, to_manager, 0);
    CHECK(b.csv() ==
          "1000,vtpm2,VTPM_SAVEHASHKEY,0,0,100,0,0,600,0,300,0,1000\n"
          "1200,vtpm1,VTPM_LOADHASHKEY,none,0,0,0,0,300,0,0,0,300\n");
}

TEST_CASE("an answer to a command that its driver gave up still tells since when it was worked on") {
    table_bench b;
    std::vector<std::pair<sc_core::sc_time, sc_core::sc_time>> told;
    b.table.on_served = [&](const ring_change& end, const sc_core::sc_time& served) {
        told.emplace_back(end.at, served);
    };
    b.table.command_issued(guest, ns(0), 0x46);
    b.ring(50, guest, vtpm, ring_state::submit, to_tpm, 0x46);
    b.notice(60, vtpm);
    b.table.command_returned(guest, ns(900), 0x46);
    CHECK(told.empty());
    CHECK(b.table.unanswered().empty());
    b.ring(1000, guest, vtpm, ring_state::finish, 0x00C4, 0);
    CHECK(told == std::vector{std::pair(ns(1000), ns(60))});
    CHECK(b.csv() == "0,guest1,TPM_GetRandom,none,50,0,850,0,0,0,0,0,900\n");
}
