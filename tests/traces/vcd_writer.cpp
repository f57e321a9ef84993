#include "traces/vcd_writer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <sstream>

#include "tests/traces/vcd_text.h"

using namespace vtwin::trace;
using vtwin::test::parse_vcd;
using vtwin::test::vcd_text;

namespace {

sc_core::sc_time ps(double count) {
    return sc_core::sc_time(count, sc_core::SC_PS);
}

std::string finished(vcd_writer& writer) {
    std::ostringstream out;
    REQUIRE(writer.finish(out));
    return out.str();
}

}  // namespace

TEST_CASE("a small waveform has exactly these bytes") {
    vcd_writer vcd;
    const auto state = vcd.add_text("machine.tpm.state");
    const auto sts = vcd.add_wire("machine.tpm.sts", 8);
    const auto busy = vcd.add_wire("machine.bus.busy", 1);
    vcd.set(ps(0), busy, 0);
    vcd.set(ps(10), state, "Ready");
    vcd.set(ps(10), sts, 0x40);
    vcd.set(ps(10), sts, 0x40);  // no change, no line
    vcd.advance(ps(30));
    vcd.set(ps(30), busy, 1);
    vcd.clear(ps(30), sts);
    CHECK(finished(vcd) ==
          "$version vtpm-twin $end\n"
          "$timescale 1 ps $end\n"
          "$scope module machine $end\n"
          "$scope module tpm $end\n"
          "$var string 1 ! state $end\n"
          "$var wire 8 \" sts [7:0] $end\n"
          "$upscope $end\n"
          "$scope module bus $end\n"
          "$var wire 1 # busy $end\n"
          "$upscope $end\n"
          "$upscope $end\n"
          "$enddefinitions $end\n"
          "#0\n"
          "$dumpvars\n"
          "s- !\n"
          "bx \"\n"
          "x#\n"
          "$end\n"
          "0#\n"
          "#10\n"
          "sReady !\n"
          "b1000000 \"\n"
          "#30\n"
          "1#\n"
          "bz \"\n");
}

TEST_CASE("changes reported ahead of time come out in order") {
    vcd_writer vcd;
    const auto a = vcd.add_wire("t.a", 8), b = vcd.add_wire("t.b", 8);
    vcd.set(ps(50), a, 1);
    vcd.set(ps(20), b, 2);
    vcd.advance(ps(30));
    vcd.set(ps(30), a, 3);
    vcd.set(ps(10), b, 4);  // too late: moved to what was promised
    vcd.advance(ps(100));
    vcd.set(ps(100), b, 5);
    const vcd_text text = parse_vcd(finished(vcd));
    REQUIRE(text.good);
    CHECK(text.history("t.a") == "0=x 30=00000011 50=00000001");
    CHECK(text.history("t.b") == "0=x 20=00000010 30=00000100 100=00000101");
}

TEST_CASE("a waveform ends with the simulation") {
    vcd_writer vcd;
    vcd.set(ps(5), vcd.add_wire("t.a", 1), 1);
    vcd.advance(ps(900));
    CHECK(finished(vcd).ends_with("#5\n1!\n#900\n"));
}

TEST_CASE("a change back within one moment leaves the last value") {
    vcd_writer vcd;
    const auto a = vcd.add_wire("t.a", 1);
    vcd.set(ps(5), a, 1);
    vcd.set(ps(5), a, 0);
    vcd.set(ps(7), a, 0);
    const vcd_text text = parse_vcd(finished(vcd));
    REQUIRE(text.good);
    CHECK(text.at("t.a", 6) == "0");
    CHECK(text.history("t.a").find("7=") == std::string::npos);
}

TEST_CASE("wires are cut to their width and go up to 64 bits") {
    vcd_writer vcd;
    const auto narrow = vcd.add_wire("t.narrow", 4);
    const auto wide = vcd.add_wire("t.wide", 64);
    vcd.set(ps(1), narrow, 0x1F);
    vcd.set(ps(1), wide, ~std::uint64_t{0});
    const vcd_text text = parse_vcd(finished(vcd));
    REQUIRE(text.good);
    CHECK(text.at("t.narrow", 1) == "1111");
    CHECK(text.at("t.wide", 1) == std::string(64, '1'));
}

TEST_CASE("words cannot break the file") {
    vcd_writer vcd;
    const auto word = vcd.add_text("t.a word");
    vcd.set(ps(1), word, "two words\n#9");
    vcd.set(ps(2), word, "");
    const vcd_text text = parse_vcd(finished(vcd));
    REQUIRE(text.good);
    CHECK(text.history("t.a_word") == "0=- 1=two_words_#9 2=-");
}

TEST_CASE("signals may be declared late and by the thousand") {
    vcd_writer vcd;
    std::vector<vcd_writer::signal> signals;
    for (int i = 0; i < 9100; ++i) {
        signals.push_back(vcd.add_wire("t.s" + std::to_string(i), 16));
        vcd.advance(ps(i));
        vcd.set(ps(i), signals.back(), static_cast<std::uint64_t>(i));
    }
    const vcd_text text = parse_vcd(finished(vcd));
    REQUIRE(text.good);  // every identifier is its own
    CHECK(text.at("t.s93", 93) == "0000000001011101");
    CHECK(text.at("t.s94", 94) == "0000000001011110");
    CHECK(text.at("t.s9099", 9099) == "0010001110001011");
    CHECK(text.at("t.s9099", 9098) == "x");
}

TEST_CASE("a waveform larger than the buffer is kept whole") {
    vcd_writer vcd;
    const auto a = vcd.add_wire("t.a", 32);
    for (int i = 1; i <= 100000; ++i) {
        vcd.advance(ps(i));
        vcd.set(ps(i), a, static_cast<std::uint64_t>(i));
    }
    const std::string all = finished(vcd);
    CHECK(all.size() > (1u << 20));
    const vcd_text text = parse_vcd(all);
    REQUIRE(text.good);
    CHECK(text.changes("t.a") == 100001);
    CHECK(text.at("t.a", 65536) ==
          "0000000000000001"
          "0000000000000000");
}

TEST_CASE("a copy of the process leaves the waveform of the first one alone") {
    const auto count = [](vcd_writer& vcd, vcd_writer::signal signal, int from, int to) {
        for (int i = from; i <= to; ++i) {
            vcd.advance(ps(i));
            vcd.set(ps(i), signal, static_cast<std::uint64_t>(i));
        }
    };
    const auto write = [&](bool with_copy) {
        vcd_writer vcd;
        const auto a = vcd.add_wire("t.a", 32);
        count(vcd, a, 1, 100000);
        const pid_t copy = with_copy ? ::fork() : 1;
        REQUIRE(copy >= 0);
        if (copy == 0) {
            count(vcd, a, 100001, 200000);
            ::_exit(0);
        }
        if (with_copy)
            ::waitpid(copy, nullptr, 0);
        count(vcd, a, 100001, 150000);
        return finished(vcd);
    };
    CHECK(write(true) == write(false));
}

TEST_CASE("the same changes make the same file and no date") {
    const auto make = [] {
        vcd_writer vcd;
        vcd.set(ps(3), vcd.add_wire("t.a", 2), 2);
        std::ostringstream out;
        vcd.finish(out);
        return out.str();
    };
    CHECK(make() == make());
    CHECK(make().find("$date") == std::string::npos);
}
