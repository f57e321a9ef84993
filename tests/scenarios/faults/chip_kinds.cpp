// What faults do to the hardware TPM's answers, times, power, clock, memory and chance.
#include <utility>

#include "scenarios/faults/entropy_tap.h"
#include "scenarios/faults/nv_tap.h"
#include "tests/scenarios/faults/hardware_bench.h"

namespace vtwin::scenario::test {
namespace {

const std::string pcr_read_answer = "00c40000001e00000000";

std::uint32_t word_of(const std::string& answer, std::size_t octet) {
    return static_cast<std::uint32_t>(std::stoul(answer.substr(2 * octet, 8), nullptr, 16));
}

/// Counts up.
struct counting_octets final : tpm::entropy_if {
    void fill(std::span<std::byte> out) override {
        for (auto& octet : out)
            octet = std::byte(next++);
    }
    unsigned next = 0;
};

}  // namespace

TEST_CASE("a return code comes instead of a command or after it") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        t.arm("chip.code_instead", {}, {.where = {{"ordinal", "TPM_Extend"}}});
        t.arm("chip.code_after", {{"code", "number"}, {"number", "0x12345678"}},
              {.where = {{"ordinal", "TPM_Extend"}}, .nth = 2});
        CHECK(t(pcr_read_0) == pcr_read_answer + zero_digest);
        CHECK(t(extend_0) == "00c40000000a00000800");
        CHECK(pcr_0(t) == zero_digest);
        CHECK(t(extend_0) == "00c40000000a12345678");
        CHECK(pcr_0(t) != zero_digest);
        CHECK(t(extend_0).substr(0, 20) == pcr_read_answer);
    });
}

TEST_CASE("commands are told apart by ordinal and length and locality") {
    hardware_bench t;
    t.run([&] {
        auto& other = t.arm("chip.code_instead", {}, on_every({{"locality", "1..4"}}));
        auto& length = t.arm("chip.code_instead", {{"code", "TPM_FAIL"}}, on_every({{"length", "34"}}));
        t(startup);
        t(pcr_read_0);
        CHECK(t(extend_0) == "00c40000000a00000009");
        CHECK_FALSE(other.begun());
        CHECK(length.acted() == 1);
    });
}

TEST_CASE("a command takes a multiple of its time or a fixed one and the next its own") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        const sc_time usual(10, SC_MS);
        CHECK(t.time_of(pcr_read_0) == usual);
        t.arm("chip.duration_scaled", {{"permille", "5000"}});
        CHECK(t.time_of(pcr_read_0) == sc_time(50, SC_MS));
        CHECK(t.time_of(pcr_read_0) == usual);
        t.arm("chip.duration_fixed", {{"time", "2 s"}});
        CHECK(t.time_of(pcr_read_0) == sc_time(2000, SC_MS));
        CHECK(t.time_of(pcr_read_0) == usual);
    });
}

TEST_CASE("answers change in one bit or in length or in their header or are those before") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        t.arm("chip.answer_bit_flip", {{"octet", "10"}, {"mask", "0x80"}});
        CHECK(t(pcr_read_0) == pcr_read_answer + "80" + zero_digest.substr(2));
        t.arm("chip.answer_resized", {{"length", "12"}, {"header", "follows"}});
        CHECK(t(pcr_read_0) == "00c40000000c000000000000");
        t.arm("chip.answer_length_field", {{"value", "12"}});
        CHECK(t(pcr_read_0) == "00c40000000c000000000000");  // the host stops where the header says
        const auto random = t(get_random);
        t.arm("chip.stale_answer", {}, {.where = {{"ordinal", "TPM_Extend"}}});
        CHECK(t(extend_0) == random);
        CHECK(pcr_0(t) != zero_digest);  // executed all the same
        CHECK(t(pcr_read_0).substr(0, 20) == pcr_read_answer);
    });
}

TEST_CASE("an answer that is cut ends where it was cut") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        t.arm("chip.answer_resized", {{"length", "12"}});
        // This host does not look whether there is more: it reads what nobody drives.
        CHECK(t(pcr_read_0) == "00c40000001e000000000000" + std::string(36, 'f'));
    });
}

TEST_CASE("a time-out that the chip tells is another and its durations stay") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        const auto truth = t(get_timeouts);
        REQUIRE(truth.size() == 2 * 30);
        t.arm("chip.capability_lies", {{"index", "2"}, {"value", "77"}}, on_every());
        const auto lie = t(get_timeouts);
        for (std::size_t i = 0; i < 4; ++i)
            CHECK(word_of(lie, 14 + 4 * i) == (i == 2 ? 77 : word_of(truth, 14 + 4 * i)));
        const std::string get_durations = get_timeouts.substr(0, 36) + "00000120";
        CHECK(t(get_durations) == t.direct(get_durations));
    });
}

TEST_CASE("power goes before a command or before it is stored or after") {
    hardware_bench t;
    // TPM_PhysicalSetDeactivated(TRUE): a permanent flag, by physical presence.
    const std::string deactivate = "00c10000000b0000007201";
    const auto deactivated = [&] {
        // TPM_GetCapability(TPM_CAP_FLAG, permanent): disable, ownership, deactivated
        return t.direct("00c10000001600000065000000040000000400000108").substr(36, 2);
    };
    t.run([&] {
        t(startup);
        t.direct("00c10000000c4000000a0020");  // TSC_PhysicalPresence: command enabled
        t.direct("00c10000000c4000000a0008");  // present
        CHECK(deactivated() == "00");
        const auto lose = [&](const std::string& phase) {
            t.arm("chip.power_loss", {{"phase", phase}, {"startup", "clear"}});
            CHECK(t(deactivate).substr(0, 4) == "ffff");  // nobody drives the bus
            CHECK(t.hardware.tis().snapshot().active_locality == -1);
            t.set_access(0x02);
            t.direct("00c10000000c4000000a0008");
        };
        lose("before");
        CHECK(deactivated() == "00");
        lose("uncommitted");
        CHECK(deactivated() == "00");
        lose("committed");
        CHECK(deactivated() == "01");
    });
}

TEST_CASE("a PCR changes behind everybody's back") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        t.arm("chip.pcr_extended", {{"pcr", "0"}, {"digest", std::string(40, '1')}});
        sc_core::wait(sc_time(1, SC_MS));
        const auto changed = pcr_0(t);
        CHECK(changed != zero_digest);
        t.direct(extend_0);
        CHECK(pcr_0(t) != changed);
        CHECK(t.hub.find("tpm.chip")->crossings() == 1);
    });
}

TEST_CASE("sessions that another user took are not there for the owner") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        CHECK(t(oiap).substr(12, 8) == "00000000");
        t.arm("chip.handles_taken");
        sc_core::wait(sc_time(1, SC_MS));
        CHECK(t(oiap).substr(12, 8) == "00000015");  // TPM_RESOURCES
    });
}

TEST_CASE("the chip's clock stops and goes on and jumps and runs fast") {
    hardware_bench t;
    t.run([&] {
        const auto& clock = t.hardware.engine().clock();
        const auto now = [&] { return clock(); };
        const auto passed = [&] {
            const auto before = now();
            sc_core::wait(sc_time(100, SC_MS));
            return now() - before;
        };
        CHECK(passed() == 100'000'000);
        trigger a_while;
        a_while.at = sc_core::sc_time_stamp();
        a_while.duration = sc_time(150, SC_MS);
        t.arm("chip.clock_stopped", {}, a_while);
        sc_core::wait(sc_time(1, SC_US));
        CHECK(passed() == 0);
        CHECK(passed() == 50'001'000);
        CHECK(passed() == 100'000'000);
        t.arm("chip.clock_jumped", {{"step", "3 s"}});
        CHECK(passed() == 3'100'000'000);
        t.arm("chip.clock_jumped", {{"step", "2 s"}, {"direction", "back"}});
        CHECK(passed() == 100'000'000ull - 2'000'000'000ull);
        a_while.at = sc_core::sc_time_stamp();
        a_while.duration = sc_time(100, SC_MS);
        t.arm("chip.clock_drift", {{"rate", "1500000"}}, a_while);
        CHECK(passed() == 150'000'000);
        CHECK(passed() == 100'000'000);
    });
}

TEST_CASE("stores of the chip are lost or torn or damaged and loads give what was before") {
    hardware_bench t;
    struct : tpm::nv_if {
        std::optional<bytes> load(std::string_view) override { return blob; }
        bool store(std::string_view, tpm::byte_view from) override {
            blob = bytes(from.begin(), from.end());
            return true;
        }
        bool remove(std::string_view) override { return std::exchange(blob, {}).has_value(); }
        std::optional<bytes> blob;
    } memory;
    nv_tap nv(*t.hub.find("tpm.nv"), memory);
    const auto text = [](const std::optional<bytes>& blob) { return blob ? models::to_hex(*blob) : "none"; };
    const auto store = [&](const std::string& hex) { return nv.store("blob", *models::from_hex(hex)); };

    CHECK(text(nv.load("blob")) == "none");
    CHECK(store("00112233"));
    t.arm("chip_nv.torn_store", {{"octets", "2"}});
    CHECK(store("aabbccddee"));
    CHECK(text(memory.blob) == "aabb2233");
    t.arm("chip_nv.torn_store", {{"octets", "3"}});
    memory.remove("blob");
    CHECK(store("aabbccddee"));
    CHECK(text(memory.blob) == "aabbcc");
    t.arm("chip_nv.lost_store");
    CHECK(store("01"));
    CHECK(text(memory.blob) == "aabbcc");
    t.arm("chip_nv.lost_store", {{"reported", "yes"}});
    CHECK_FALSE(store("01"));
    CHECK(text(memory.blob) == "aabbcc");
    t.arm("chip_nv.bit_flip", {{"octet", "4"}, {"mask", "0x03"}});
    CHECK(store("000000"));
    CHECK(text(memory.blob) == "000300");
    t.arm("chip_nv.bit_flip", {{"mask", "0x80"}}, {.where = {{"operation", "load"}, {"path", "blob"}}});
    CHECK(text(nv.load("other")) == "000300");
    CHECK(text(nv.load("blob")) == "800300");
    CHECK(text(memory.blob) == "000300");
    CHECK(store("04"));
    t.arm("chip_nv.rolled_back");
    CHECK(text(nv.load("blob")) == "000300");
    CHECK(text(nv.load("blob")) == "04");
    t.arm("chip_nv.unreadable");
    CHECK(text(nv.load("blob")) == "none");
    CHECK(text(nv.load("blob")) == "04");
}

TEST_CASE("a chip that finds no memory takes itself for new") {
    hardware_bench t;
    auto& engine = t.hardware.engine();
    const auto made_ready = [&] {
        t.direct(startup);
        // TPM_GetCapability(TPM_CAP_FLAG, permanent)
        return t.direct("00c10000001600000065000000040000000400000108");
    };
    const auto before = made_ready();
    engine.power_cycle();
    CHECK(made_ready() == before);
    t.arm("chip_nv.unreadable", {}, {.where = {{"path", "permall"}}});
    engine.power_cycle();
    CHECK(engine.powered());
    CHECK(made_ready() != before);
}

TEST_CASE("random numbers with a period are those that came first again") {
    hardware_bench t;
    counting_octets source;
    entropy_tap entropy(*t.hub.find("tpm.entropy"), source);
    const auto draw = [&](std::size_t size) {
        bytes out(size);
        entropy.fill(out);
        return models::to_hex(out);
    };
    CHECK(draw(2) == "0001");
    t.arm("entropy.repeating", {{"period", "3"}}, on_every());
    CHECK(draw(2) == "0203");
    CHECK(draw(5) == "0402030402");
    CHECK(draw(1) == "03");
    CHECK(entropy.works());
}

TEST_CASE("random numbers are constant or repeat or fail") {
    hardware_bench t;
    t.run([&] {
        t(startup);
        const auto random = [&] { return t(get_random).substr(28); };
        const auto first = random();
        CHECK(first.size() == 32);
        auto& constant = t.arm("entropy.constant", {{"octet", "0x5A"}}, on_every());
        const auto same = random();
        CHECK(random() == same);
        CHECK(same != first);
        CHECK(constant.acted() >= 2);
        t.hub.disarm(constant);
        CHECK(random() != same);
        auto& failing = t.arm("entropy.failing", {}, on_every());
        CHECK(t(get_random).substr(12, 8) != "00000000");
        t.hub.disarm(failing);
        CHECK(t(get_random).substr(12, 8) != "00000000");  // failure mode: until the next start
    });
}

}  // namespace vtwin::scenario::test
