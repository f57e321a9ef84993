#include <catch2/catch.hpp>

#include "tests/hypervisor/toolstack/toolstack_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using lines = std::vector<std::string>;

namespace {

/// Requests of libxl for one vTPM of domain 1 in dom0 as a real Xen 4.17 shows them (trace e01): request,
/// reply.
const std::pair<const char*, const char*> recorded[] = {
    {"READ (/libxl/1/device/vtpm/0 )", "ERROR (ENOENT )"},
    {"RM (/libxl/1/device/vtpm/0 )", "ERROR (ENOENT )"},
    {"WRITE (/libxl/1/device/vtpm/0/frontend /local/domain/1/device/vtpm/0)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/backend /local/domain/0/backend/vtpm/1/0)", "WRITE (OK )"},
    {"RM (/local/domain/1/device/vtpm/0 )", "ERROR (ENOENT )"},
    {"MKDIR (/local/domain/1/device/vtpm/0 )", "MKDIR (OK )"},
    {"SET_PERMS (/local/domain/1/device/vtpm/0 n1 r0 )", "SET_PERMS (OK )"},
    {"WRITE (/local/domain/1/device/vtpm/0/backend /local/domain/0/backend/vtpm/1/0)", "WRITE (OK )"},
    {"WRITE (/local/domain/1/device/vtpm/0/backend-id 0)", "WRITE (OK )"},
    {"SET_PERMS (/local/domain/1/device/vtpm/0/backend-id n1 r0 )", "SET_PERMS (OK )"},
    {"WRITE (/local/domain/1/device/vtpm/0/state 1)", "WRITE (OK )"},
    {"SET_PERMS (/local/domain/1/device/vtpm/0/state n1 r0 )", "SET_PERMS (OK )"},
    {"WRITE (/local/domain/1/device/vtpm/0/handle 0)", "WRITE (OK )"},
    {"SET_PERMS (/local/domain/1/device/vtpm/0/handle n1 r0 )", "SET_PERMS (OK )"},
    {"RM (/local/domain/0/backend/vtpm/1/0 )", "ERROR (ENOENT )"},
    {"MKDIR (/local/domain/0/backend/vtpm/1/0 )", "MKDIR (OK )"},
    {"SET_PERMS (/local/domain/0/backend/vtpm/1/0 n0 r1 )", "SET_PERMS (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/frontend /local/domain/1/device/vtpm/0)", "WRITE (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/frontend-id 1)", "WRITE (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/online 1)", "WRITE (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/state 1)", "WRITE (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/handle 0)", "WRITE (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/uuid 11111111-2222-3333-4444-555555555555)", "WRITE (OK )"},
    {"WRITE (/local/domain/0/backend/vtpm/1/0/resume False)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/frontend-id 1)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/online 1)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/state 1)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/handle 0)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/uuid 11111111-2222-3333-4444-555555555555)", "WRITE (OK )"},
    {"WRITE (/libxl/1/device/vtpm/0/resume False)", "WRITE (OK )"},
    {"TRANSACTION_END (T )", "TRANSACTION_END (OK )"},
};
/// After the commit: the wait for InitWait.
const lines recorded_wait = {
    "IN WATCH (/local/domain/0/backend/vtpm/1/0/state 3/0 )",
    "OUT WATCH (OK )",
    "OUT WATCH_EVENT (/local/domain/0/backend/vtpm/1/0/state 3/0 )",
    "IN READ (/local/domain/0/backend/vtpm/1/0/state )",
    "OUT READ (1)",
    "OUT WATCH_EVENT (/local/domain/0/backend/vtpm/1/0/state 3/0 )",
    "IN READ (/local/domain/0/backend/vtpm/1/0/state )",
    "OUT READ (2)",
    "IN UNWATCH (/local/domain/0/backend/vtpm/1/0/state 3/0 )",
    "OUT UNWATCH (OK )",
};

}  // namespace

TEST_CASE("creating a domain with a vTPM makes the requests of a real libxl in their order") {
    toolstack_bench bench;
    bench.run([&] { REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec())); });
    const auto said = bench.since("OUT TRANSACTION_START (4 )");
    lines expected{"OUT TRANSACTION_START (4 )"};
    for (const auto& [request, reply] : recorded) {
        expected.push_back(std::string("IN ") + request);
        expected.push_back(std::string("OUT ") + reply);
    }
    expected.insert(expected.end(), recorded_wait.begin(), recorded_wait.end());
    REQUIRE(said.size() == expected.size());
    for (std::size_t i = 0; i < said.size(); ++i)
        CHECK(said[i] == expected[i]);
    CHECK(bench.guest.power() == domain::state::running);
}

TEST_CASE("the backend hears of a new device in the recorded order") {
    toolstack_bench bench({.answers = false});
    bench.run([&] { CHECK_FALSE(bench.xl.create(bench.guest, toolstack_bench::spec())); });
    lines events;
    const std::string prefix = "backend OUT WATCH_EVENT (/local/domain/0/backend/vtpm/1/0";
    for (const auto& line : bench.recorder.lines) {
        if (line.starts_with(prefix) && events.size() < 8)
            events.push_back(line.substr(prefix.size(), line.find(' ', prefix.size()) - prefix.size()));
    }
    CHECK(events ==
          lines{"", "/frontend", "/frontend-id", "/online", "/state", "/handle", "/uuid", "/resume"});
}

TEST_CASE("the store after creation is that of a real Xen") {
    toolstack_bench bench;
    bench.run([&] { REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec())); });
    const auto& tree = bench.store.tree();
    const auto show = [&](const std::string& path) {
        const auto* node = tree.find(path);
        if (node == nullptr)
            return std::string("absent");
        auto text = "\"" + node->value + "\" (";
        for (const auto& perm : node->perms)
            text += to_string(perm) + (&perm == &node->perms.back() ? ")" : ",");
        return text;
    };
    CHECK(tree.find("/local/domain/1")->children == lines{"vm", "name", "cpu", "memory", "device", "control",
                                                          "data", "drivers", "feature", "attr", "error",
                                                          "domid", "store", "console"});
    CHECK(tree.find("/local/domain/1/control")->children ==
          lines{"shutdown", "feature-poweroff", "feature-reboot", "feature-suspend", "sysrq",
                "platform-feature-multiprocessor-suspend", "platform-feature-xs_reset_watches"});
    CHECK(tree.find("/libxl/1")->children == lines{"device", "type", "dm-version"});
    CHECK(show("/local/domain/1") == "\"\" (n0,r1)");
    CHECK(show("/local/domain/1/vm") == "\"/vm/16ad15af-1098-4c82-938d-d7eee2b942bc\" (n0,r1)");
    CHECK(show("/local/domain/1/memory/static-max") == "\"262144\" (n0,r1)");
    CHECK(show("/local/domain/1/device/suspend") == "\"\" (n0,r1)");
    CHECK(show("/local/domain/1/device/suspend/event-channel") == "\"\" (n1)");
    CHECK(show("/local/domain/1/device/vtpm") == "\"\" (n0,r1)");
    CHECK(show("/local/domain/1/device/vtpm/0/backend-id") == "\"0\" (n1,r0)");
    CHECK(show("/local/domain/1/control/shutdown") == "\"\" (n1)");
    CHECK(show("/local/domain/1/console/backend-id") == "\"0\" (n1,r0)");
    CHECK(show("/local/domain/1/console/type") == "\"xenconsoled\" (n0,r1)");
    CHECK(show("/local/domain/0/backend/console/1") == "\"\" (n0)");
    CHECK(show("/local/domain/0/backend/console/1/0/protocol") == "\"vt100\" (n0,r1)");
    CHECK(show("/local/domain/0/backend/vtpm/1/0/uuid") ==
          "\"11111111-2222-3333-4444-555555555555\" (n0,r1)");
    CHECK(show("/vm/16ad15af-1098-4c82-938d-d7eee2b942bc/image/cmdline") == "\"console=hvc0 \" (n0,r1)");
    CHECK(show("/libxl/1/device/vtpm/0/resume") == "\"False\" (n0)");
    CHECK(show("/libxl/1/type") == "\"pv\" (n0)");
}

TEST_CASE("a backend that is five seconds late still lets the domain start") {
    toolstack_bench bench({.delay = sc_time(5, sc_core::SC_SEC)});
    bench.run([&] {
        CHECK(bench.xl.create(bench.guest, toolstack_bench::spec()));
        CHECK(sc_time_stamp() > sc_time(5, sc_core::SC_SEC));
        CHECK(sc_time_stamp() < sc_time(6, sc_core::SC_SEC));
    });
}

TEST_CASE("without a backend creation fails after ten seconds and removal takes ten more") {
    toolstack_bench bench({.answers = false});
    bench.run([&] {
        const auto result = bench.xl.create(bench.guest, toolstack_bench::spec());
        CHECK_FALSE(result);
        REQUIRE(result.messages.size() == 4);
        CHECK(
            result.messages[0].ends_with("unable to add device with path /local/domain/0/backend/vtpm/1/0"));
        CHECK(result.messages[2].ends_with(
            "unable to remove device with path /local/domain/0/backend/vtpm/1/0"));
    });
    CHECK(bench.guest.power() == domain::state::off);
    CHECK(bench.store.tree().find("/local/domain/1") == nullptr);
    CHECK(bench.store.tree().find("/libxl/1") == nullptr);
    CHECK(bench.store.tree().find("/local/domain/0/backend/vtpm") == nullptr);
    // From the commit of the directories to the end of the first wait, and again: exactly the time-outs.
    const auto& recorder = bench.recorder;
    std::vector<sc_time> begins, ends;
    for (std::size_t i = 0; i < recorder.lines.size(); ++i) {
        const auto& line = recorder.lines[i];
        if (line.starts_with("toolstack IN WATCH (/local/domain/0/backend/vtpm/1/0/state"))
            begins.push_back(recorder.times[i]);
        if (line.starts_with("toolstack IN UNWATCH (/local/domain/0/backend/vtpm/1/0/state"))
            ends.push_back(recorder.times[i]);
    }
    REQUIRE(begins.size() == 2);
    REQUIRE(ends.size() == 2);
    CHECK(ends[0] - begins[0] == sc_time(10, sc_core::SC_SEC));  // both requests pay the same wake-up
    CHECK(ends[1] - begins[1] == sc_time(10, sc_core::SC_SEC));
}

TEST_CASE("domains are refused that xl would refuse") {
    toolstack_bench bench;
    bench.run([&] {
        auto spec = toolstack_bench::spec();
        spec.vtpms[0].backend = "nobody";
        CHECK_FALSE(bench.xl.create(bench.guest, spec));
        CHECK(bench.guest.power() == domain::state::off);
        spec = toolstack_bench::spec();
        CHECK(bench.xl.create(bench.guest, spec));
        CHECK_FALSE(bench.xl.create(bench.guest, spec));
        CHECK(bench.xl.resolve("guest") == domid_t{1});
        CHECK(bench.xl.resolve("1") == domid_t{1});
        CHECK_FALSE(bench.xl.resolve("7"));
    });
}

TEST_CASE("vtpm entries are parsed as xl does") {
    const auto good = parse_vtpm_spec("backend=vtpm1,uuid=11111111-2222-3333-4444-555555555555");
    REQUIRE(std::holds_alternative<vtpm_spec>(good));
    CHECK(std::get<vtpm_spec>(good).backend == "vtpm1");
    for (const auto* bad : {"uuid=11111111-2222-3333-4444-555555555555", "backend=a,uuid=1111",
                            "backend=a,colour=red", "", "backend=a"})
        CHECK(std::holds_alternative<std::string>(parse_vtpm_spec(bad)));
    CHECK(vbd_number("hda") == 768);
    CHECK(vbd_number("hdb") == 832);
    CHECK(vbd_number("xvda") == 51712);
    CHECK(vbd_number("sda") == 0);
}
