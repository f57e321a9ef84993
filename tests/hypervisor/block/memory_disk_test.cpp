#include "hypervisor/block/memory_disk.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

#include "tests/hypervisor/xenstore/ring_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {

std::vector<std::byte> filled(std::size_t sectors, int value) {
    return std::vector<std::byte>(sectors * sector_size, static_cast<std::byte>(value));
}

std::vector<std::byte> read(memory_disk& disk, std::uint64_t sector, std::size_t sectors) {
    std::vector<std::byte> data(sectors * sector_size, std::byte{0xEE});
    REQUIRE(disk.read(sector, data));
    return data;
}

}  // namespace

TEST_CASE("a disk keeps sectors and is blank elsewhere") {
    memory_disk disk(100 * sector_size - 1, store_costs());
    CHECK(disk.sectors() == 100);
    CHECK(disk.write(7, filled(3, 0x55)));
    CHECK(read(disk, 7, 3) == filled(3, 0x55));
    CHECK(read(disk, 6, 1) == filled(1, 0));
    CHECK(read(disk, 10, 90) == filled(90, 0));
    CHECK_FALSE(disk.write(98, filled(3, 1)));
    std::vector<std::byte> odd(100);
    CHECK_FALSE(disk.read(0, odd));
    auto two = filled(2, 0);
    CHECK_FALSE(disk.read(~std::uint64_t{0}, two));
    CHECK_FALSE(disk.read(99, two));
}

TEST_CASE("a volatile cache is read through and lost with the power unless flushed") {
    memory_disk disk(64 * sector_size, store_costs(), memory_disk::cache::volatile_write);
    CHECK(disk.write(1, filled(2, 1)));
    CHECK(disk.flush());
    CHECK(disk.write(2, filled(2, 2)));
    CHECK(read(disk, 2, 1) == filled(1, 2));
    CHECK(disk.cached_sectors() == 2);
    disk.power_loss();
    CHECK(read(disk, 1, 2) == filled(2, 1));
    CHECK(read(disk, 3, 1) == filled(1, 0));

    memory_disk safe(64 * sector_size, store_costs());
    CHECK(safe.write(2, filled(2, 2)));
    safe.power_loss();
    CHECK(read(safe, 2, 2) == filled(2, 2));
}

TEST_CASE("a disk tells how long it works") {
    memory_disk disk(64 * sector_size, store_costs());
    CHECK(disk.service_time(disk_operation::read, 8) == us(108));
    CHECK(disk.service_time(disk_operation::write, 1) == us(201));
    CHECK(disk.service_time(disk_operation::flush, 0) == us(1000));
}

TEST_CASE("an image file holds the medium") {
    const auto file = (std::filesystem::temp_directory_path() / "vtwin-memory-disk-test.img").string();
    memory_disk disk(20 * sector_size, store_costs(), memory_disk::cache::volatile_write);
    CHECK(disk.write(19, filled(1, 9)));
    CHECK(disk.flush());
    CHECK(disk.write(0, filled(1, 1)));  // only cached: not part of the image
    REQUIRE(disk.save(file));
    memory_disk copy(20 * sector_size, store_costs());
    REQUIRE(copy.load(file));
    CHECK(read(copy, 19, 1) == filled(1, 9));
    CHECK(read(copy, 0, 1) == filled(1, 0));
    memory_disk small_one(19 * sector_size, store_costs());
    CHECK_FALSE(small_one.load(file));
    std::remove(file.c_str());
    CHECK_FALSE(copy.load(file));
    CHECK_FALSE(disk.save("/nonexistent-directory/image"));
}
