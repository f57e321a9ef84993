// The device through its bus: one command, and what software may rely on around it.
#include <catch2/catch.hpp>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {
using state_t = tis_state::fsm;
}

TEST_CASE("tis device answers a command over the bus after the chip's duration") {
    auto profile = plain_profile();
    profile.durations[0x14] = {
        .kind = duration_model::shape::constant, .base = sc_time(7, SC_MS), .scale = {}};
    bench b(profile);
    b.engine.next_reply = reply(30);
    const bool over = b.run([&] {
        CHECK(b.access(0) == 0x81);
        b.set_access(0, 0x02);
        CHECK(b.access(0) == 0xA1);
        CHECK(b.sts() == 0x00);
        b.set_sts(0x40);
        CHECK(b.sts() == 0x40);
        auto command = request(34, 0x14);
        const auto last = command.back();
        command.pop_back();
        b.cpu.send(command);
        CHECK(b.sts() == 0x88);
        b.cpu.send({last});
        CHECK(b.sts() == 0x80);
        CHECK(b.engine.calls.empty());
        b.set_sts(0x20);
        CHECK(b.sts() == 0x00);
        // tpmGo acted at the SYNC of its write: 5 clocks before the write ended, 18 before the read did.
        sc_core::wait(sc_time(7, SC_MS) - sc_time(18 * 30, SC_NS) - sc_time(9 * 30, SC_NS));
        CHECK(b.sts() == 0x00);  // SYNC one clock before the end of the command
        CHECK(b.sts() == 0x90);
        CHECK(b.cpu.receive(30) == reply(30));
        CHECK(b.sts() == 0x80);
        CHECK(b.cpu.receive(1) == bytes{std::byte{0xFF}});
        b.set_sts(0x40);
        CHECK(b.sts() == 0x00);
    });
    REQUIRE(over);
    REQUIRE(b.engine.calls.size() == 1);
    CHECK(b.engine.calls[0].command == request(34, 0x14));
    CHECK(b.engine.calls[0].locality == 0);
    REQUIRE(b.commands.seen.size() == 1);
    const auto& done = b.commands.seen[0];
    CHECK(done.ordinal == 0x14);
    CHECK(done.result == 0);
    CHECK(done.done - done.go == sc_time(7, SC_MS));
    // 42 cycles before tpmGo, 8 clocks into its own.
    CHECK(done.go == sc_time((42 * 13 + 8) * 30, SC_NS));
}

TEST_CASE("an observer of the chip gets command and response as they crossed the FIFO") {
    bench b(plain_profile());
    b.engine.next_reply = reply(30);
    struct listener final : tlm::tlm_analysis_if<chip_command> {
        void write(const chip_command& what) override {
            command.assign(what.command.begin(), what.command.end());
            response.assign(what.response.begin(), what.response.end());
        }
        bytes command, response;
    } heard;
    b.tpm.commands.bind(heard);
    REQUIRE(b.run([&] {
        b.set_access(0, 0x02);
        b.set_sts(0x40);
        b.cpu.send(request(12, 0x14));
        b.set_sts(0x20);
        sc_core::wait(sc_time(100, sc_core::SC_MS));
    }));
    CHECK(heard.command == request(12, 0x14));
    CHECK(heard.response == reply(30));
    b.tpm.commands.unbind(heard);
}

TEST_CASE("an observer of the chip is told who made each cycle and who let it execute") {
    bench b(plain_profile());
    REQUIRE(b.run([&] {
        b.cpu.master = 7;
        b.set_access(0, 0x02);
        b.set_sts(0x40);
        b.cpu.send(request(10, 0x14));
        b.set_sts(0x20);
        b.cpu.master.reset();  // somebody else looks while the chip works
        CHECK(b.access(1) == 0x81);
        sc_core::wait(sc_time(100, sc_core::SC_MS));
    }));
    REQUIRE(b.commands.seen.size() == 1);
    CHECK(b.commands.seen[0].master == 7U);
    CHECK(b.cycles.seen.front().master == 7U);
    CHECK_FALSE(b.cycles.seen.back().master);
}
