// The vTPM's image on its disk: blob format (known answer), slots, and the behaviours around them.
#include "models/vtpm/vtpmblk.h"

#include <openssl/sha.h>

#include <catch2/catch.hpp>
#include <functional>

#include "models/hex.h"
#include "tpm/codec/wire.h"

using namespace vtwin;
using namespace vtwin::models;

namespace {

bytes range(std::size_t count, unsigned first = 0) {
    bytes out(count);
    for (std::size_t i = 0; i < count; ++i)
        out[i] = static_cast<std::byte>(first + i);
    return out;
}

bytes sha1(byte_view data) {
    bytes digest(20);
    SHA1(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

struct memory_file : block_file_if {
    bytes content = bytes(2 << 20);
    unsigned writes = 0, flushes = 0;
    bool fail = false;
    std::function<void()> on_flush = [] {};
    std::uint64_t size() const override { return content.size(); }
    std::uint32_t sector_size() const override { return 512; }
    bool read(std::uint64_t offset, std::span<std::byte> out) override {
        if (fail)
            return false;
        std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
        return true;
    }
    bool write(std::uint64_t offset, byte_view data) override {
        ++writes;
        if (fail)
            return false;
        std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
        return true;
    }
    bool flush() override {
        ++flushes;
        on_flush();
        return !fail;
    }
};

/// The manager as far as the image is concerned: keeps 52 bytes, or answers a status.
struct record_keeper : tpm_transport_if {
    bytes record;
    std::uint32_t load_status = 0, save_status = 0;
    unsigned saves = 0;
    transport_result transmit(byte_view command) override {
        tpm::wire_reader in(command);
        REQUIRE(in.u16() == 0x01C1);
        REQUIRE(in.u32() == command.size());
        const auto ordinal = in.u32();
        tpm::wire_writer out;
        if (ordinal == 1) {
            REQUIRE(command.size() == 62);
            ++saves;
            if (save_status == 0)
                record = in.raw(52);
            out.u16(0x01C4).u32(10).u32(save_status);
        } else {
            REQUIRE(ordinal == 2);
            REQUIRE(command.size() == 10);
            const auto status = load_status != 0 ? load_status : record.empty() ? 3U : 0U;
            out.u16(0x01C4).u32(status == 0 ? 62 : 10).u32(status);
            if (status == 0)
                out.raw(record);
        }
        return {transport_error::none, out.take()};
    }
};

struct counting_entropy : tpm::entropy_if {
    unsigned next = 0;
    void fill(std::span<std::byte> out) override {
        for (auto& octet : out)
            octet = static_cast<std::byte>(next++);
    }
};

struct silent_services : stubdom_services_if {
    void charge(const sc_core::sc_time&) override {}
    void sleep(const sc_core::sc_time&) override {}
    void yield() override {}
    sc_core::sc_time now() const override { return {}; }
    void log(level, const std::string&) override {}
};

struct image_bench {
    memory_file disk;
    record_keeper manager;
    counting_entropy random;
    behaviour_set behaviours;
    software_costs costs;
    silent_services services;
    vtpmblk image{disk, manager, random, behaviours, costs, services};
    vtpmblk restarted() { return {disk, manager, random, behaviours, costs, services}; }
    std::uint32_t slot_length(int slot) {
        return tpm::wire_reader(byte_view(disk.content).subspan(static_cast<std::size_t>(slot) << 20)).u32();
    }
};

}  // namespace

TEST_CASE("vtpmblk blob equals the known answer") {
    const bytes key = range(32), random = range(12, 0x40), text = range(100);
    const bytes blob =
        encrypt_image(text, std::span<const std::byte, 32>(key), std::span<const std::byte, 12>(random));
    CHECK(blob.size() == 128);
    CHECK(to_hex(byte_view(blob).subspan(16, 16)) == "9ed05781793959eb2e8720181573e0a2");
    CHECK(to_hex(sha1(blob)) == "61aa4eae573e5204b7a15b090809d030b70bb368");
    CHECK(decrypt_image(blob, std::span<const std::byte, 32>(key)) == text);
}

TEST_CASE("vtpmblk refuses a blob whose length field exceeds it") {
    bytes blob(32);
    blob[15] = std::byte{17};
    const bytes key = range(32);
    CHECK_FALSE(decrypt_image(blob, std::span<const std::byte, 32>(key)));
    CHECK_FALSE(decrypt_image(range(31), std::span<const std::byte, 32>(key)));
}

TEST_CASE("vtpmblk alternates slots and finds the one that the manager names") {
    image_bench bench;
    bytes text;
    CHECK(bench.image.load(text) == image_error::manager_unknown_uuid);
    CHECK(bench.image.active_slot() == -1);
    REQUIRE(bench.image.save(range(6963)) == image_error::none);
    CHECK(bench.image.active_slot() == 0);
    CHECK(bench.slot_length(0) == 6992);
    CHECK(bench.disk.writes == 2);
    REQUIRE(bench.image.save(range(50)) == image_error::none);
    CHECK(bench.image.active_slot() == 1);
    CHECK(bench.disk.flushes == 0);

    auto again = bench.restarted();
    REQUIRE(again.load(text) == image_error::none);
    CHECK(text == range(50));
    CHECK(again.active_slot() == 1);
}

TEST_CASE("vtpmblk with a blank slot 0 hides slot 1 only when faithful") {
    image_bench bench;
    REQUIRE(bench.image.save(range(10)) == image_error::none);
    REQUIRE(bench.image.save(range(20)) == image_error::none);
    std::fill_n(bench.disk.content.begin(), 4, std::byte{0});
    bytes text;
    auto faithful = bench.restarted();
    CHECK(faithful.load(text) == image_error::bad_slot);
    CHECK(faithful.active_slot() == -1);
    bench.behaviours.set(behaviour::vtpm_slot0_bad_length_hides_slot1, true);
    auto hardened = bench.restarted();
    REQUIRE(hardened.load(text) == image_error::none);
    CHECK(text == range(20));
}

TEST_CASE("vtpmblk after a refused save overwrites the committed slot only when faithful") {
    for (const bool hardened : {false, true}) {
        image_bench bench;
        bench.behaviours.set(behaviour::vtpm_active_slot_flips_before_commit, hardened);
        REQUIRE(bench.image.save(range(10)) == image_error::none);
        bench.manager.save_status = 9;
        CHECK(bench.image.save(range(20)) == image_error::manager_refused);
        CHECK(bench.image.save(range(30)) == image_error::manager_refused);
        bytes text;
        auto again = bench.restarted();
        CHECK((again.load(text) == image_error::none) == hardened);
    }
}

TEST_CASE("vtpmblk flushes before it commits only when hardened") {
    image_bench bench;
    bench.behaviours.set(behaviour::vtpm_no_flush_before_savehashkey, true);
    bench.disk.on_flush = [&] { CHECK(bench.manager.saves == 0); };
    REQUIRE(bench.image.save(range(10)) == image_error::none);
    CHECK(bench.disk.flushes == 1);
}

TEST_CASE("vtpmblk tells a changed disk from a broken one and from a refusal") {
    image_bench bench;
    REQUIRE(bench.image.save(range(100)) == image_error::none);
    bench.disk.content[30] ^= std::byte{1};
    bytes text;
    // Slot 1 is blank: its impossible length is what ends a faithful search.
    CHECK(bench.restarted().load(text) == image_error::bad_slot);
    bench.disk.fail = true;
    CHECK(bench.restarted().load(text) == image_error::disk);
    CHECK(bench.image.save(range(1)) == image_error::disk);
    bench.disk.fail = false;
    bench.manager.load_status = 7;
    CHECK(bench.restarted().load(text) == image_error::manager_refused);
    CHECK(bench.image.save(bytes(1 << 20)) == image_error::too_large);
}

namespace {

/// A manager that stores what it is given and gives back 52 octets when the other 12 are zero.
struct roomy_keeper : tpm_transport_if {
    bytes record;
    transport_result transmit(byte_view command) override {
        tpm::wire_writer out;
        if (tpm::load_be32(command.subspan(6, 4)) == 1) {
            record.assign(command.begin() + 10, command.end());
            out.u16(0x01C4).u32(10).u32(0);
        } else {
            out.u16(0x01C4).u32(static_cast<std::uint32_t>(10 + record.size())).u32(0).raw(record);
        }
        return {transport_error::none, out.take()};
    }
};

}  // namespace

TEST_CASE("vtpmblk with SHA-256 fills the manager's record and finds its image by it") {
    image_bench world;
    roomy_keeper manager;
    const auto made = [&] {
        return vtpmblk(world.disk, manager, world.random, world.behaviours, world.costs, world.services,
                       record_form::sha256);
    };
    const bytes text = range(1000);
    vtpmblk image = made();
    REQUIRE(image.save(range(7)) == image_error::none);
    REQUIRE(image.save(text) == image_error::none);  // both slots hold an image
    REQUIRE(manager.record.size() == 64);
    bytes loaded;
    CHECK(made().load(loaded) == image_error::none);
    CHECK(loaded == text);
    const bytes good = manager.record;
    manager.record[31] ^= std::byte{1};  // the last octet of the hash
    CHECK(made().load(loaded) == image_error::hash_mismatch);
    // Records of other sizes: what a TPM 1.2 vTPM left, and what nobody leaves.
    manager.record = bytes(good.begin(), good.begin() + 52);
    CHECK(made().load(loaded) == image_error::hash_mismatch);
    manager.record = bytes(good.begin(), good.begin() + 63);
    CHECK(made().load(loaded) == image_error::manager_refused);
    // A TPM 1.2 vTPM takes 52 octets only.
    manager.record = good;
    vtpmblk older(world.disk, manager, world.random, world.behaviours, world.costs, world.services);
    CHECK(older.load(loaded) == image_error::manager_refused);
}

TEST_CASE("vtpmblk with SHA-256 takes no key whose end the manager would drop") {
    struct zeros_first final : tpm::entropy_if {
        unsigned drawn = 0;
        void fill(std::span<std::byte> out) override {
            std::ranges::fill(out, std::byte{drawn == 0 ? std::uint8_t{0} : std::uint8_t{5}});
            ++drawn;
        }
    } random;
    image_bench world;
    roomy_keeper manager;
    vtpmblk image(world.disk, manager, random, world.behaviours, world.costs, world.services,
                  record_form::sha256);
    REQUIRE(image.save(range(100)) == image_error::none);
    CHECK(manager.record.back() == std::byte{5});
    CHECK(random.drawn == 3);  // key, key again, IV
}
