// The manager's disk: vector K10, commit order, slots, crash points, defects of the loader.
#include <catch2/catch.hpp>

#include "models/domain_crash.h"
#include "models/vtpmmgr/disk_loader.h"
#include "models/vtpmmgr/disk_writer.h"
#include "models/vtpmmgr/label.h"
#include "models/vtpmmgr/vtpm_commands.h"
#include "tests/models/vtpmmgr/bench.h"

using namespace vtwin::test;
using namespace vtwin::models::manager;
using vtwin::models::behaviour;
using vtwin::models::behaviour_set;

namespace {

struct disk_bench {
    behaviour_set behaviours;
    memory_disk disk;
    quiet_services services;
    work_meter meter{{}, services};
    scripted_entropy entropy;
    stub_seals seals;
    sector_store store{disk, behaviours, meter, entropy};
    manager_tree tree;
    disk_writer writer{tree, store, seals, behaviours, meter, entropy};

    /// An open group 0 with one platform and one label.
    void make_group(unsigned pattern = 0x10) {
        auto group = std::make_shared<vtpm_group>();
        group->uuid = seq<16>(0x50 + static_cast<unsigned>(tree.groups.size()));
        group->saa_modulus = seq<256>(0xC1);
        group->set_keys({seq<20>(0xA0), seq<16>(pattern), seq<16>(pattern + 0x10)});
        seal_entry config{};
        config.pcr_mask = 0xFF;
        config.digest_at_release = seals.composite(0xFF);
        group->configs = {config};
        group->kernels = {label_hash("system_u:system_r:vtpm_t")};
        tree.groups.push_back(group);
    }
    void make_tree() {
        tree.root.magic = root_magic;
        tree.root.manager_uuid = seq<16>(0x30);
        tree.root.nvram_auth = seq<20>(0xE0);
        tree.root.counter_auth = seq<20>(0xF4);
        tree.root.tm_key = seq<16>(0);
        store.set_key(tree.root.tm_key);
        make_group();
    }
    void add_record(vtpm_group& group, unsigned number) {
        auto record = std::make_shared<vtpm_record>();
        const be32 tag = number;
        std::memcpy(record->uuid.data(), &tag, 4);
        record->data.fill(std::byte(number));
        group.append(record);
        disk_writer::touch(group);
    }
    /// A changed key in record `number` of group 0, as SAVEHASHKEY does.
    void change(std::size_t number, unsigned value) {
        auto record = tree.groups[0]->pages[number / 48].records[number % 48];
        record->data.fill(std::byte(value));
        tree.groups[0]->pages[number / 48].location = 0;
        disk_writer::touch(*tree.groups[0]);
    }
    commit_result commit() {
        disk.written.clear();
        return writer.commit(sync_depth::sequence);
    }
    /// What a manager started from this disk would load.
    std::optional<manager_tree> reload(load_report* report = nullptr) {
        sector_store fresh(disk, behaviours, meter, entropy);
        disk_loader loader(fresh, seals, behaviours, meter,
                           [this](const std::string& text) { services.lines.push_back(text); });
        auto loaded = loader.load();
        if (report != nullptr)
            *report = loader.report();
        return loaded;
    }
};

/// The vTPM commands on a loaded tree, for a client whose label is the recorded one.
struct served_tree {
    struct no_chip final : vtwin::models::tpm_transport_if {
        vtwin::models::transport_result transmit(byte_view) override {
            return {vtwin::models::transport_error::io, {}};
        }
    } chip;
    label_backend backend;
    manager_options options;
    ctr_drbg drbg{[](std::size_t) { return bytes{}; }};
    tpm_link link;
    hardware_tpm hardware;
    std::map<manager_context::connection_key, std::shared_ptr<connection>> connections;
    manager_context context;
    connection client;

    served_tree(disk_bench& bench, manager_tree& tree)
        : link(chip, bench.behaviours, bench.services),
          hardware(link, drbg, options, bench.behaviours, [](const std::string&) {}),
          context{bench.behaviours,
                  options,
                  tree,
                  bench.writer,
                  hardware,
                  drbg,
                  bench.meter,
                  backend,
                  connections,
                  [](const std::string&) {}} {
        client.domid = vtwin::xen::domid_t{3};
        backend.labels[3] = "system_u:system_r:vtpm_t";
    }
    bytes send(const octets<16>& uuid, std::string_view command) {
        client.uuid = uuid;
        return vtpm_commands(context).handle(client, unhex(command));
    }
};

std::uint32_t number_of(const vtpm_record& record) {
    be32 tag;
    std::memcpy(&tag, record.uuid.data(), 4);
    return tag;
}

using sectors = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("the recorded one-group image is written and loaded byte for byte") {
    disk_bench bench;
    bench.make_tree();
    bench.seals.root_blob = seq(0xD0, 256);
    bench.seals.group_blob = seq(0xB0, 256);
    vtpm_group& group = *bench.tree.groups[0];
    group.cfg_sequence = 5;
    group.sequence = 2;
    bench.tree.sequence = 8;
    auto record = std::make_shared<vtpm_record>();
    record->uuid = unhex<16>("ac0a5b9ecbe24c07b43b1d69e46fb839");
    record->flags = vtpm_record::admin | vtpm_record::open;
    const auto data = seq<52>(0x80);
    std::copy(data.begin(), data.end(), record->data.begin());
    group.append(record);
    disk_writer::touch(group);
    bench.entropy.values = {seq(0x40, 16), seq(0x60, 16), seq(0x70, 16), seq(0x90, 16)};

    REQUIRE(bench.commit() == commit_result::written);
    CHECK(hex(group.pages[0].hash) == "a890a19a3d5ff9cf3be6ad6eeb745f2e1a65618fa684152824ec86d42a076166");
    CHECK(hex(sha256(bench.disk.sector(4))) ==
          "2d42d9afa5406ad0f82ece2e2459346057eced19d764027c2e69c39cea05be27");
    CHECK(hex(group.hash) == "f0e2600a0ffc4e6f78d8589342eb54e2b76caa23481094cda9ebccc9786ce7ee");
    CHECK(hex(sha256(bench.disk.sector(5))) ==
          "79195d1e481aee8eaadaef42eb22950b13c9dbcef7d1cab5d142a66e19514b16");
    CHECK(hex(sha256(bench.disk.sector(3))) ==
          "076537bd271911e4b55328812efec51ce7221ea41a00439b956077307e936691");
    CHECK(hex(sha256(bench.disk.sector(1))) ==
          "42e4f00f74d240f6d42c5a79e8e659ca3e0660ead8dfb0a6c040c567b917b5d6");
    const auto blank = [&](std::uint32_t n) {
        const auto raw = bench.disk.sector(n);
        return std::all_of(raw.begin(), raw.end(), [](std::byte b) { return b == std::byte{0}; });
    };
    CHECK(blank(0));
    CHECK(blank(2));
    for (std::uint32_t n = 6; n < 512; ++n)
        REQUIRE(blank(n));

    auto loaded = bench.reload();
    REQUIRE(loaded);
    CHECK(loaded->sequence == 9);
    CHECK(loaded->slot == 1);
    CHECK(hex(loaded->groups[0]->rollback_mac(seq(0, 528))) == hex(group.rollback_mac(seq(0, 528))));
    CHECK_FALSE(loaded->groups[0]->is_flagged());
    const auto found = loaded->groups[0]->find(record->uuid);
    REQUIRE(found);
    CHECK(found->data == record->data);
    CHECK(found->flags == vtpm_record::admin);

    served_tree served(bench, *loaded);
    CHECK(hex(served.send(record->uuid, "01c10000000a00000002")) ==
          "01c40000003e00000000" + hex(byte_view(seq(0x80, 52))));
    CHECK(hex(served.send(record->uuid, "01c10000000a00000003")) ==
          "01c40000001e00000000d0f1992dae1daf6b1515f8fc293fcac4bc673605");
}

TEST_CASE("commits alternate slots and write children before parents") {
    disk_bench bench;
    bench.make_tree();
    bench.add_record(*bench.tree.groups[0], 1);
    REQUIRE(bench.commit() == commit_result::written);
    CHECK(bench.disk.written == sectors{4, 5, 3, 1});
    CHECK(bench.seals.sealed == 2);
    bench.change(0, 9);
    REQUIRE(bench.commit() == commit_result::written);
    CHECK(bench.disk.written == sectors{6, 7, 2, 0});
    CHECK(bench.seals.sealed == 3);
    bench.change(0, 10);
    REQUIRE(bench.commit() == commit_result::written);
    CHECK(bench.disk.written == sectors{4, 5, 3});
    CHECK(bench.disk.flushes == 3);
    CHECK(bench.tree.sequence == 3);
}

TEST_CASE("nothing is written while group 0 has no platform configuration") {
    disk_bench bench;
    bench.make_tree();
    bench.tree.groups[0]->configs.clear();
    bench.add_record(*bench.tree.groups[0], 1);
    CHECK(bench.commit() == commit_result::skipped);
    CHECK(bench.disk.written.empty());
    CHECK(bench.tree.sequence == 0);
}

TEST_CASE("power loss after any sector of a commit leaves the old or the new state") {
    for (std::size_t cut = 0; cut <= 4; ++cut) {
        disk_bench bench;
        bench.make_tree();
        bench.add_record(*bench.tree.groups[0], 1);
        bench.commit();
        bench.change(0, 2);
        bench.commit();
        bench.change(0, 3);
        bench.commit();
        bench.change(0, 4);
        bench.disk.writes_left = cut;
        bench.commit();
        const auto loaded = bench.reload();
        REQUIRE(loaded);
        // Page, group, root: only with the root is the change there.
        CHECK(bench.disk.written.size() == 3);
        CHECK(loaded->groups[0]->pages[0].records[0]->data[0] == (cut >= 3 ? std::byte{4} : std::byte{3}));
        CHECK_FALSE(loaded->groups[0]->is_flagged());
    }
}

TEST_CASE("a torn root falls back to the older one and is reported") {
    disk_bench bench;
    bench.make_tree();
    bench.add_record(*bench.tree.groups[0], 1);
    bench.commit();
    bench.change(0, 2);
    bench.commit();
    SECTION("bad page of the newest root") {
        bench.disk.content[6 * 4096 + 2000] ^= std::byte{1};
        load_report report;
        const auto loaded = bench.reload(&report);
        REQUIRE(loaded);
        CHECK(report.fell_back);
        CHECK(loaded->slot == 1);
        CHECK(loaded->groups[0]->pages[0].records[0]->data[0] == std::byte{1});
    }
    SECTION("newest root itself fails its code") {
        bench.disk.content[2 * 4096 + 2000] ^= std::byte{1};
        load_report report;
        const auto loaded = bench.reload(&report);
        REQUIRE(loaded);
        CHECK(report.fell_back);
        CHECK(loaded->slot == 1);
    }
    SECTION("nothing is bad") {
        load_report report;
        REQUIRE(bench.reload(&report));
        CHECK_FALSE(report.fell_back);
    }
    SECTION("bad pages of both") {
        bench.disk.content[6 * 4096 + 2000] ^= std::byte{1};
        bench.disk.content[4 * 4096 + 2000] ^= std::byte{1};
        load_report report;
        CHECK_FALSE(bench.reload(&report));
        CHECK(report.magic_present);
    }
    SECTION("a flipped counter block of the root garbles it") {
        bench.disk.content[2 * 4096 + 20] ^= std::byte{1};
        const auto loaded = bench.reload();
        REQUIRE(loaded);
        CHECK(loaded->slot == 1);
    }
}

TEST_CASE("only the last page of a large group survives a restart unless hardened") {
    for (const bool hardened : {false, true}) {
        disk_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_only_last_vtpm_page_loaded, hardened);
        bench.make_tree();
        for (unsigned i = 0; i < 100; ++i)
            bench.add_record(*bench.tree.groups[0], i);
        bench.commit();
        CHECK(bench.disk.written == sectors{4, 5, 6, 7, 3, 1});
        const auto loaded = bench.reload();
        REQUIRE(loaded);
        const vtpm_group& group = *loaded->groups[0];
        CHECK(group.nr_vtpms == 100);
        REQUIRE(group.pages.size() == 3);
        CHECK(group.can_append() == hardened);
        if (hardened) {
            CHECK(group.pages[0].records.size() == 48);
            CHECK(number_of(*group.pages[2].records[3]) == 99);
        } else {
            REQUIRE(group.pages[0].records.size() == 4);
            CHECK(number_of(*group.pages[0].records[0]) == 96);
            CHECK(group.pages[1].records.empty());
            CHECK(group.pages[1].location == 0);
        }
    }
}

TEST_CASE("groups and pages beyond sixteen hang below inner nodes") {
    disk_bench bench;
    bench.behaviours.set(behaviour::vtpmmgr_only_last_vtpm_page_loaded, true);
    bench.make_tree();
    for (unsigned i = 0; i < 17 * 48; ++i)
        bench.add_record(*bench.tree.groups[0], i);
    while (bench.tree.groups.size() < 20)
        bench.make_group(static_cast<unsigned>(bench.tree.groups.size()));
    REQUIRE(bench.commit() == commit_result::written);
    // 17 pages, their node, group 0, 19 groups, the root's node, root, seal list.
    CHECK(bench.disk.written.size() == 17 + 1 + 1 + 19 + 1 + 1 + 1);
    auto loaded = bench.reload();
    REQUIRE(loaded);
    REQUIRE(loaded->groups.size() == 20);
    CHECK(loaded->groups[0]->stored_below.size() == 18);
    CHECK(loaded->groups[0]->stored_below[0] == 21);
    CHECK(number_of(*loaded->groups[0]->pages[16].records[47]) == 815);
    CHECK(loaded->groups[19]->uuid == bench.tree.groups[19]->uuid);
    CHECK_FALSE(loaded->groups[19]->is_flagged());
}

TEST_CASE("more than 112 groups overrun the faithful writer and suit the hardened one") {
    for (const bool hardened : {false, true}) {
        disk_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_group_tree_overflow_above_112, hardened);
        bench.make_tree();
        while (bench.tree.groups.size() < 113)
            bench.make_group(static_cast<unsigned>(bench.tree.groups.size()));
        if (!hardened) {
            CHECK_THROWS_AS(bench.commit(), vtwin::models::domain_crash);
            continue;
        }
        REQUIRE(bench.commit() == commit_result::written);
        const auto loaded = bench.reload();
        REQUIRE(loaded);
        CHECK(loaded->groups.size() == 113);
    }
}

TEST_CASE("a closed group is kept on disk and flagged when it opens again") {
    for (const bool hardened : {false, true}) {
        disk_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_closed_group_flagged_as_rolled_back, hardened);
        bench.make_tree();
        bench.add_record(*bench.tree.groups[0], 1);
        bench.make_group(0x70);
        bench.seals.pcrs[9].fill(std::byte{1});
        bench.tree.groups[1]->configs[0].pcr_mask = 0x200;
        bench.tree.groups[1]->configs[0].digest_at_release = bench.seals.composite(0x200);
        bench.add_record(*bench.tree.groups[1], 77);
        bench.commit();
        bench.seals.pcrs[9].fill(std::byte{2});
        auto second = bench.reload();
        REQUIRE(second);
        CHECK_FALSE(second->groups[1]->is_open());
        CHECK_FALSE(second->groups[1]->find(bench.tree.groups[1]->pages[0].records[0]->uuid));
        bench.tree = std::move(*second);
        bench.store.mark_use(4, 1);
        bench.add_record(*bench.tree.groups[0], 2);
        REQUIRE(bench.commit() == commit_result::written);
        bench.seals.pcrs[9].fill(std::byte{1});
        const auto third = bench.reload();
        REQUIRE(third);
        REQUIRE(third->groups[1]->is_open());
        CHECK(number_of(*third->groups[1]->pages[0].records[0]) == 77);
        CHECK(third->groups[1]->is_flagged() == !hardened);
    }
}

TEST_CASE("a failing seal is written as valid or keeps the old root") {
    for (const bool hardened : {false, true}) {
        disk_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_seal_failure_ignored, hardened);
        bench.make_tree();
        bench.add_record(*bench.tree.groups[0], 1);
        bench.seals.refuse_seal = true;
        CHECK(bench.commit() == (hardened ? commit_result::failed : commit_result::written));
        CHECK(bench.tree.slot == (hardened ? 0 : 1));
        bench.seals.refuse_seal = false;
        if (hardened) {
            REQUIRE(bench.commit() == commit_result::written);
            CHECK(bench.disk.written == sectors{4, 5, 3, 1});
        }
        CHECK(bench.reload().has_value() == hardened);
    }
}

TEST_CASE("a disk that refuses writes kills the faithful manager and fails the hardened commit") {
    for (const bool hardened : {false, true}) {
        disk_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_io_fault_aborts_domain, hardened);
        bench.make_tree();
        bench.add_record(*bench.tree.groups[0], 1);
        bench.disk.fail_writes = true;
        if (hardened)
            CHECK(bench.commit() == commit_result::failed);
        else
            CHECK_THROWS_AS(bench.commit(), vtwin::models::domain_crash);
        bench.disk.fail_writes = false;
        if (hardened) {
            CHECK(bench.commit() == commit_result::written);
            CHECK(bench.reload());
        }
    }
}

TEST_CASE("seal list headers are protected only when hardened") {
    for (const bool hardened : {false, true}) {
        disk_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_seal_list_header_unauthenticated, hardened);
        bench.make_tree();
        bench.commit();
        CHECK(bench.reload());
        bench.disk.content[4096 + 23] ^= std::byte{1};  // next pointer
        CHECK(bench.reload().has_value() == !hardened);
        bench.disk.content[4096] ^= std::byte{1};
        CHECK_FALSE(bench.reload());
    }
}

TEST_CASE("a commit of a save costs the work of three sectors") {
    disk_bench bench;
    vtwin::models::software_costs costs{};
    costs.aes_per_byte = sc_core::sc_time(1, sc_core::SC_NS);
    bench.make_tree();
    bench.add_record(*bench.tree.groups[0], 1);
    bench.commit();
    bench.change(0, 1);
    bench.commit();
    work_meter priced(costs, bench.services);
    sector_store store(bench.disk, bench.behaviours, priced, bench.entropy);
    store.set_key(bench.tree.root.tm_key);
    disk_writer writer(bench.tree, store, bench.seals, bench.behaviours, priced, bench.entropy);
    bench.change(0, 2);
    bench.services.spent = sc_core::SC_ZERO_TIME;
    REQUIRE(writer.commit(sync_depth::sequence) == commit_result::written);
    CHECK(bench.services.spent == sc_core::sc_time(3 * 4064 + 48 * 64, sc_core::SC_NS));
}
