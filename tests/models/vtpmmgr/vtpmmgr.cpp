// The manager as its vTPMs and its administrator see it, on a libtpms chip.
#include "models/vtpmmgr/vtpmmgr.h"

#include <catch2/catch.hpp>

#include "models/domain_crash.h"
#include "models/vtpmmgr/label.h"
#include "tests/models/vtpmmgr/bench.h"

using namespace vtwin::test;
using vtwin::models::behaviour;
using vtwin::models::domain_crash;
using ordinals = std::vector<std::uint32_t>;
using sectors = std::vector<std::uint32_t>;

TEST_CASE("a first boot sends the hardware TPM the recorded commands and writes nothing") {
    manager_bench bench;
    REQUIRE(bench.boot());
    ordinals expected = {101, 101, 101, 101, 101, 101, 101, 70, 70, 10};
    expected.insert(expected.end(), 24, 21);
    for (const std::uint32_t ordinal : {124, 120, 13, 126, 11, 152, 150})
        expected.push_back(ordinal);
    CHECK(bench.chip.ordinals == expected);
    const std::vector<std::size_t> tail(bench.chip.sizes.end() - 7, bench.chip.sizes.end());
    CHECK(tail == std::vector<std::size_t>{30, 54, 624, 55, 36, 10, 14});
    CHECK(bench.disk.written.empty());
    CHECK(bench.services.said("Assuming first time initialization"));

    // The second start finds an owner and no EK to read.
    bench.chip.ordinals.clear();
    REQUIRE(bench.reboot());
    CHECK(bench.chip.count(13) == 0);
    CHECK(bench.chip.count(124) == 1);
}

TEST_CASE("response tags and codes follow the table for whatever arrives") {
    manager_bench bench;
    REQUIRE(bench.boot());
    bench.connect(1, 1);
    const bytes tiny = bench.raw(1, seq(0, 9));
    CHECK(hex(tiny) == "00c40000000a00000003");
    const auto check = [&](std::uint16_t tag, std::uint32_t ordinal, std::uint16_t response,
                           std::uint32_t status) {
        const answer got = bench.send(1, tag, ordinal);
        CHECK(got.tag == response);
        CHECK(got.status == status);
        CHECK(got.length == 10);
    };
    check(0x01C1, 9, 0x01C4, 10);
    check(0x01C1, 2, 0x01C4, 3);
    check(0x01C1, 1, 0x01C4, 3);
    check(0x01C2, 0x02000101, 0x01C5, 1);
    check(0x00C1, 22, 0x00C4, 8);
    check(0x00C2, 20, 0x00C5, 8);
    check(0x00C3, 13, 0x00C6, 8);
    check(0x8001, 0x17B, 0x8004, 30);
    REQUIRE(bench.save(1, 1).status == 0);
    check(0x01C2, 0x02000108, 0x01C5, 10);
    check(0x01C2, 0x02000102, 0x01C4, 3);
}

TEST_CASE("key blobs from 52 to 64 bytes are kept and come back short when their tail is zero") {
    manager_bench bench;
    REQUIRE(bench.boot());
    bench.connect(1, 1);
    const auto store = [&](std::size_t size) { return bench.send(1, 0x01C1, 1, seq(1, size)).status; };
    CHECK(store(51) == 3);
    CHECK(store(65) == 3);
    CHECK(store(52) == 0);
    CHECK(bench.load(1).body == seq(1, 52));
    CHECK(store(64) == 0);
    CHECK(bench.load(1).body == seq(1, 64));
    CHECK(bench.send(1, 0x01C1, 3, seq(0, 1)).status == 3);
    CHECK(bench.send(1, 0x01C1, 3).body == bytes(20));  // auto-created: no label was looked at
}

TEST_CASE("passthrough lets GetRandom and PCRRead through and Extend only for the administrator") {
    manager_bench bench;
    REQUIRE(bench.boot());
    bench.connect(1, 1);
    bench.connect(2, 2);
    REQUIRE(bench.save(1, 1).status == 0);
    REQUIRE(bench.save(2, 2).status == 0);
    const answer random = bench.send(2, 0x00C1, 70, unhex("00000010"));
    CHECK(random.status == 0);
    CHECK(random.tag == 0x00C4);
    CHECK(random.body.size() == 20);
    const answer long_random = bench.send(2, 0x00C2, 70, unhex("0000001000"));
    CHECK(long_random.status == 3);
    CHECK(long_random.tag == 0x00C4);
    CHECK(bench.send(2, 0x00C1, 21, unhex("00000007")).body == bytes(20));
    const bytes extend = vtwin::tpm::concat({unhex("0000000a"), bytes(20, std::byte{1})});
    CHECK(bench.send(2, 0x00C1, 20, extend).status == 8);
    CHECK(bench.send(1, 0x00C1, 20, extend).status == 0);
    CHECK(bench.send(2, 0x00C1, 21, unhex("0000000a")).body != bytes(20));
}

TEST_CASE("hardened the administrator extends only resettable PCRs") {
    manager_bench bench;
    bench.behaviours.set(behaviour::vtpmmgr_admin_can_extend_hardware_pcr, true);
    REQUIRE(bench.boot());
    bench.connect(1, 1);
    REQUIRE(bench.save(1, 1).status == 0);
    const auto extend = [&](std::string_view pcr) {
        return bench.send(1, 0x00C1, 20, vtwin::tpm::concat({unhex(pcr), bytes(20)})).status;
    };
    CHECK(extend("0000000a") == 8);
    CHECK(extend("00000017") == 0);
}

TEST_CASE("provisioning makes the first commit to slot 1 and a restart finds the records") {
    manager_bench bench;
    bench.provision();
    CHECK(bench.disk.written == sectors{4, 5, 3, 1});
    CHECK(bench.chip.count(23) == 2);
    bench.disk.written.clear();
    REQUIRE(bench.save(1, 0x22).status == 0);
    CHECK(bench.disk.written == sectors{6, 7, 2, 0});
    bench.disk.written.clear();
    REQUIRE(bench.save(1, 0x23).status == 0);
    CHECK(bench.disk.written == sectors{4, 5, 3});

    bench.chip.ordinals.clear();
    REQUIRE(bench.reboot());
    CHECK_FALSE(bench.services.said("first time"));
    CHECK(bench.chip.count(24) == 3);  // two seal lists, one group
    CHECK(bench.manager->tree().slot == 1);
    bench.connect(1, 1);
    const answer loaded = bench.load(1);
    CHECK(loaded.length == 62);
    CHECK(loaded.body == bytes(52, std::byte{0x23}));
    CHECK(hex(bench.send(1, 0x01C1, 3).body) == "d0f1992dae1daf6b1515f8fc293fcac4bc673605");
    // Open in one place only, until its connection ends.
    bench.connect(2, 1);
    bench.backend.labels[2] = bench.good_label;
    CHECK(bench.load(2).status == 7);
    bench.disconnect(1);
    CHECK(bench.load(2).status == 0);
}

TEST_CASE("saves before provisioning are acknowledged and lost unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_unprovisioned_saves_acknowledged, hardened);
        REQUIRE(bench.boot());
        bench.connect(1, 1);
        bench.connect(2, 2);
        CHECK(bench.save(1, 1).status == 0);
        CHECK(bench.save(2, 2).status == (hardened ? 0x401 : 0));
        CHECK(bench.disk.written.empty());
        REQUIRE(bench.reboot());
        bench.connect(2, 2);
        CHECK(bench.load(2).status == 3);
    }
}

TEST_CASE("a refused label leaves the record bound unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_label_denial_leaves_record_bound, hardened);
        bench.provision();
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        bench.backend.labels[1] = "evil_u:evil_r:evil_t";
        CHECK(bench.load(1).status == 7);
        const answer second = bench.load(1);
        CHECK(second.status == (hardened ? 7 : 0));
        CHECK(bench.manage(0x02000101).status == (hardened ? 1 : 0));
        bench.backend.labels.clear();
        bench.connect(2, 1);
        CHECK(bench.load(2).status == 9);
        CHECK(bench.load(2).status == (hardened ? 9 : 0));
    }
}

TEST_CASE("the user field of a label may be wildcarded and a missing label policy may be chosen") {
    manager_bench bench;
    bench.provision();
    const auto wild = vtwin::models::manager::label_hash("*:system_r:vtpm_t");
    REQUIRE(bench.group_update(0, bench.list(2, {bench.composite(0xFF)}, {wild}), {0xFF}).status == 0);
    REQUIRE(bench.reboot());
    bench.connect(1, 1);
    bench.backend.labels[1] = "other_u:system_r:vtpm_t";
    CHECK(bench.load(1).status == 0);
    bench.backend.labels.clear();
    bench.command_line = "labels=unavailable-ok";
    for (const bool hardened : {false, true}) {
        bench.behaviours.set(behaviour::vtpmmgr_label_lookup_error_denies_known_vtpm, hardened);
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).status == (hardened ? 0 : 9));
    }
}

TEST_CASE("a vTPM whose label left the list cannot save when hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_removed_label_still_saves, hardened);
        bench.provision();
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        bench.backend.labels[1] = "gone_u:gone_r:gone_t";
        CHECK(bench.load(1).status == 7);
        CHECK(bench.save(1, 0x77).status == (hardened ? 7 : 0));
    }
}

TEST_CASE("auto-creation takes anybody unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_autocreate_skips_label_and_open, hardened);
        bench.provision();
        bench.connect(2, 2);
        bench.backend.labels[2] = "evil_u:evil_r:evil_t";
        CHECK(bench.save(2, 2).status == (hardened ? 7 : 0));
        bench.connect(3, 3);
        bench.backend.labels[3] = bench.good_label;
        CHECK(bench.save(3, 3).status == 0);
        bench.connect(4, 3);
        bench.backend.labels[4] = bench.good_label;
        CHECK(bench.load(4).status == (hardened ? 7 : 0));
    }
}

TEST_CASE("the administrator is the first auto-created record or the configured one") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_first_autocreated_vtpm_is_admin, hardened);
        bench.command_line = "admin_uuid=02020202-0202-0202-0202-020202020202";
        REQUIRE(bench.boot());
        for (unsigned domid : {1, 2}) {
            bench.connect(domid, domid);
            REQUIRE(bench.save(domid, domid).status == 0);
        }
        CHECK(bench.send(1, 0x01C2, 0x02000101).status == (hardened ? 1 : 0));
        CHECK(bench.send(2, 0x01C2, 0x02000101).status == (hardened ? 0 : 1));
    }
}

TEST_CASE("one transient code at boot makes a new manager unless the manager knows better") {
    enum { faithful, refuses, retries };
    for (const int variant : {faithful, refuses, retries}) {
        manager_bench bench;
        bench.provision();
        bench.behaviours.set(behaviour::vtpmmgr_boot_error_becomes_new_manager, variant == refuses);
        bench.behaviours.set(behaviour::vtpmmgr_no_retry_on_transient_tpm_codes, variant == retries);
        unsigned left = 1;
        bench.chip.refuse = [&](std::uint32_t ordinal) -> std::optional<std::uint32_t> {
            if (ordinal != 24 || left == 0)
                return std::nullopt;
            --left;
            return 0x800;
        };
        CHECK(bench.reboot() == (variant != refuses));
        CHECK(left == 0);
        if (variant == refuses)
            continue;
        bench.connect(1, 1);
        bench.backend.labels[1] = bench.good_label;
        CHECK(bench.load(1).status == (variant == retries ? 0 : 3));
        CHECK(bench.services.said("first time") == (variant == faithful));
    }
}

TEST_CASE("one blob that does not unseal costs both slots unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.provision();
        REQUIRE(bench.save(1, 0x33).status == 0);
        bench.behaviours.set(behaviour::vtpmmgr_failed_unseal_loses_both_slots, hardened);
        bench.disk.content[4096 + 24 + 44 + 100] ^= std::byte{1};  // the older slot's sealed blob
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).status == (hardened ? 0 : 3));
        CHECK(bench.services.said("first time") == !hardened);
    }
}

TEST_CASE("a PCR extended after the start seals a blob that never opens unless PCRs are read again") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_stale_pcr_cache_seals_unopenable_blob, hardened);
        bench.provision();
        bench.chip.engine.execute(
            vtwin::tpm::concat({unhex("00c10000002200000014"), unhex("00000003"), bytes(20)}), 0);
        REQUIRE(bench.save(1, 0x44).status == 0);  // seals slot 0's list
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).status == (hardened ? 0 : 3));
    }
}

TEST_CASE("a refused seal session kills the manager or fails the command") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_session_open_failure_aborts, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_seal_failure_ignored, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_sync_result_ignored, hardened);
        bench.provision();
        bench.chip.refuse = [](std::uint32_t ordinal) -> std::optional<std::uint32_t> {
            return ordinal == 11 ? std::optional<std::uint32_t>(0x15) : std::nullopt;
        };
        if (!hardened) {
            CHECK_THROWS_AS(bench.save(1, 0x55), domain_crash);
            continue;
        }
        CHECK(bench.save(1, 0x55).status == 9);
        bench.chip.refuse = nullptr;
        CHECK(bench.load(1).body == bytes(52, std::byte{0x11}));
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).body == bytes(52, std::byte{0x11}));
    }
}

TEST_CASE("a manager without entropy runs on predictable keys unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_rng_seed_errors_ignored, hardened);
        bench.chip.refuse = [](std::uint32_t ordinal) -> std::optional<std::uint32_t> {
            return ordinal == 70 ? std::optional<std::uint32_t>(9) : std::nullopt;
        };
        REQUIRE(bench.boot() == !hardened);
        if (hardened)
            continue;
        const auto key = bench.manager->tree().root.tm_key;
        REQUIRE(bench.reboot());
        CHECK(bench.manager->tree().root.manager_uuid[6] >= std::byte{0x40});
        CHECK(key != vtwin::models::manager::aes_key{});
    }
}

TEST_CASE("a refused global session or version ends the manager at its start") {
    for (const std::uint32_t victim : {10, 101}) {
        manager_bench bench;
        bench.chip.refuse = [victim](std::uint32_t ordinal) -> std::optional<std::uint32_t> {
            return ordinal == victim ? std::optional<std::uint32_t>(0x800) : std::nullopt;
        };
        CHECK_FALSE(bench.boot());
        bench.chip.refuse = nullptr;
        CHECK(bench.boot());
    }
}

TEST_CASE("start flushes foreign handles until the first error unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_boot_flushes_foreign_handles, hardened);
        bench.chip.engine.execute(unhex("00c10000000a0000000a"), 0);  // somebody's OIAP session
        REQUIRE(bench.boot());
        CHECK(bench.chip.count(186) == (hardened ? 0 : 1));
        CHECK(bench.chip.count(101) == (hardened ? 1 : 7));
    }
}

TEST_CASE("power loss in a save leaves the old or the new key") {
    for (std::size_t cut = 0; cut <= 3; ++cut) {
        manager_bench bench;
        bench.provision();
        REQUIRE(bench.save(1, 0x22).status == 0);
        bench.disk.writes_left = cut;
        REQUIRE(bench.save(1, 0x66).status == 0);
        bench.disk.writes_left = SIZE_MAX;
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).body == bytes(52, cut == 3 ? std::byte{0x66} : std::byte{0x22}));
    }
}

TEST_CASE("a connection closed under its command is a crash unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_connection_state_freed_in_use, hardened);
        REQUIRE(bench.boot());
        bench.connect(1, 1);
        bench.chip.refuse = [&](std::uint32_t) -> std::optional<std::uint32_t> {
            bench.disconnect(1);
            return std::nullopt;
        };
        if (hardened)
            CHECK(bench.send(1, 0x00C1, 21, unhex("00000000")).status == 0);
        else
            CHECK_THROWS_AS(bench.send(1, 0x00C1, 21, unhex("00000000")), domain_crash);
    }
}

TEST_CASE("an old copy of the disk is taken unless a hardware counter stands against it") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_rollback_counter_is_stub, hardened);
        bench.provision();
        REQUIRE(bench.save(1, 0x21).status == 0);
        const bytes snapshot = bench.disk.content;
        REQUIRE(bench.save(1, 0x22).status == 0);
        const bytes newest = bench.disk.content;
        CHECK((bench.chip.count(221) > 0) == hardened);
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).body == bytes(52, std::byte{0x22}));
        bench.disk.content = snapshot;
        CHECK(bench.reboot() == !hardened);
        if (!hardened)
            continue;
        bench.disk.content = newest;
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        REQUIRE(bench.load(1).status == 0);
        // Power fails between the root and the counter: the next start catches up, once.
        bench.chip.refuse = [](std::uint32_t ordinal) -> std::optional<std::uint32_t> {
            return ordinal == 221 ? std::optional<std::uint32_t>(9) : std::nullopt;
        };
        REQUIRE(bench.save(1, 0x23).status == 0);
        bench.chip.refuse = nullptr;
        REQUIRE(bench.reboot());
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).body == bytes(52, std::byte{0x23}));
    }
}

TEST_CASE("two managers with the same seeds leave the same disk and console") {
    bytes disk;
    std::vector<std::string> lines;
    for (int run = 0; run < 2; ++run) {
        manager_bench bench;
        bench.provision();
        REQUIRE(bench.save(1, 0x21).status == 0);
        if (run == 1) {
            CHECK(bench.disk.content == disk);
            CHECK(bench.services.lines == lines);
        }
        disk = bench.disk.content;
        lines = bench.services.lines;
    }
}

namespace {

/// A backend whose lowest interface announces an impossible length: each fetch gives nothing.
struct stuck_backend final : vtwin::models::tpm_backend_if {
    unsigned fetches = 0;
    std::vector<bytes> responses;
    std::optional<vtwin::models::tpm_request> next_request() override {
        if (++fetches == 3)
            return vtwin::models::tpm_request{vtwin::xen::domid_t{4}, 0, 0, seq(0, 3)};
        return std::nullopt;
    }
    bool is_closed() const override { return fetches > 5; }
    void respond(const vtwin::models::tpm_request&, byte_view response) override {
        responses.emplace_back(response.begin(), response.end());
    }
    int peer_label(vtwin::xen::domid_t, std::uint32_t, std::size_t, std::string&) override { return -38; }
};

}  // namespace

TEST_CASE("the main loop answers requests and outlives empty fetches until the backend is closed") {
    bench_chip chip;
    memory_disk disk;
    quiet_services services;
    stuck_backend backend;
    vtwin::models::vtpmmgr manager({}, backend, chip, disk, services);
    manager.callbacks().opened(vtwin::xen::domid_t{4}, 0, manager_bench::uuid(4));
    CHECK(manager.run() == vtwin::models::vtpmmgr::exit_reason::shut_down);
    CHECK(backend.fetches == 6);
    REQUIRE(backend.responses.size() == 1);
    CHECK(hex(backend.responses[0]) == "00c40000000a00000003");
    CHECK(std::count(services.lines.begin(), services.lines.end(), "vtpmmgr: NULL tpmcmd") == 2);
    CHECK(chip.ordinals.back() == 150);  // the global session ends last
}
