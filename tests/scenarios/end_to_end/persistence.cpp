// What outlives a stub domain: the vTPM's identity on its disk, the manager's records on its own.
#include "tests/scenarios/end_to_end/whole_machine.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// TPM_ReadPubek with a nonce of zeros.
const std::string read_pubek = "00c10000001e0000007c" + std::string(40, '0');
const std::string extend =
    "00c1000000220000001400000010"
    "00112233445566778899aabbccddeeff00112233";

/// Guests that ask for their endorsement key at every boot and do not attest.
struct asking_machine : whole_machine {
    asking_machine()
        : whole_machine({{"guest.guest1.attestations", "0"}, {"guest.guest2.attestations", "0"}}) {
        for (const char* name : {"guest1", "guest2"})
            guest(name).user_program = [this, name = std::string(name)](models::guest_domain& self) {
                bytes response;
                self.tpm().transmit(*models::from_hex(extend), response);
                self.tpm().transmit(*models::from_hex(read_pubek), response);
                const std::string text = models::to_hex(response);
                // Header, TPM_PUBKEY (algorithm, schemes, parameters, 256 octets), checksum.
                answers[name].push_back(text.size() == 2 * 314 ? text.substr(2 * 38, 512) : text);
                answered.notify(sc_core::SC_ZERO_TIME);
            };
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
    machine.platform.operation = [&] {
        machine.await("guest1", 1);
        machine.await("guest2", 1);
        for (const char* name : {"guest1", "vtpm1", "vtpmmgr"})
            CHECK(machine.platform.destroy(name));
        for (const char* name : {"vtpmmgr", "vtpm1", "guest1"})
            CHECK(machine.platform.create(name));
        machine.await("guest1", 2);
    };
    CHECK(machine.run().finished);
    const lines& keys = machine.answers["guest1"];
    REQUIRE(keys.size() == 2);
    CHECK(keys[0].size() == 512);
    CHECK(keys[0] == keys[1]);
    CHECK(machine.times_said("Assuming first time initialization") == 1);
    CHECK(machine.times_said("vtpm1: no saved state") == 1);
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
