#include "traces/hop_log.h"

#include <catch2/catch.hpp>

#include "tests/traces/small_house.h"

using namespace vtwin;
using namespace vtwin::trace;
using namespace vtwin::test;

namespace {

class log_bench {
  public:
    std::optional<std::size_t> submit(double at, xen::domid_t front, xen::domid_t back, std::uint16_t tag,
                                      std::uint32_t code) {
        return log.ring_changed({ns(at), front, back, ring_state::submit, true, 34, 2, tag, code, {}, 0});
    }
    std::optional<std::size_t> finish(double at, xen::domid_t front, xen::domid_t back, double served,
                                      std::uint32_t result = 0, std::uint32_t length = 10) {
        log.served(front, back, ns(served));
        return log.ring_changed(
            {ns(at), front, back, ring_state::finish, true, length, 0, 0xC4, result, {}, 0});
    }
    std::size_t chip(double go, double done, xen::domid_t by = manager, std::uint32_t result = 0) {
        return log.chip_done("hardware", {ns(go), ns(done), 0x46, result, 1, {}, {}, xen::to_underlying(by)});
    }
    std::optional<std::size_t> idle(double at, xen::domid_t front, xen::domid_t back) {
        return log.ring_changed({ns(at), front, back, ring_state::idle, true, 10, 0, 0xC1, 0x15, {}, 0});
    }
    const hop& at(std::size_t number) const { return log.hops().at(number); }

    hop_log log{identify};
};

}  // namespace

TEST_CASE("a guest's command is followed through both rings to the chip and to nothing else") {
    log_bench b;
    const auto own_before = b.chip(100, 200);
    b.log.command_issued(guest, ns(1000), 0x16);
    const auto request = b.submit(1200, guest, vtpm, 0xC2, 0x16);
    const auto idle = b.chip(1300, 1400);  // before the manager took anything up
    const auto hash = b.submit(2000, vtpm, manager, 0x01C1, 1);
    const auto random = b.chip(2500, 4500);
    const auto again = b.chip(4600, 4700);
    CHECK(b.finish(6000, vtpm, manager, 2200) == hash);
    CHECK(b.finish(8000, guest, vtpm, 1500, 7) == request);
    b.log.command_returned(guest, ns(8700));
    const auto own_after = b.chip(9000, 9100);

    REQUIRE(request);
    REQUIRE(hash);
    const std::size_t call = 1;
    CHECK(b.at(call).kind == hop_kind::call);
    CHECK(b.at(call).command == "TPM_Quote");
    CHECK(b.at(call).begin_ps == 1'000'000);
    CHECK(b.at(call).end_ps == 8'700'000);
    CHECK(b.at(call).result == 7U);
    CHECK(b.at(*request).served_ps == 1'500'000);
    CHECK(b.at(*request).end_ps == 8'000'000);
    CHECK(b.at(*request).locality == 2);
    CHECK(b.at(*request).protocol == packet_protocol::tpm12);
    CHECK(b.at(*hash).command == "VTPM_SAVEHASHKEY");
    CHECK(b.at(*hash).protocol == packet_protocol::manager);
    CHECK(b.at(random).chip == "hardware");
    CHECK(b.at(random).from == manager);
    for (const std::size_t step : {call, *request, *hash, random, again}) {
        CAPTURE(step);
        CHECK(b.log.origin(step) == call);
    }
    CHECK(b.at(random).cause == hash);
    CHECK(b.at(*hash).cause == request);
    for (const std::size_t apart : {own_before, idle, own_after})
        CHECK(b.log.origin(apart) == apart);
}

TEST_CASE("what a back end asked for on its own behalf belongs to no request") {
    log_bench b;
    const auto load = b.submit(100, vtpm, manager, 0x01C1, 2);
    const auto read = b.chip(150, 160);
    b.finish(200, vtpm, manager, 120);
    const auto request = b.submit(300, guest, vtpm, 0xC1, 0x15);
    b.finish(400, guest, vtpm, 310);
    const auto next = b.submit(500, guest, vtpm, 0xC1, 0x15);
    CHECK(b.log.origin(read) == *load);
    CHECK_FALSE(b.at(*load).cause);
    CHECK_FALSE(b.at(*request).cause);
    CHECK_FALSE(b.at(*next).end_ps);
    CHECK_FALSE(b.at(*next).result);
}

TEST_CASE("a request that is cancelled or given up ends without a result") {
    log_bench b;
    const auto cancelled = b.submit(100, guest, vtpm, 0xC1, 0x15);
    CHECK_FALSE(
        b.log.ring_changed({ns(120), guest, vtpm, ring_state::cancel, true, 10, 0, 0xC1, 0x15, {}, 0}));
    CHECK_FALSE(b.at(*cancelled).end_ps);
    CHECK_FALSE(b.log.ring_changed({ns(150), guest, vtpm, ring_state::idle, true, 10, 0, 0xC1, 0x15, {}, 0}));
    CHECK(b.at(*cancelled).end_ps == 150'000);
    CHECK_FALSE(b.at(*cancelled).result);
    const auto given_up = b.submit(200, guest, vtpm, 0xC1, 0x15);
    const auto other = b.submit(300, guest, vtpm, 0xC1, 0x14);
    CHECK(b.at(*given_up).end_ps == 300'000);
    CHECK_FALSE(b.at(*given_up).result);
    CHECK(b.finish(400, guest, vtpm, 310, 0, 9) == other);  // an answer without a whole header
    CHECK_FALSE(b.at(*other).result);
    CHECK_FALSE(b.finish(500, guest, vtpm, 450));  // nobody asked
    CHECK_FALSE(b.log.ring_changed({ns(600), guest, vtpm, ring_state::submit, false, 10, 0, 0xC1, 1, {}, 0}));
}

TEST_CASE("the tag and the place of a packet say what it is") {
    log_bench b;
    const auto protocol = [&](xen::domid_t front, xen::domid_t back, std::uint16_t tag, std::uint32_t code) {
        const hop& made = b.at(*b.submit(1, front, back, tag, code));
        return made.command + ", " + name_of(made.protocol);
    };
    CHECK(protocol(guest, vtpm, 0xC3, 0x16) == "TPM_Quote, TPM 1.2");
    CHECK(protocol(guest, vtpm, 0x8001, 0x17E) == "TPM2_PCR_Read, TPM 2.0");
    CHECK(protocol(guest, vtpm, 0x8002, 0x20000016) == "VTPM_DeepQuote, TPM 2.0 with a vendor's command");
    CHECK(protocol(guest, vtpm, 0x01C1, 0x15) == "TPM_PCRRead, TPM 1.2 for the chip");
    CHECK(protocol(vtpm, manager, 0x01C1, 3) == "VTPM_GET_BOOT_HASH, vTPM to manager");
    CHECK(protocol(vtpm, manager, 0x01C2, 0x02000201) == "VTPM_LIST, management");
    CHECK(protocol(guest, vtpm, 0x1234, 1) == "0x00000001, unknown");
}

TEST_CASE("a chip's command is that of the domain whose driver sent it, whoever else the chip serves") {
    log_bench b;
    const driver_id tis(dom0, tpm_device::hardware);
    const auto hash = b.submit(1000, vtpm, manager, 0x01C1, 1);
    b.log.command_issued(dom0, ns(1050), 0x15);  // to its vTPM, at the same time
    b.log.command_issued(tis, ns(1100), 0x46);
    const std::size_t to_vtpm = 1, to_chip = 2;
    const auto own = b.chip(1200, 1300);
    const auto of_dom0 = b.chip(1400, 1500, dom0, 0x802);
    const auto again = b.chip(1600, 1700, dom0, 5);
    b.log.command_returned(tis, ns(1800));
    const auto later = b.chip(1850, 1900, dom0);
    const auto firmware = b.log.chip_done("hardware", {ns(1), ns(2), 0x99, 0, 0, {}, {}, {}});
    b.finish(2000, vtpm, manager, 1150);
    CHECK(b.at(own).from == manager);
    CHECK(b.at(own).cause == hash);
    for (const std::size_t each : {of_dom0, again}) {
        CHECK(b.at(each).from == dom0);
        CHECK(b.at(each).cause == to_chip);
    }
    CHECK(b.at(to_chip).device == tpm_device::hardware);
    CHECK(b.at(to_chip).result == 5U);
    CHECK(b.at(to_chip).end_ps == 1'800'000);
    CHECK_FALSE(b.at(to_vtpm).end_ps);
    CHECK(b.log.origin(later) == later);
    CHECK_FALSE(b.at(firmware).from);
    CHECK(b.log.origin(firmware) == firmware);
}

TEST_CASE("a chip's command that began before its driver's call is none of that call") {
    log_bench b;
    b.log.command_issued({dom0, tpm_device::hardware}, ns(1000), 0x46);
    const auto late = b.chip(900, 1100, dom0);
    CHECK(b.log.origin(late) == late);
    CHECK_FALSE(b.at(0).result);
}

TEST_CASE("a request that ends without an answer leaves what the back end does for another alone") {
    for (const bool cancelled : {true, false}) {
        CAPTURE(cancelled);
        log_bench b;
        const auto served = b.submit(1000, vtpm2, manager, 0x01C1, 1);
        const auto waiting = b.submit(1100, vtpm, manager, 0x01C1, 2);
        const auto first = b.chip(1200, 1300);
        if (cancelled)
            b.idle(1400, vtpm, manager);
        else
            b.submit(1400, vtpm, manager, 0x01C1, 2);
        const auto second = b.chip(1500, 1600);
        b.finish(2000, vtpm2, manager, 1050);
        CHECK(b.at(*waiting).end_ps == 1'400'000);
        for (const std::size_t each : {first, second})
            CHECK(b.at(each).cause == served);
    }
}

TEST_CASE("what a back end did for a request that its driver gave up belongs to it when the answer comes") {
    log_bench b;
    b.log.command_issued(guest, ns(100), 0x15);
    const auto request = b.submit(200, guest, vtpm, 0xC1, 0x15);
    b.log.command_returned(guest, ns(300));
    const auto asked = b.submit(400, vtpm, manager, 0x01C1, 1);
    b.finish(600, vtpm, manager, 450);
    CHECK(b.finish(700, guest, vtpm, 250) == request);
    CHECK(b.at(*asked).cause == request);
    CHECK(b.at(*request).result == 0U);
    CHECK_FALSE(b.at(0).result);  // the driver has seen none
}

TEST_CASE("what a vTPM executes stands between its guest's request and its own") {
    log_bench b;
    const auto packet = std::vector<std::byte>{std::byte{0x80}, std::byte{0x01}};
    b.log.engine_done(vtpm, {ns(10), ns(20), 0x99, 0, 0, {}, {}, {}});  // while it starts
    const auto request = b.submit(1000, guest, vtpm, 0x8001, 0x158);
    b.log.engine_done(vtpm, {ns(1100), ns(1400), 0x158, 3, 2, packet, {}, {}});
    const std::size_t start = 0, executed = 2;
    b.finish(2000, guest, vtpm, 1050);
    CHECK(b.at(executed).kind == hop_kind::engine);
    CHECK(b.at(executed).from == vtpm);
    CHECK(b.at(executed).cause == request);
    CHECK(b.at(executed).command == "TPM2_Quote");
    CHECK(b.at(executed).protocol == packet_protocol::tpm20);
    CHECK(b.at(executed).result == 3U);
    CHECK(b.at(executed).locality == 2);
    CHECK(b.at(executed).begin_ps == 1'100'000);
    CHECK(b.at(executed).end_ps == 1'400'000);
    CHECK(b.log.origin(start) == start);
}

TEST_CASE("a driver's call has the name that its request turns out to have") {
    log_bench b;
    b.log.command_issued(dom0, ns(100), 0x02000102);
    b.submit(200, dom0, vtpm, 0x01C2, 0x02000102);
    CHECK(b.at(0).command == "GROUP_NEW");
}
