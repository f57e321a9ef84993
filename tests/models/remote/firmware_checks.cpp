// A guest whose own firmware measured its boot: the log leads to the quoted PCRs and is the approved one, or
// a check says what is not.
#include <catch2/catch.hpp>

#include "models/remote/verifier.h"
#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

namespace {

struct logged {
    unsigned pcr;
    std::string what;
};

bytes digest_of(const logged& step) {
    return remote::sha1(ascii(step.what));
}

/// EV_IPL events in the form of a TPM 1.2.
bytes log_of(const std::vector<logged>& steps) {
    bytes log;
    for (const logged& step : steps) {
        const auto number = [](std::size_t value) {
            return bytes{static_cast<std::byte>(value), {}, {}, {}};
        };
        log = join(
            {log, number(step.pcr), number(13), digest_of(step), number(step.what.size()), ascii(step.what)});
    }
    return log;
}

const std::vector<logged> approved = {{0, "firmware"}, {4, "loader"}, {4, "kernel"}, {7, "keys"}};

struct booted_machine {
    attested_guest world;
    booted_machine() { world.config.guests.at("guest1").firmware_log = log_of(approved); }

    /// Boots as `steps` say, shows `shown`, and is judged.
    verdict boot(const std::vector<logged>& steps, const bytes& shown, bool late = false) {
        machine_state state = world.honest_state();
        for (std::size_t pcr = 0; pcr < 8; ++pcr)
            state.vtpm_pcrs[pcr] = bytes(20);
        for (const logged& step : steps)
            state.vtpm_pcrs[step.pcr] = h1({state.vtpm_pcrs[step.pcr], digest_of(step)});
        state.boot_log.clear();
        state.challenge.vtpm_pcr_mask = world.config.vtpm_pcr_mask;
        restart_ima(state);
        world.config.guests.at("guest1").ima_files.clear();
        evidence claims = world.sign(state);
        claims.firmware_log = shown;
        claims.vtpm_attached_late = late;
        return remote::appraise(claims, world.parties->directory(), world.config, [](auto&) { return true; });
    }
    verdict boot(const std::vector<logged>& steps) { return boot(steps, log_of(steps)); }
};

}  // namespace

TEST_CASE("a machine whose firmware logged the approved boot is trusted") {
    booted_machine machine;
    const verdict outcome = machine.boot(approved);
    CHECK(failures(outcome).empty());
    CHECK(outcome.trusted);
    for (const char* check : {"boot-log-pcr-0", "boot-log-pcr-4", "boot-log-pcr-7", "pcr-4", "firmware-log"})
        CHECK(find_reason(outcome, check) != nullptr);
}

TEST_CASE("a changed kernel is named by the event that measured it") {
    booted_machine machine;
    const verdict outcome =
        machine.boot({{0, "firmware"}, {4, "loader"}, {4, "another kernel"}, {7, "keys"}});
    CHECK(failures(outcome) == "pcr-4 firmware-event");
    const auto* reason = find_reason(outcome, "firmware-event");
    REQUIRE(reason != nullptr);
    CHECK(reason->text.find("event 2 of PCR 4") != std::string::npos);
    CHECK(reason->text.find("EV_IPL another kernel") != std::string::npos);
}

TEST_CASE("the approved log shown for another boot does not lead to its PCRs") {
    booted_machine machine;
    CHECK(failures(machine.boot({{0, "firmware"}, {4, "loader"}, {4, "another kernel"}, {7, "keys"}},
                                log_of(approved))) == "boot-log-pcr-4 pcr-4");
}

TEST_CASE("events that are missing from a firmware log or too many are named") {
    booted_machine machine;
    CHECK(failures(machine.boot({{0, "firmware"}, {4, "loader"}, {7, "keys"}})) == "pcr-4 firmware-event");
    std::vector<logged> more = approved;
    more.push_back({5, "partition table"});
    CHECK(failures(machine.boot(more)) == "pcr-5 firmware-event");
}

TEST_CASE("a firmware log over PCRs that nobody quotes is refused") {
    booted_machine machine;
    machine.world.config.vtpm_pcr_mask &= ~(1U << 7);
    CHECK(failures(machine.boot(approved)) == "boot-log-pcr-7");
}

TEST_CASE("firmware that no reference is known for or that shows no log is refused") {
    booted_machine machine;
    CHECK(failures(machine.boot(approved, {})) == "firmware-log");
    CHECK(failures(machine.boot(approved, ascii("no log"))) == "firmware-log");
    machine.world.config.guests.at("guest1").firmware_log.clear();
    CHECK(failures(machine.boot(approved)) == "firmware-reference");
}

TEST_CASE("firmware cannot have measured into a vTPM that was attached late") {
    booted_machine machine;
    CHECK(failures(machine.boot(approved, log_of(approved), true)) == "boot-evidence");
}

TEST_CASE("a quoted PCR that neither a firmware's log nor its reference names has to be untouched") {
    booted_machine machine;
    std::vector<logged> more = approved;
    more.push_back({3, "something"});
    CHECK(failures(machine.boot(more, log_of(approved))) == "pcr-3");
    CHECK(failures(machine.boot(approved, log_of(approved))) == "");
}
