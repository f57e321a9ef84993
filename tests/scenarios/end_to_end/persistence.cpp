// What outlives a stub domain: the vTPM's identity on its disk, the manager's records on its own.
#include "scenarios/faults/injection.h"
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/whole_machine.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// TPM_ReadPubek with a nonce of zeros.
const std::string read_pubek = "00c10000001e0000007c" + std::string(40, '0');

/// TPM_RETRY, once, to the next TPM_PCRRead.
fault one_busy_code() {
    fault what{"busy", "chip.code_instead", "tpm.chip", {}, {{"code", "TPM_RETRY"}, {"number", "0"}}};
    what.when.on = "tpm.chip";
    what.when.where = {{"operation", "command"}, {"ordinal", "TPM_PCRRead"}};
    return what;
}

/// Guests that ask for their endorsement key at every boot and do not attest.
struct asking_machine : whole_machine {
    explicit asking_machine(std::vector<override_text> more = {}, models::wire_inserter* wires = nullptr)
        : whole_machine(with_no_attestations(std::move(more)), wires) {
        for (const char* name : {"guest1", "guest2"})
            guest(name).user_program = [this, name = std::string(name)](models::guest_domain& self) {
                bytes response;
                self.tpm().transmit(*models::from_hex(extend12), response);
                self.tpm().transmit(*models::from_hex(read_pubek), response);
                const std::string text = models::to_hex(response);
                // Header, TPM_PUBKEY (algorithm, schemes, parameters, 256 octets), checksum.
                answers[name].push_back(text.size() == 2 * 314 ? text.substr(2 * 38, 512) : text);
                answered.notify(sc_core::SC_ZERO_TIME);
            };
    }
    static std::vector<override_text> with_no_attestations(std::vector<override_text> more) {
        for (const char* name : {"guest1", "guest2"})
            more.push_back({std::string("guest.") + name + ".attestations", "0"});
        return more;
    }
    /// The manager, one vTPM and its guest are destroyed and created again.
    void start_again(const std::function<void()>& while_off = [] {}) {
        await("guest1", 1);
        await("guest2", 1);
        for (const char* name : {"guest1", "vtpm1", "vtpmmgr"})
            CHECK(platform.destroy(name));
        while_off();
        for (const char* name : {"vtpmmgr", "vtpm1", "guest1"})
            CHECK(platform.create(name));
        await("guest1", 2);
    }
    void await(const std::string& name, std::size_t count) {
        while (answers[name].size() < count)
            sc_core::wait(answered);
    }
    std::map<std::string, lines> answers;
    sc_core::sc_event answered;
};

}  // namespace

TEST_CASE("a vTPM stub domain that is created again comes back with its endorsement key") {
    asking_machine machine;
    machine.platform.operation = [&] {
        machine.await("guest1", 1);
        machine.await("guest2", 1);
        CHECK(machine.platform.destroy("guest1"));
        CHECK(machine.platform.destroy("vtpm1"));
        CHECK(machine.platform.create("vtpm1"));
        CHECK(machine.platform.create("guest1"));
        machine.await("guest1", 2);
    };
    CHECK(machine.run().finished);
    const lines& keys = machine.answers["guest1"];
    REQUIRE(keys.size() == 2);
    CHECK(keys[0].size() == 512);
    CHECK(keys[0] == keys[1]);
    CHECK(keys[0] != machine.answers["guest2"].front());
    CHECK(machine.times_said("vtpm1: no saved state") == 1);
    CHECK(machine.times_said("vtpm1: serving clients") == 2);
}

TEST_CASE("a manager that is created again finds its records") {
    asking_machine machine;
    machine.platform.operation = [&] { machine.start_again(); };
    CHECK(machine.run().finished);
    const lines& keys = machine.answers["guest1"];
    REQUIRE(keys.size() == 2);
    CHECK(keys[0].size() == 512);
    CHECK(keys[0] == keys[1]);
    CHECK(machine.times_said("Assuming first time initialization") == 1);
    CHECK(machine.times_said("vtpm1: no saved state") == 1);
}

TEST_CASE("one busy code of the chip at its second start makes the manager forget all") {
    injection faults({}, {"tpm.chip"});
    asking_machine machine({}, &faults.wires());
    faults.attach(machine.platform, machine.config());
    armed_fault* busy = nullptr;
    machine.platform.operation = [&] { machine.start_again([&] { busy = &faults.arm(one_busy_code()); }); };
    machine.run();
    REQUIRE(busy != nullptr);
    CHECK(busy->acted() == 1);
    const lines& keys = machine.answers["guest1"];
    REQUIRE(keys.size() == 2);
    CHECK(keys[1].size() == 512);
    CHECK(keys[0] != keys[1]);
    CHECK(machine.times_said("Assuming first time initialization") == 2);
    CHECK(machine.times_said("vtpm1: no saved state") == 2);
}

TEST_CASE("a manager that asks a busy chip again keeps its records") {
    injection faults({}, {"tpm.chip"});
    asking_machine machine({{"behaviours.vtpmmgr.no_retry_on_transient_tpm_codes", "hardened"}},
                           &faults.wires());
    faults.attach(machine.platform, machine.config());
    armed_fault* busy = nullptr;
    machine.platform.operation = [&] { machine.start_again([&] { busy = &faults.arm(one_busy_code()); }); };
    machine.run();
    REQUIRE(busy != nullptr);
    CHECK(busy->acted() == 1);
    const lines& keys = machine.answers["guest1"];
    REQUIRE(keys.size() == 2);
    CHECK(keys[0] == keys[1]);
}

TEST_CASE("domains that are not configured or run already are not created") {
    asking_machine machine;
    machine.platform.operation = [&] {
        machine.await("guest2", 1);
        CHECK_FALSE(machine.platform.create("guest7"));
        CHECK_FALSE(machine.platform.destroy("guest7"));
        CHECK_FALSE(machine.platform.create("vtpm1"));
        CHECK(machine.platform.destroy("guest1"));
        CHECK_FALSE(machine.platform.destroy("guest1"));
    };
    machine.run();
    CHECK(machine.answers["guest1"].size() == 1);
}
