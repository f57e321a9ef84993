// The recorder on real wires: a Linux guest's probe and one command, through xen-tpmfront and tpmback on the
// hypervisor's model, seen from outside.
#include <sstream>

#include "tests/models/drivers/world.h"
#include "tests/traces/vcd_text.h"
#include "traces/recorder.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

trace::identify_domain by_name(xen::machine& host) {
    return [&host](xen::domid_t id) {
        const xen::domain* found = host.find(id);
        const std::string name =
            found != nullptr ? found->basename() : fmt::format("dom{}", xen::to_underlying(id));
        return trace::domain_identity{name,
                                      name == "vtpm" ? trace::domain_role::vtpm : trace::domain_role::other};
    };
}

void observe_calls(linux_guest& guest, trace::command_observer_if& observer) {
    guest.front.chip().on_command(
        [&](linux_tpm_chip::command_end end, const sc_time& at, std::uint32_t ordinal) {
            if (end == linux_tpm_chip::command_end::issued)
                observer.command_issued(guest.guest.id(), at, ordinal);
            else
                observer.command_returned(guest.guest.id(), at, ordinal);
        });
}

}  // namespace

TEST_CASE("a recorder sees what a real driver does on its ring") {
    world w;
    vtpm_domain vtpm(w);
    vtpm.execution = ms(7);
    linux_guest guest(w);
    trace::recorder recorder(by_name(w.host));
    recorder.attach_grants(w.host.grants, w.host.memory());
    recorder.attach_events(w.host.pending);
    recorder.attach_vcpus(w.host.vcpu_states);
    observe_calls(guest, recorder);
    guest.user = [&] {
        bytes response;
        guest.front.transmit(vtwin::models::test::from_hex("00c10000000e0000001500000000"), response);
    };
    w.run([&](xen::store_client& client) {
        w.create(client, vtpm.guest);
        w.unpause(vtpm.guest);
        w.create(client, guest.guest);
        w.attach(client, guest.guest, vtpm.guest);
        REQUIRE(w.await(client, w.back(guest.guest, vtpm.guest) + "/state", "2"));
        w.unpause(guest.guest);
        while (!guest.done)
            sc_core::wait(ms(10));
    });

    std::string commands;
    for (const trace::latency_row& row : recorder.latency_rows()) {
        INFO(row.ordinal << " at " << row.time_ns << " ring " << row.ring << " backend " << row.backend
                         << " return " << row.back);
        commands += row.ordinal + " ";
        CHECK(row.origin == "guest");
        CHECK(row.result == 0u);
        CHECK(row.queue + row.ring + row.backend + row.back == row.total);
        CHECK(row.backend >= 7000000);  // the back end's execution time and its own software
        CHECK(row.backend < 7100000);
        CHECK(row.back < 6000000);  // the poll of the core, 1 ms, and of the driver, 5 ms
    }
    CHECK(commands == "TPM_GetCapability TPM_GetCapability TPM_GetRandom TPM_GetRandom TPM_PCRRead ");

    // The last command was asked for while the kernel's own GetRandom held the chip.
    CHECK(recorder.latency_rows().back().queue > 9000000);

    std::ostringstream out;
    REQUIRE(recorder.write_vcd(out));
    const auto text = vtwin::test::parse_vcd(out.str());
    REQUIRE(text.good);
    std::string states;
    for (const auto& [time, value] : text.signals.at("rings.guest.state"))
        states += value + " ";
    CHECK(states == "- SUBMIT FINISH SUBMIT FINISH SUBMIT FINISH SUBMIT FINISH SUBMIT FINISH ");
    CHECK(text.signals.contains("vcpus.vtpm.running"));
}
