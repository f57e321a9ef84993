#include "hypervisor/block/blkback.h"

#include <catch2/catch.hpp>

#include "hypervisor/block/memory_disk.h"
#include "tests/hypervisor/toolstack/toolstack_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {

constexpr gfn_t ring_gfn{8}, data_gfn{9};
constexpr grant_ref ring_ref{8}, data_ref{9}, read_only_ref{10}, absent_ref{11};

struct done_recorder : tlm::tlm_analysis_if<block_request_done> {
    void write(const block_request_done& what) override { all.push_back(what); }
    std::vector<block_request_done> all;
};

/// A frontend by hand: one page of data, requests one at a time or in a batch.
struct hand_frontend {
    guest& me;
    evtchn_port port{};
    std::uint32_t req_prod = 0, rsp_cons = 0;

    guest_addr ring() const { return address_of(ring_gfn); }
    /// XenBus part through a tool of dom0: the keys that a frontend publishes.
    void publish(store_client& tool, const std::string& directory) {
        me.grant(ring_ref, dom0, ring_gfn);
        me.grant(data_ref, dom0, data_gfn);
        me.grant(read_only_ref, dom0, data_gfn, true);
        me.store<std::uint32_t>(ring() + blkif::ring::req_event, 1);
        me.store<std::uint32_t>(ring() + blkif::ring::rsp_event, 1);
        me.call().evtchn_alloc_unbound(domid_self, dom0, port);
        tool.write(directory + "/ring-ref", "8");
        tool.write(directory + "/event-channel", std::to_string(to_underlying(port)));
        tool.write(directory + "/protocol", "x86_64-abi");
        tool.write(directory + "/state", "3");
    }
    void fill(int value) {
        std::vector<std::byte> page_of(page_size, static_cast<std::byte>(value));
        REQUIRE(me.memory().write(address_of(data_gfn), page_of));
    }
    std::uint8_t at(std::size_t offset) { return me.load<std::uint8_t>(address_of(data_gfn) + offset); }
    void put(const blkif::request& request) {
        REQUIRE(me.memory().write(ring() + blkif::ring::entry(req_prod), blkif::encode(request)));
        me.store<std::uint32_t>(ring() + blkif::ring::req_prod, ++req_prod);
    }
    blkif::response take() {
        while (me.load<std::uint32_t>(ring() + blkif::ring::rsp_prod) == rsp_cons) {
            me.store<std::uint32_t>(ring() + blkif::ring::rsp_event, rsp_cons + 1);
            me.cpu().block(sc_time_stamp() + ms(100));
        }
        std::array<std::byte, blkif::response::size> wire;
        REQUIRE(me.memory().read(ring() + blkif::ring::entry(rsp_cons++), wire));
        return blkif::decode_response(wire);
    }
    std::int16_t ask(const blkif::request& request) {
        put(request);
        me.call().evtchn_send(port);
        const auto response = take();
        CHECK(response.id == request.id);
        CHECK(response.operation == request.operation);
        return response.status;
    }
};

blkif::request transfer(std::uint8_t operation, std::uint64_t sector, std::uint8_t first, std::uint8_t last,
                        grant_ref ref = data_ref) {
    blkif::request request{
        .operation = operation, .nr_segments = 1, .id = 1000 + sector, .sector_number = sector};
    request.seg[0] = {ref, first, last};
    return request;
}

struct block_bench : toolstack_bench {
    explicit block_bench(memory_disk::cache mode = memory_disk::cache::none)
        : back("blkback", host, store), medium(64 * sector_size, host.costs(), mode), tool(store, "tool") {
        back.add_disk("disk1", medium);
        back.request_done.bind(done);
    }
    /// Creates the domain with its disk; `body` runs in it once blkback is connected.
    void run_frontend(std::function<void(hand_frontend&)> body, bool writable = true) {
        program.emplace(guest, [this, body](test::guest& me) {
            me.take_upcalls();
            hand_frontend frontend{me};
            frontend.publish(tool, fe);
            while (tool.read(be + "/state").text != "4")
                me.cpu().block(sc_time_stamp() + ms(1));
            body(frontend);
            ran = true;
        });
        run([&] {
            auto spec = toolstack_bench::spec();
            spec.vtpms.clear();
            spec.disks = {{"disk1", "hda", writable}};
            REQUIRE(xl.create(guest, spec));
        });
        CHECK(ran);
    }
    static inline const std::string fe = "/local/domain/1/device/vbd/768",
                                    be = "/local/domain/0/backend/vbd/1/768";
    done_recorder done;
    blkback back;
    memory_disk medium;
    store_client tool;
    std::optional<test::guest> program;
    bool ran = false;
};

}  // namespace

TEST_CASE("block requests and responses have the x86_64 layout") {
    blkif::request request{.operation = 1,
                           .nr_segments = 2,
                           .handle = 0x0203,
                           .id = 0x1122334455667788,
                           .sector_number = 0xAABBCCDD};
    request.seg[1] = {grant_ref{0x01020304}, 3, 7};
    const auto wire = blkif::encode(request);
    const auto byte = [&](std::size_t at) { return std::to_integer<int>(wire[at]); };
    CHECK(wire.size() == 112);
    CHECK(byte(0) == 1);
    CHECK(byte(1) == 2);
    CHECK(byte(2) == 0x03);
    CHECK(byte(8) == 0x88);
    CHECK(byte(15) == 0x11);
    CHECK(byte(16) == 0xDD);
    CHECK(byte(32) == 0x04);
    CHECK(byte(36) == 3);
    CHECK(byte(37) == 7);
    const auto back = blkif::decode_request(wire);
    CHECK(back.id == request.id);
    CHECK(back.seg[1].gref == grant_ref{0x01020304});
    const auto answer = blkif::encode(blkif::response{5, 3, -1});
    CHECK(std::to_integer<int>(answer[8]) == 3);
    CHECK(std::to_integer<int>(answer[10]) == 0xFF);
    CHECK(blkif::decode_response(answer).status == -1);
    CHECK(blkif::ring::entry(0) == 64);
    CHECK(blkif::ring::entry(33) == 64 + 112);
}

TEST_CASE("blkback walks a disk through XenBus") {
    block_bench bench;
    bench.run_frontend([&](hand_frontend&) {
        const auto key = [&](const char* name) { return bench.tool.read(block_bench::be + "/" + name).text; };
        CHECK(key("params") == "disk1");
        CHECK(key("mode") == "w");
        CHECK(key("device-type") == "disk");
        CHECK(key("feature-flush-cache") == "1");
        CHECK(key("feature-barrier") == "1");
        CHECK(key("sectors") == "64");
        CHECK(key("sector-size") == "512");
        CHECK(key("info") == "0");
        CHECK(bench.back.find("disk1")->connected());
        // The closing of a mini-os frontend, which ends ready for a second start.
        const std::pair<const char*, const char*> walk[] = {{"5", "5"}, {"6", "6"}, {"1", "2"}};
        for (const auto& [said, answered] : walk) {
            bench.tool.write(block_bench::fe + "/state", said);
            sc_core::wait(ms(1));
            CHECK(key("state") == answered);
        }
        CHECK_FALSE(bench.back.find("disk1")->connected());
        bench.tool.write(block_bench::fe + "/state", "4");
        sc_core::wait(ms(5));
        CHECK(key("state") == "4");  // the port has stayed reserved for dom0: it can be bound again
        CHECK(bench.back.find("disk1")->connected());
        // A reference that is not granted is not connected to.
        bench.tool.write(block_bench::fe + "/state", "6");
        bench.tool.write(block_bench::fe + "/ring-ref", "11");
        bench.tool.write(block_bench::fe + "/state", "3");
        sc_core::wait(ms(5));
        CHECK(key("state") == "5");
        CHECK_FALSE(bench.back.find("disk1")->connected());
    });
}

TEST_CASE("blocks are written and read at exact times") {
    block_bench bench;
    bench.run_frontend([&](hand_frontend& disk) {
        disk.fill(0x5A);
        disk.put(transfer(blkif::op_write, 10, 2, 4));
        disk.me.call().evtchn_send(disk.port);
        const auto rung = sc_time_stamp();
        CHECK(disk.take().status == blkif::rsp_okay);
        REQUIRE(bench.done.all.size() == 1);
        CHECK(bench.done.all[0].submitted == rung + us(3) + us(11));             // upcall, back end
        CHECK(bench.done.all[0].completed == rung + us(14) + us(203) + us(11));  // disk, back end
        CHECK(bench.done.all[0].write);
        CHECK(bench.done.all[0].sectors == 3);
        CHECK(bench.done.all[0].sector == 10);

        disk.fill(0);
        CHECK(disk.ask(transfer(blkif::op_read, 11, 7, 7)) == blkif::rsp_okay);
        CHECK(disk.at(7 * 512) == 0x5A);
        CHECK(disk.at(7 * 512 + 511) == 0x5A);
        CHECK(disk.at(7 * 512 - 1) == 0);
        CHECK(disk.ask(transfer(blkif::op_read, 13, 0, 0)) == blkif::rsp_okay);
        CHECK(disk.at(0) == 0);
        CHECK(bench.done.all[1].completed - bench.done.all[1].submitted == us(101) + us(11));
    });
}

TEST_CASE("the disk does one request after the other") {
    block_bench bench;
    bench.run_frontend([&](hand_frontend& disk) {
        for (std::uint64_t i = 0; i < 32; ++i)
            disk.put(transfer(blkif::op_read, i, 0, 0));
        disk.me.call().evtchn_send(disk.port);
        for (std::uint64_t i = 0; i < 32; ++i)
            CHECK(disk.take().id == 1000 + i);
        for (std::size_t i = 0; i < 32; ++i)
            CHECK(bench.done.all[i].completed - bench.done.all[0].submitted == (i + 1) * us(101) + us(11));
        CHECK(disk.ask(transfer(blkif::op_read, 40, 0, 0)) == blkif::rsp_okay);  // the ring has wrapped
    });
}

TEST_CASE("flush and barrier make cached blocks durable") {
    block_bench bench(memory_disk::cache::volatile_write);
    bench.run_frontend([&](hand_frontend& disk) {
        disk.fill(1);
        CHECK(disk.ask(transfer(blkif::op_write, 0, 0, 0)) == blkif::rsp_okay);
        CHECK(bench.medium.cached_sectors() == 1);
        const auto before = bench.done.all.size();
        CHECK(disk.ask({.operation = blkif::op_flush_diskcache, .id = 7}) == blkif::rsp_okay);
        CHECK(bench.medium.cached_sectors() == 0);
        CHECK(bench.done.all[before].flush);
        CHECK(bench.done.all[before].completed - bench.done.all[before].submitted == us(1000) + us(11));
        CHECK(disk.ask(transfer(blkif::op_write_barrier, 1, 0, 0)) == blkif::rsp_okay);
        CHECK(bench.medium.cached_sectors() == 0);
        CHECK(disk.ask(transfer(blkif::op_write, 2, 0, 0)) == blkif::rsp_okay);
        bench.medium.power_loss();
        disk.fill(9);
        CHECK(disk.ask(transfer(blkif::op_read, 0, 0, 2)) == blkif::rsp_okay);
        CHECK(disk.at(0) == 1);
        CHECK(disk.at(512) == 1);
        CHECK(disk.at(1024) == 0);
    });
}

TEST_CASE("bad block requests are answered with an error and touch nothing") {
    block_bench bench;
    bench.run_frontend([&](hand_frontend& disk) {
        disk.fill(0x77);
        const auto refused = [&](const blkif::request& request, std::int16_t status = blkif::rsp_error) {
            CHECK(disk.ask(request) == status);
            CHECK(bench.done.all.back().completed - bench.done.all.back().submitted == us(11));
        };
        refused(transfer(blkif::op_write, 0, 0, 0, absent_ref));
        refused(transfer(blkif::op_write, 0, 0, 0, grant_ref{5000}));
        refused(transfer(blkif::op_read, 0, 0, 0, read_only_ref));
        refused(transfer(blkif::op_write, 0, 0, 8));
        refused(transfer(blkif::op_write, 0, 3, 2));
        refused(transfer(blkif::op_write, 63, 0, 1));
        refused(transfer(blkif::op_read, ~std::uint64_t{0}, 0, 0));
        refused(transfer(9, 0, 0, 0), blkif::rsp_eopnotsupp);
        auto many = transfer(blkif::op_write, 0, 0, 0);
        many.nr_segments = 12;
        refused(many);
        many.nr_segments = 0;
        refused(many);
        CHECK(disk.ask(transfer(blkif::op_write, 5, 0, 0, read_only_ref)) ==
              blkif::rsp_okay);  // reading it will do
        CHECK(disk.ask(transfer(blkif::op_write, 63, 0, 0)) == blkif::rsp_okay);
        CHECK((disk.me.flags(data_ref) & (gtf::reading | gtf::writing)) == 0);  // nothing stays mapped
        CHECK((disk.me.flags(read_only_ref) & (gtf::reading | gtf::writing)) == 0);
    });
    const auto content = bench.medium.content();
    CHECK(content[0] == std::byte{0});
    CHECK(content[5 * 512] == std::byte{0x77});
}

TEST_CASE("a read-only disk refuses writes") {
    block_bench bench;
    bench.run_frontend(
        [&](hand_frontend& disk) {
            CHECK(bench.tool.read(block_bench::be + "/info").text == "4");
            CHECK(disk.ask(transfer(blkif::op_write, 0, 0, 0)) == blkif::rsp_error);
            CHECK(disk.ask({.operation = blkif::op_flush_diskcache, .id = 7}) == blkif::rsp_error);
            CHECK(disk.ask(transfer(blkif::op_read, 0, 0, 0)) == blkif::rsp_okay);
        },
        false);
}

TEST_CASE("a producer index beyond the block ring ends its service") {
    block_bench bench;
    bench.run_frontend([&](hand_frontend& disk) {
        disk.me.store<std::uint32_t>(disk.ring() + blkif::ring::req_prod, 33);
        disk.me.call().evtchn_send(disk.port);
        disk.me.cpu().block(sc_time_stamp() + ms(10));
        CHECK_FALSE(bench.back.find("disk1")->ring_intact());
        CHECK(disk.me.load<std::uint32_t>(disk.ring() + blkif::ring::rsp_prod) == 0);
        CHECK(bench.done.all.empty());
    });
}

TEST_CASE("destroying the domain frees its disk for the next one") {
    block_bench bench;
    bench.run([&] {
        auto spec = toolstack_bench::spec();
        spec.vtpms.clear();
        spec.disks = {{"nothing-of-the-kind"}};
        CHECK_FALSE(bench.xl.create(bench.guest, spec));  // blkback knows no such disk
        spec.disks = {{"disk1"}};
        REQUIRE(bench.xl.create(bench.guest, spec));
        CHECK(bench.store.tree().find("/local/domain/0/backend/vbd/2/768") != nullptr);
        const auto before = sc_time_stamp();
        CHECK(bench.xl.destroy(bench.guest));
        CHECK(sc_time_stamp() - before < ms(20));
        CHECK(bench.store.tree().find("/local/domain/0/backend/vbd") == nullptr);
        CHECK(bench.xl.create(bench.guest, spec));
    });
}
