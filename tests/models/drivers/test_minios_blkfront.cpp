// blkfront against the real back end: which requests reach the disk, in which order, and what a disk error
// does.
#include "hypervisor/block/blkback.h"
#include "hypervisor/block/memory_disk.h"
#include "models/drivers/minios_blkfront.h"
#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;

namespace {

/// A disk that notes what it is asked and can fail.
struct noting_disk : xen::disk_if {
    explicit noting_disk(const xen::cost_profile& costs) : medium(1 << 20, costs) {}
    std::uint64_t sectors() const override { return medium.sectors(); }
    bool read(std::uint64_t sector, std::span<std::byte> out) override {
        log.push_back(fmt::format("r{}+{}", sector, out.size() / 512));
        return medium.read(sector, out);
    }
    bool write(std::uint64_t sector, std::span<const std::byte> data) override {
        log.push_back(fmt::format("w{}+{}", sector, data.size() / 512));
        return !failing && medium.write(sector, data);
    }
    bool flush() override {
        log.push_back("flush");
        return !failing && medium.flush();
    }
    sc_time service_time(xen::disk_operation what, std::uint32_t count) const override {
        return medium.service_time(what, count);
    }
    xen::memory_disk medium;
    lines log;
    bool failing = false;
};

struct disk_world {
    disk_world()
        : blkback("blkback", w.host, w.store),
          disk(machine_costs()),
          guest(w.add("guest", kernel_flavour::mini_os)),
          front(guest.os, w.behaviours) {
        blkback.add_disk("image", disk);
    }
    void run(std::function<void()> program) {
        guest.os.set_main([this, program] {
            REQUIRE(front.init());
            disk.log.clear();
            program();
            done = true;
            guest.os.sleep(ms(1000000));
        });
        w.run([&](xen::store_client& client) {
            const auto id = std::to_string(xen::to_underlying(w.create(client, guest)));
            const std::string f = "/local/domain/" + id + "/device/vbd/768";
            const std::string b = "/local/domain/0/backend/vbd/" + id + "/768";
            client.in_transaction([&](std::uint32_t tx) {
                client.mkdir(f, tx);
                client.set_perms(f, {"n" + id, "r0"}, tx);
                client.write(f + "/backend", b, tx);
                client.write(f + "/backend-id", "0", tx);
                client.write(f + "/state", "1", tx);
                client.write(f + "/virtual-device", "768", tx);
                client.mkdir(b, tx);
                client.set_perms(b, {"n0", "r" + id}, tx);
                client.write(b + "/frontend", f, tx);
                client.write(b + "/frontend-id", id, tx);
                client.write(b + "/params", "image", tx);
                client.write(b + "/mode", "w", tx);
                client.write(b + "/online", "1", tx);
                client.write(b + "/state", "1", tx);
                return true;
            });
            w.unpause(guest);
            sc_core::wait(ms(1000));
        });
        REQUIRE(done);
    }
    world w;
    xen::blkback blkback;
    noting_disk disk;
    guest_domain& guest;
    minios_blkfront front;
    bool done = false;
};

bytes pattern(std::size_t size) {
    bytes data(size);
    for (std::size_t i = 0; i < size; ++i) {
        data[i] = static_cast<std::byte>(i * 7 + i / 256);
    }
    return data;
}

}  // namespace

TEST_CASE("an image of 6996 bytes goes to the disk as 15 sector writes of which three read first") {
    disk_world d;
    d.run([&] {
        CHECK(d.front.size() == 1 << 20);
        CHECK(d.front.sector_size() == 512);
        CHECK(d.front.writable());
        CHECK(d.front.write(0, pattern(4)));     // the length
        CHECK(d.front.write(4, pattern(6992)));  // the blob
    });
    lines expected{"r0+1", "w0+1", "r0+1", "w0+1"};
    for (int sector = 1; sector < 13; ++sector) {
        expected.push_back(fmt::format("w{}+1", sector));
    }
    expected.push_back("r13+1");
    expected.push_back("w13+1");
    CHECK(d.disk.log == expected);
    CHECK(std::ranges::count_if(d.disk.log, [](const auto& l) { return l[0] == 'w'; }) == 15);
}

TEST_CASE("the hardened front end writes an unaligned image with one request") {
    disk_world d;
    d.w.behaviours.set(behaviour::blkfront_unaligned_io_split_per_sector, true);
    d.run([&] {
        CHECK(d.front.write(4, pattern(6992)));
        bytes back(6992);
        CHECK(d.front.read(4, back));
        CHECK(back == pattern(6992));
    });
    REQUIRE(d.disk.log.size() > 3);
    CHECK(lines(d.disk.log.begin(), d.disk.log.begin() + 3) == lines{"r0+1", "r13+1", "w0+14"});
}

TEST_CASE("what was written is read back at any offset and neighbours stay") {
    disk_world d;
    d.run([&] {
        CHECK(d.front.write(1000, pattern(1500)));
        CHECK(d.front.write(1700, bytes(3, std::byte{0xEE})));
        bytes back(1504);
        CHECK(d.front.read(998, back));
        bytes expected = pattern(1500);
        std::fill_n(expected.begin() + 700, 3, std::byte{0xEE});
        CHECK(back[0] == std::byte{0});
        CHECK(back[1503] == std::byte{0});
        CHECK(std::equal(expected.begin(), expected.end(), back.begin() + 2));
        CHECK(d.guest.os.grants().in_use() == 1);  // only the ring is granted any more
    });
}

TEST_CASE("whole pages at a sector boundary go out in requests of up to eleven pages") {
    disk_world d;
    d.run([&] {
        const bytes data = pattern(12 * 4096);
        CHECK(d.front.write(512, data));
        bytes back(data.size());
        CHECK(d.front.read(512, back));
        CHECK(back == data);
        CHECK(d.front.flush());
    });
    CHECK(d.disk.log.front() == "w1+88");
    CHECK(d.disk.log[1] == "w89+8");
    CHECK(d.disk.log.back() == "flush");
}

TEST_CASE("a disk error is dropped by the faithful front end") {
    disk_world d;
    d.disk.failing = true;
    d.run([&] {
        CHECK(d.front.write(0, pattern(512)));
        CHECK(d.front.flush());
        CHECK(d.guest.has_logged("blkfront: operation 1 at 0 failed"));
    });
}

TEST_CASE("a disk error reaches the caller of the hardened front end") {
    disk_world d;
    d.w.behaviours.set(behaviour::blkfront_status_dropped, true);
    d.disk.failing = true;
    d.run([&] {
        CHECK_FALSE(d.front.write(0, pattern(512)));
        CHECK_FALSE(d.front.flush());
        bytes out(512);
        CHECK(d.front.read(0, out));
    });
}

TEST_CASE("accesses beyond the disk are refused") {
    disk_world d;
    d.run([&] {
        bytes two(2);
        CHECK_FALSE(d.front.read((1 << 20) - 1, two));
        CHECK_FALSE(d.front.write(1 << 20, two));
        CHECK_FALSE(d.front.read(~std::uint64_t{0}, two));
        CHECK(d.disk.log.empty());
    });
}
