#include <catch2/catch.hpp>

#include "scenarios/faults/disk_tap.h"
#include "tests/scenarios/faults/machine_bench.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

using bytes = std::vector<std::byte>;

bytes sectors_of(std::initializer_list<int> values) {
    bytes all;
    for (const int value : values)
        all.insert(all.end(), xen::sector_size, static_cast<std::byte>(value));
    return all;
}

/// The disk of a domain as its back end reaches it, and as it is.
struct disk_of {
    disk_of(machine_bench& bench, const std::string& domain)
        : front(bench.machine.block_backend().find(domain)->disk()),
          medium(tap_of_disk(bench.machine, domain)->medium()) {}
    bytes read(std::uint64_t sector, std::size_t count = 1) {
        bytes data(count * xen::sector_size);
        REQUIRE(front.read(sector, data));
        return data;
    }
    bytes stored(std::uint64_t sector, std::size_t count = 1) {
        bytes data(count * xen::sector_size);
        REQUIRE(medium.read(sector, data));
        return data;
    }
    xen::disk_if& front;
    xen::disk_if& medium;
};

std::size_t bits_that_differ(const bytes& a, const bytes& b) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        count += static_cast<std::size_t>(__builtin_popcount(std::to_integer<unsigned>(a[i] ^ b[i])));
    return count;
}

}  // namespace

TEST_CASE("a disk has a tap only when a fault or a counter asks for it") {
    machine_bench bench({}, {"v1.disk"});
    CHECK(tap_of_disk(bench.machine, "v1") != nullptr);
    CHECK(tap_of_disk(bench.machine, "admin") == nullptr);
    CHECK(tap_of_disk(bench.machine, "g1") == nullptr);
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(3, sectors_of({1, 2})));
    CHECK(disk.read(3, 2) == sectors_of({1, 2}));
    CHECK(disk.front.flush());
    (void)disk.front.service_time(xen::disk_operation::write, 8);
    (void)disk.front.sectors();
    CHECK(bench.faults.hub().find("v1.disk")->crossings() == 5);
}

TEST_CASE("a torn write stores a prefix") {
    trigger second;
    second.nth = 2;
    machine_bench bench({fault_of("disk.torn_write", "v1.disk", second, {{"keep", "2"}})});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(0, sectors_of({1, 1, 1})));
    CHECK(disk.stored(0, 3) == sectors_of({1, 1, 1}));
    CHECK(disk.front.write(0, sectors_of({2, 2, 2})));
    CHECK(disk.stored(0, 3) == sectors_of({2, 2, 1}));
    CHECK(disk.front.write(0, sectors_of({3, 3, 3})));
    CHECK(disk.stored(0, 3) == sectors_of({3, 3, 3}));
}

TEST_CASE("a shorn write stores the last bytes") {
    machine_bench bench(
        {fault_of("disk.torn_write", "v1.disk", {}, {{"part", "suffix"}, {"keep", "5"}, {"unit", "byte"}})});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(7, sectors_of({9})));
    auto expected = sectors_of({0});
    std::fill(expected.end() - 5, expected.end(), std::byte{9});
    CHECK(disk.stored(7) == expected);
}

TEST_CASE("a torn write may store any of its sectors") {
    machine_bench bench({fault_of("disk.torn_write", "v1.disk", {}, {{"part", "drawn"}})});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(0, bytes(64 * xen::sector_size, std::byte{1})));
    int stored = 0;
    for (std::uint64_t sector = 0; sector < 64; ++sector)
        stored += disk.stored(sector) == sectors_of({1}) ? 1 : 0;
    CHECK(stored > 10);
    CHECK(stored < 54);
}

TEST_CASE("a lost write is acknowledged") {
    machine_bench bench({fault_of("disk.lost_write", "v1.disk")});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(5, sectors_of({4})));
    CHECK(disk.stored(5) == sectors_of({0}));
    CHECK(disk.front.write(5, sectors_of({4})));
    CHECK(disk.stored(5) == sectors_of({4}));
}

TEST_CASE("misdirected accesses go to another place of the disk") {
    trigger write_once;
    machine_bench bench({fault_of("disk.misdirected_write", "v1.disk", write_once, {{"by", "3"}}),
                         fault_of("disk.misdirected_read", "admin.disk", write_once, {{"by", "1"}})});
    disk_of disk(bench, "v1");
    const auto last = disk.medium.sectors() - 1;
    CHECK(disk.front.write(last - 1, sectors_of({4})));  // around the end
    CHECK(disk.stored(1) == sectors_of({4}));
    CHECK(disk.stored(last - 1) == sectors_of({0}));

    disk_of other(bench, "admin");
    CHECK(other.front.write(8, sectors_of({1, 2})));
    CHECK(other.read(8) == sectors_of({2}));
    CHECK(other.read(8) == sectors_of({1}));
}

TEST_CASE("rot on the medium stays and hits only what is written") {
    trigger third;
    third.on = "v1.disk";
    third.where = {{"operation", "write"}};
    third.nth = 3;
    machine_bench bench(
        {fault_of("disk.bit_rot", "v1.disk", third, {{"bits", "2"}, {"first", "10"}}),
         fault_of("disk.bit_rot", "v1.disk", third, {{"first", "4"}, {"last", "4"}, {"bit", "9"}})});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(4, sectors_of({0xF0})));
    CHECK(disk.front.write(20, sectors_of({0x55, 0x66})));
    CHECK(disk.stored(4) == sectors_of({0xF0}));
    CHECK(disk.front.write(30, sectors_of({0})));
    auto rotten = sectors_of({0xF0});
    rotten[1] = std::byte{0xF2};
    CHECK(disk.read(4) == rotten);
    CHECK(bits_that_differ(disk.stored(20, 2), sectors_of({0x55, 0x66})) == 2);
    CHECK(disk.stored(20, 2) == disk.stored(20, 2));
}

TEST_CASE("rot of a read leaves the medium alone") {
    machine_bench bench({fault_of("disk.read_rot", "v1.disk", {}, {{"bits", "1"}})});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(0, sectors_of({7})));
    CHECK(bits_that_differ(disk.read(0), sectors_of({7})) == 1);
    CHECK(disk.read(0) == sectors_of({7}));
}

TEST_CASE("a reordered write is overtaken by the next") {
    machine_bench bench({fault_of("disk.reordered_write", "v1.disk", {}, {{"delay", "2 ms"}})});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(0, sectors_of({1})));
    CHECK(disk.stored(0) == sectors_of({0}));
    CHECK(disk.front.write(0, sectors_of({2})));
    sc_core::sc_start(milli(1.999));
    CHECK(disk.stored(0) == sectors_of({2}));
    sc_core::sc_start(milli(0.001));
    sc_core::sc_start(sc_core::sc_time(1, sc_core::SC_PS));
    CHECK(disk.stored(0) == sectors_of({1}));
}

TEST_CASE("a volatile cache loses what was not flushed when the power fails") {
    machine_bench bench({fault_of("disk.volatile_cache", "v1.disk", from_crossing(2, milli(1)))});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(0, sectors_of({1})));  // before it
    sc_core::sc_start(milli(1));
    CHECK(disk.front.write(1, sectors_of({2})));
    CHECK(disk.front.flush());
    CHECK(disk.front.write(1, sectors_of({3, 3})));
    CHECK(disk.stored(0, 3) == sectors_of({1, 2, 0}));
    CHECK(disk.read(0, 3) == sectors_of({1, 3, 3}));
    CHECK_FALSE(disk.front.write(disk.medium.sectors(), sectors_of({3})));
    sc_core::sc_start(milli(2));
    CHECK(bench.armed().over());
    CHECK(disk.read(0, 3) == sectors_of({1, 2, 0}));
}

TEST_CASE("after a flush that lies some of the sectors survive a power failure") {
    machine_bench bench(
        {fault_of("disk.lying_flush", "v1.disk", from_crossing(1, milli(1)), {{"survives", "50"}}),
         fault_of("disk.lying_flush", "admin.disk", from_crossing(1, milli(1)))});
    disk_of disk(bench, "v1"), other(bench, "admin");
    CHECK(disk.front.write(0, bytes(64 * xen::sector_size, std::byte{1})));
    CHECK(disk.front.flush());
    CHECK(other.front.write(0, sectors_of({1})));
    CHECK(other.front.flush());
    CHECK(disk.stored(0, 64) == bytes(64 * xen::sector_size));
    sc_core::sc_start(milli(2));
    int stored = 0;
    for (std::uint64_t sector = 0; sector < 64; ++sector)
        stored += disk.stored(sector) == sectors_of({1}) ? 1 : 0;
    CHECK(stored > 10);
    CHECK(stored < 54);
    CHECK(other.stored(0) == sectors_of({0}));
}

TEST_CASE("I/O errors come once or for good") {
    machine_bench bench({fault_of("disk.io_error", "v1.disk", {}),
                         fault_of("disk.read_only", "admin.disk", from_crossing(1))});
    disk_of disk(bench, "v1"), other(bench, "admin");
    bytes data(xen::sector_size);
    CHECK_FALSE(disk.front.read(0, data));
    CHECK(disk.front.read(0, data));
    CHECK(other.front.read(0, data));
    CHECK_FALSE(other.front.write(0, data));
    CHECK_FALSE(other.front.write(0, data));
    CHECK_FALSE(other.front.flush());
    CHECK(other.front.read(0, data));
}

TEST_CASE("a full image takes writes only where it holds something") {
    trigger late = from_crossing(2);
    machine_bench bench({fault_of("disk.full", "v1.disk", late)});
    disk_of disk(bench, "v1");
    CHECK(disk.front.write(0, sectors_of({1, 1})));
    CHECK(disk.front.write(0, sectors_of({2, 2})));
    CHECK_FALSE(disk.front.write(1, sectors_of({3, 3})));
    CHECK(disk.stored(0, 3) == sectors_of({2, 2, 0}));
}

TEST_CASE("a short disk says so and refuses what lies beyond its end") {
    machine_bench bench({fault_of("disk.short", "v1.disk", from_crossing(1), {{"sectors", "16"}})});
    disk_of disk(bench, "v1");
    bytes data(xen::sector_size);
    CHECK(disk.front.sectors() == 16);
    CHECK(disk.front.write(15, data));
    CHECK_FALSE(disk.front.write(16, data));
    bytes two(2 * xen::sector_size);
    CHECK_FALSE(disk.front.read(15, two));
    CHECK(disk.medium.sectors() > 16);
}

TEST_CASE("a slow disk needs longer for the accesses that the trigger names") {
    trigger second = from_crossing(2);
    second.where = {{"operation", "write_time"}};
    machine_bench bench({fault_of("disk.slow", "v1.disk", second, {{"by", "3 s"}})});
    disk_of disk(bench, "v1");
    const auto usual = disk.medium.service_time(xen::disk_operation::write, 4);
    CHECK(disk.front.service_time(xen::disk_operation::write, 4) == usual);
    CHECK(disk.front.service_time(xen::disk_operation::write, 4) == usual + milli(3000));
    CHECK(disk.front.service_time(xen::disk_operation::read, 4) ==
          disk.medium.service_time(xen::disk_operation::read, 4));
}

TEST_CASE("an image goes back by writes or by age") {
    trigger when;
    when.on = "v1.disk";
    when.where = {{"operation", "flush"}};
    machine_bench bench({fault_of("disk.rolled_back", "v1.disk", when, {{"writes", "1"}}),
                         fault_of("disk.rolled_back", "*.disk", at_time(milli(5)), {{"age", "3 ms"}})});
    disk_of disk(bench, "v1"), other(bench, "admin");
    CHECK(disk.front.write(0, sectors_of({1})));
    CHECK(other.front.write(0, sectors_of({1})));
    CHECK(disk.front.write(0, sectors_of({2, 2})));
    CHECK(disk.front.flush());
    CHECK(disk.stored(0, 2) == sectors_of({1, 0}));
    sc_core::sc_start(milli(3));
    CHECK(disk.front.write(0, sectors_of({4})));
    CHECK(other.front.write(0, sectors_of({4})));
    CHECK(other.front.write(1, sectors_of({4})));
    sc_core::sc_start(milli(3));
    CHECK(disk.stored(0, 2) == sectors_of({1, 0}));
    CHECK(other.stored(0, 2) == sectors_of({1, 0}));
}

TEST_CASE("images are exchanged or end early") {
    machine_bench bench({fault_of("disk.swapped", "v1.disk", at_time(milli(1)), {{"other", "admin.disk"}}),
                         fault_of("disk.erased", "admin.disk", at_time(milli(2)), {{"first", "1"}})},
                        {"admin.disk"});
    disk_of disk(bench, "v1"), other(bench, "admin");
    CHECK(disk.front.write(0, sectors_of({1, 1})));
    CHECK(other.front.write(1, sectors_of({2})));
    sc_core::sc_start(milli(1.5));
    CHECK(disk.stored(0, 2) == sectors_of({0, 2}));
    CHECK(other.stored(0, 2) == sectors_of({1, 1}));
    sc_core::sc_start(milli(1));
    CHECK(other.stored(0, 2) == sectors_of({1, 0}));
    CHECK(disk.stored(0, 2) == sectors_of({0, 2}));
}
