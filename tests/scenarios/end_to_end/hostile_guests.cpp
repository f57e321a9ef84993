// Guests and vTPMs that do not keep to the protocol, in the whole machine: the simulator always comes to its
// end, and the other guest gets its verdict where the registry of behaviours leaves it one.
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/whole_machine.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const std::vector<override_text> hardened{{"machine.behaviour", "hardened"}};

/// The domain runs.
bool runs(whole_machine& machine, const std::string& name) {
    for (const auto& domain : machine.platform.hypervisor().domains())
        if (machine.platform.name_of(domain->domid()) == name)
            return domain->power() == xen::domain::state::running;
    return false;
}

}  // namespace

TEST_CASE("a guest with impossible lengths loses its faithful vTPM and the other guest its nothing") {
    whole_machine machine;
    hand_made_frontend bad(machine.guest("guest1"));
    std::string before;
    bad.program = [&] {
        bad.open();
        bad.submit(get_random12);
        before = bad.answer();
        bad.submit(get_random12, 5000);
        bad.os.sleep(ms(500));
    };
    const auto& outcome = machine.run();
    CHECK(outcome.finished);
    CHECK(before.substr(0, 28) == "00c4000000120000000000000004");
    CHECK_FALSE(runs(machine, "vtpm1"));  // vtpm.null_request_stops_domain
    CHECK(machine.verdict("guest1", outcome) == "no verdict");
    CHECK(machine.verdict("guest2", outcome) == "trusted");
}

TEST_CASE("a guest with impossible lengths gets errors from its hardened vTPM") {
    whole_machine machine(hardened);
    hand_made_frontend bad(machine.guest("guest1"));
    std::map<std::uint32_t, std::string> answers;
    bad.program = [&] {
        bad.open();
        for (const std::uint32_t length : {0u, 3u, 4089u, 5000u, 0xFFFFFFF8u, 0xFFFFFFFFu, 14u}) {
            bad.submit(get_random12, length);
            answers[length] = bad.answer();
        }
    };
    const auto& outcome = machine.run();
    CHECK(outcome.finished);
    for (const std::uint32_t length : {4089u, 5000u, 0xFFFFFFF8u, 0xFFFFFFFFu}) {
        INFO(length);
        CHECK(answers[length] == failed12);
    }
    CHECK(answers[14].substr(0, 28) == "00c4000000120000000000000004");
    CHECK(runs(machine, "vtpm1"));
    CHECK(machine.verdict("guest2", outcome) == "trusted");
}

namespace {

/// Ring data that make no sense, one key after the other.
void write_nonsense(hand_made_frontend& bad) {
    auto& store = bad.os.xenbus();
    for (const char* value : {"x", "", "-1", "99999999999999999999", "4294967295", "0", "123456"}) {
        for (const char* key : {"ring-ref", "event-channel", "feature-protocol-v2"}) {
            bad.os.xenbus().write("device/vtpm/0/feature-protocol-v2", "1");
            store.write(std::string("device/vtpm/0/") + key, value);
            store.write("device/vtpm/0/state", "3");
            bad.os.sleep(ms(20));
        }
        store.write("device/vtpm/0/state", value);
        bad.os.sleep(ms(20));
    }
    store.write("device/vtpm/0/state", std::string(2000, '7'));
    bad.os.sleep(ms(20));
}

}  // namespace

TEST_CASE("nonsense in the store is survived by a hardened machine and can be repaired") {
    whole_machine machine(hardened);
    hand_made_frontend bad(machine.guest("guest1"));
    std::string repaired;
    bad.program = [&] {
        write_nonsense(bad);
        bad.os.xenbus().write("device/vtpm/0/state/" + std::string(60, 'a'), "1");
        bad.os.sleep(ms(50));
        bad.os.xenbus().write("device/vtpm/0/state", "6");
        bad.os.sleep(ms(50));
        bad.open();
        bad.submit(get_random12);
        repaired = bad.answer();
        bad.os.xenbus().remove("device/vtpm/0");
        bad.os.sleep(ms(50));
    };
    const auto& outcome = machine.run();
    CHECK(outcome.finished);
    CHECK(repaired.substr(0, 28) == "00c4000000120000000000000004");
    CHECK(runs(machine, "vtpm1"));
    CHECK(machine.verdict("guest2", outcome) == "trusted");
}

TEST_CASE("nonsense in the store of a faithful machine does not reach the other guest") {
    whole_machine machine;
    hand_made_frontend bad(machine.guest("guest1"));
    bool wrote = false;
    bad.program = [&] {
        write_nonsense(bad);
        wrote = true;
    };
    const auto& outcome = machine.run();
    CHECK(wrote);
    CHECK(outcome.finished);
    CHECK(machine.verdict("guest2", outcome) == "trusted");
}

TEST_CASE("a long name in the store costs a faithful machine the vTPM of its writer and no other") {
    whole_machine machine;
    hand_made_frontend bad(machine.guest("guest1"));
    bad.program = [&] {
        bad.open();
        bad.os.xenbus().write("device/vtpm/0/state/" + std::string(60, 'a'), "1");
        bad.os.sleep(ms(500));
    };
    const auto& outcome = machine.run();
    CHECK(outcome.finished);
    CHECK_FALSE(runs(machine, "vtpm1"));  // tpmback.watch_path_scan_overflow
    CHECK(runs(machine, "vtpm2"));
    CHECK(machine.verdict("guest2", outcome) == "trusted");
}

namespace {

/// A vTPM that needs longer for a command than xl for the removal of a guest's devices.
std::vector<override_text> slow_vtpm(const char* behaviour) {
    return {{"machine.behaviour", behaviour}, {"costs.software.vtpm_command", "\"50 ms\""}};
}

/// Guest 1 keeps its vTPM busy until it is destroyed in the middle of a command.
void vanish_in_a_command(whole_machine& machine) {
    hand_made_frontend bad(machine.guest("guest1"));
    bool go = false, executing = false;
    sc_core::sc_event submitted;
    bad.program = [&] {
        bad.open();
        while (!go)
            bad.os.sleep(ms(1));
        bad.submit(extend12);
        submitted.notify(sc_core::sc_time(100, sc_core::SC_US));
        bad.os.sleep(ms(60000));
    };
    machine.platform.operation = [&] {
        go = true;
        sc_core::wait(submitted);
        executing = machine.pages.back().state != 2 || machine.pages.back().frontend != "guest1";
        CHECK(machine.platform.destroy("guest1"));
        sc_core::wait(ms(1000));
    };
    const auto& outcome = machine.run();
    CHECK(executing);
    CHECK(outcome.finished);
    CHECK(machine.has_said("xl destroy guest1"));
    CHECK(runs(machine, "vtpm1"));
    CHECK(machine.verdict("guest1", outcome) == "no verdict");
    CHECK(machine.verdict("guest2", outcome) == "trusted");
}

}  // namespace

TEST_CASE("a guest that vanishes in a command leaves a hardened machine whole") {
    whole_machine machine(slow_vtpm("hardened"));
    vanish_in_a_command(machine);
}

TEST_CASE("a guest that vanishes in a command leaves a faithful machine whole as well") {
    whole_machine machine(slow_vtpm("faithful"));
    vanish_in_a_command(machine);
    CHECK(machine.has_said("vtpm1: tpmback: answer to nobody dropped"));
}

namespace {

/// vTPM 1 is destroyed the moment its request to the manager is in the page; guest 2 attests after that.
std::string verdict_after_a_lost_vtpm(const char* behaviour, std::string& manager) {
    // A slow disk keeps the manager in its commit while xl takes the vTPM's devices away.
    whole_machine machine({{"machine.behaviour", behaviour},
                           {"costs.hypervisor.blk_write", "\"20 ms\""},
                           {"guest.guest2.attest_after", "\"5 s\""}});
    hand_made_frontend user(machine.guest("guest1"));
    bool go = false;
    sc_core::sc_event seen;
    user.program = [&] {
        user.open();
        while (!go)
            user.os.sleep(ms(1));
        user.submit(extend12);
        user.os.sleep(ms(2000));
    };
    machine.on_page = [&](const page_event& event) {
        if (go && event.frontend == "vtpm1" && event.backend == "vtpmmgr" && event.state == 1)
            seen.notify(sc_core::sc_time(50, sc_core::SC_US));
    };
    machine.platform.operation = [&] {
        go = true;
        sc_core::wait(seen);
        CHECK(machine.platform.destroy("vtpm1"));
    };
    const auto& outcome = machine.run();
    CHECK(machine.has_said("xl destroy vtpm1"));
    manager = runs(machine, "vtpmmgr") ? "runs" : "stopped";
    return machine.verdict("guest2", outcome);
}

}  // namespace

TEST_CASE("a vTPM that is destroyed in a command does not disturb the hardened manager") {
    std::string manager;
    CHECK(verdict_after_a_lost_vtpm("hardened", manager) == "trusted");
    CHECK(manager == "runs");
}

TEST_CASE("a vTPM that is destroyed in a command costs the faithful machine its manager") {
    std::string manager;
    CHECK(verdict_after_a_lost_vtpm("faithful", manager) != "trusted");
    CHECK(manager == "stopped");
}
