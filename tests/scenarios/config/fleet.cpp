#include "scenarios/config/fleet.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "scenarios/config/scenario.h"
#include "scenarios/schema/writer.h"
#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

constexpr const char* text = R"(
[manager]
[vtpm.admin]
backend = "vtpmmgr"
uuid = "00000000-0000-4000-8000-000000000000"
administrator = true
[fleet]
count = 2
prefix = "web"
[fleet.vtpm]
memory = "16 MiB"
[fleet.guest]
kernel = "/etc/debian_version"
attestations = 0
[fleet.guest.load]
command = "chip_pcr_read"
duration = "1 s"
[guest.web2]
attestations = 3
)";

}  // namespace

TEST_CASE("a fleet becomes guests and vTPMs and what is said of one of them wins") {
    temporary_directory folder;
    const auto file = folder.path() / "fleet.toml";
    std::ofstream(file) << text;
    const auto loaded = load_scenario(file.string());
    const auto& machine = loaded.config.machine;
    REQUIRE(machine.guests.size() == 2);
    REQUIRE(machine.vtpms.size() == 3);
    CHECK(machine.guests[0].name == "web1");
    CHECK(machine.guests[0].vtpm == "web1-vtpm");
    CHECK(machine.guests[0].attestations == 0);
    CHECK(machine.guests[1].attestations == 3);
    REQUIRE(machine.guests[0].load);
    CHECK(machine.guests[0].load->what == vtwin::models::load_config::command::chip_pcr_read);
    CHECK(machine.guests[0].load->duration == sc_core::sc_time(1, sc_core::SC_SEC));
    CHECK(machine.vtpms[1].name == "web1-vtpm");
    CHECK(machine.vtpms[1].memory_mib == 16);
    CHECK(machine.vtpms[1].backend == "vtpmmgr");
    CHECK(machine.vtpms[1].uuid != machine.vtpms[2].uuid);

    // What is left behind names every guest, and means the same.
    const std::string written = write_settings(loaded.all);
    CHECK(written.find("[fleet") == std::string::npos);
    const auto again = folder.path() / "again.toml";
    std::ofstream(again) << written;
    CHECK(load_scenario(again.string()).all.same_values(loaded.all));
}

TEST_CASE("the size of a fleet can be overridden") {
    temporary_directory folder;
    const auto file = folder.path() / "fleet.toml";
    std::ofstream(file) << text;
    CHECK(load_scenario(file.string(), {{"fleet.count", "12"}}).config.machine.guests.size() == 12);
    CHECK_THROWS_WITH(load_scenario(file.string(), {{"fleet.count", "1"}}),
                      Catch::Contains("guest.web2.vtpm: missing"));
}

TEST_CASE("a load that cannot end or be measured is refused") {
    temporary_directory folder;
    const auto file = folder.path() / "fleet.toml";
    std::ofstream(file) << text;
    const std::string load = "fleet.guest.load.";
    CHECK_THROWS_WITH(load_scenario(file.string(), {{load + "duration", "0 s"}}),
                      Catch::Contains("expected a count or a duration"));
    CHECK_THROWS_WITH(load_scenario(file.string(), {{load + "warm_up", "1 s"}}),
                      Catch::Contains("expected less than the load's duration"));
    CHECK_THROWS_WITH(load_scenario(file.string(), {{load + "loop", "open"}}),
                      Catch::Contains("between arrivals"));
    CHECK_THROWS_WITH(load_scenario(file.string(), {{load + "loop", "opem"}}), Catch::Contains("open"));
    CHECK_THROWS_WITH(load_scenario(file.string(), {{"fleet.prefix", "a.b"}}), Catch::Contains("letters"));
    CHECK_NOTHROW(load_scenario(file.string(), {{load + "warm_up", "999 ms"}}));
}
