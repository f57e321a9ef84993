// A guest's leg of the vTPM path in the whole machine: order of the store's requests, page states and TPM
// octets are those recorded on a real Xen 4.17 with Linux 6.1 (the recordings e01, e02, e05 and e10).
#include "tests/scenarios/end_to_end/whole_machine.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const lines probe_commands{
    "00c10000001600000065000000050000000400000115",
    "00c10000001600000065000000050000000400000120",
    "00c10000000e0000004600000020",
    "00c10000000e0000004600000040",
};

struct leg {
    std::string guest, vtpm;  ///< domain ids as text
    std::string front() const { return "/local/domain/" + guest + "/device/vtpm/0"; }
    std::string back() const { return "/local/domain/" + vtpm + "/backend/vtpm/" + guest + "/0"; }
    std::string libxl() const { return "/libxl/" + guest + "/device/vtpm/0"; }
};

leg leg_of(whole_machine& machine, const std::string& guest, const std::string& vtpm) {
    leg found;
    for (const auto& domain : machine.platform.hypervisor().domains()) {
        const std::string name = machine.platform.name_of(domain->domid());
        const std::string id = std::to_string(xen::to_underlying(domain->domid()));
        if (name == guest)
            found.guest = id;
        if (name == vtpm)
            found.vtpm = id;
    }
    return found;
}

/// Writes of both ends below their directories, in the server's order: "FE state 3".
lines handshake(const whole_machine& machine, const leg& of) {
    const std::string fe = "dom" + of.guest + " WRITE device/vtpm/0/";
    const std::string be = "dom" + of.vtpm + " WRITE backend/vtpm/" + of.guest + "/0/";
    lines out;
    for (const std::string& line : machine.store_requests) {
        if (line.starts_with(fe))
            out.push_back("FE " + line.substr(fe.size()));
        if (line.starts_with(be))
            out.push_back("BE " + line.substr(be.size()));
    }
    return out;
}

/// Numbers of grants and ports are the kernel's choice, not the protocol's.
lines without_numbers(lines all) {
    for (std::string& line : all)
        for (const char* key : {"FE ring-ref ", "FE event-channel "})
            if (line.starts_with(key))
                line = std::string(key) + "#";
    return all;
}

/// The toolstack's transaction for the device, from the first request that names libxl's directory.
lines device_transaction(const whole_machine& machine, const leg& of) {
    const auto& all = machine.store_requests;
    const auto first =
        std::ranges::find_if(all, [&](const auto& line) { return line.ends_with(" READ " + of.libxl()); });
    REQUIRE(first != all.end());
    const std::string who = first->substr(0, first->find(" READ ") + 1);
    lines out;
    for (auto at = first; at != all.end(); ++at) {
        if (!at->starts_with(who))
            continue;
        out.push_back(at->substr(who.size()));
        if (out.back().starts_with("TRANSACTION_END"))
            break;
    }
    return out;
}

lines recorded_transaction(const leg& of, const std::string& uuid) {
    const std::string f = of.front(), b = of.back(), l = of.libxl();
    const std::string fe_perms = " n" + of.guest + " r" + of.vtpm,
                      be_perms = " n" + of.vtpm + " r" + of.guest;
    return {"READ " + l,
            "RM " + l,
            "WRITE " + l + "/frontend " + f,
            "WRITE " + l + "/backend " + b,
            "RM " + f,
            "MKDIR " + f,
            "SET_PERMS " + f + fe_perms,
            "WRITE " + f + "/backend " + b,
            "WRITE " + f + "/backend-id " + of.vtpm,
            "SET_PERMS " + f + "/backend-id" + fe_perms,
            "WRITE " + f + "/state 1",
            "SET_PERMS " + f + "/state" + fe_perms,
            "WRITE " + f + "/handle 0",
            "SET_PERMS " + f + "/handle" + fe_perms,
            "RM " + b,
            "MKDIR " + b,
            "SET_PERMS " + b + be_perms,
            "WRITE " + b + "/frontend " + f,
            "WRITE " + b + "/frontend-id " + of.guest,
            "WRITE " + b + "/online 1",
            "WRITE " + b + "/state 1",
            "WRITE " + b + "/handle 0",
            "WRITE " + b + "/uuid " + uuid,
            "WRITE " + b + "/resume False",
            "WRITE " + l + "/frontend-id " + of.guest,
            "WRITE " + l + "/online 1",
            "WRITE " + l + "/state 1",
            "WRITE " + l + "/handle 0",
            "WRITE " + l + "/uuid " + uuid,
            "WRITE " + l + "/resume False",
            "TRANSACTION_END T"};
}

/// Page events of the guest's last ring: pv-grub's comes first, then Linux'.
std::vector<page_event> last_ring(const whole_machine& machine, const std::string& guest) {
    std::vector<page_event> found;
    for (const page_event& event : machine.pages) {
        if (event.frontend != guest)
            continue;
        if (event.packet == probe_commands[0] && event.state == 1)
            found.clear();
        found.push_back(event);
    }
    return found;
}

void check_probe(const whole_machine& machine, const std::string& guest) {
    const std::vector<page_event> ring = last_ring(machine, guest);
    REQUIRE(ring.size() >= 8);
    for (std::size_t i = 0; i < 4; ++i) {
        INFO(i);
        CHECK(ring[2 * i].state == 1);
        CHECK(ring[2 * i].packet == probe_commands[i]);
        CHECK(ring[2 * i + 1].state == 2);
    }
    // Time-outs and durations of a vTPM: four and three values in microseconds.
    CHECK(ring[1].packet.substr(0, 28) == "00c40000001e0000000000000010");
    CHECK(ring[3].packet.substr(0, 28) == "00c40000001a000000000000000c");
    CHECK(ring[5].packet.starts_with("00c4"));
    CHECK(ring[5].packet.substr(12, 8) == "00000000");
}

}  // namespace

TEST_CASE("a guest with a vTPM at boot goes through the recorded steps in the whole machine") {
    whole_machine machine({{"guest.guest1.attestations", "0"},
                           {"guest.guest2.attestations", "0"},
                           {"guest.guest1.ima_files", "[]"},
                           {"guest.guest2.ima_files", "[]"}});
    leg of;
    machine.platform.operation = [&] {
        of = leg_of(machine, "guest1", "vtpm1");
        sc_core::wait(ms(3000));
    };
    CHECK(machine.run().finished);
    CHECK(device_transaction(machine, of) ==
          recorded_transaction(of, "11111111-1111-4111-8111-111111111111"));
    const lines all = without_numbers(handshake(machine, of));
    REQUIRE(all.size() >= 9);
    CHECK(lines(all.begin(), all.begin() + 2) == lines{"BE state 2", "BE feature-protocol-v2 1"});
    CHECK(lines(all.end() - 7, all.end()) == lines{"FE ring-ref #", "FE event-channel #",
                                                   "FE feature-protocol-v2 1", "FE state 3", "BE ready 1",
                                                   "BE state 4", "FE state 4"});
    check_probe(machine, "guest1");
}

TEST_CASE("a vTPM attached to a running guest goes through the recorded steps in the whole machine") {
    whole_machine machine({{"guest.guest1.attestations", "0"},
                           {"guest.guest2.attestations", "0"},
                           {"guest.guest1.attach_after", "\"500 ms\""}});
    leg of;
    machine.platform.operation = [&] {
        of = leg_of(machine, "guest1", "vtpm1");
        sc_core::wait(ms(3000));
    };
    CHECK(machine.run().finished);
    CHECK(device_transaction(machine, of) ==
          recorded_transaction(of, "11111111-1111-4111-8111-111111111111"));
    lines front;
    for (const std::string& line : without_numbers(handshake(machine, of)))
        if (line.starts_with("FE"))
            front.push_back(line);
    CHECK(front == lines{"FE ring-ref #", "FE event-channel #", "FE feature-protocol-v2 1", "FE state 3",
                         "FE state 4"});
    check_probe(machine, "guest1");
}
