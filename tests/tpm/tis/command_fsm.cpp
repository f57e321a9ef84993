// The command state machine cell by cell, then under each profile that changes cells.
#include "tpm/tis/command_fsm.h"

#include <catch2/catch.hpp>
#include <map>
#include <sstream>
#include <string>

#include "tests/tpm/tis/bench.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::testing;

namespace {

using state_t = tis_state::fsm;

// The normative table: one line per state, in words.
const char* const normative = R"(
state CR GO RR CC WF WL RF RL DONE LOC INIT
I     R  I  I  I  I  -  I  -  -    I   I
R     R  R  R  R  C1 -  R  -  -    I   I
C1    I  C1 C1 C1 C1 C0 C1 -  -    I   I
C0    I  X  C0 C0 C0 -  C0 -  -    I   I
X     I  X  X  X  X  -  X  -  D1   I   I
D1    I  D1 D1 D1 D1 -  D1 D0 -    I   I
D0    I  D0 D1 D0 D0 -  D0 -  -    I   I
)";

const std::map<std::string, state_t> states = {{"I", state_t::idle},
                                               {"R", state_t::ready},
                                               {"C1", state_t::reception},
                                               {"C0", state_t::reception_complete},
                                               {"X", state_t::execution},
                                               {"D1", state_t::completion},
                                               {"D0", state_t::completion_read}};

const std::map<std::string, fsm_event> events = {
    {"CR", fsm_event::command_ready},  {"GO", fsm_event::go},
    {"RR", fsm_event::response_retry}, {"CC", fsm_event::cancel},
    {"WF", fsm_event::fifo_write},     {"WL", fsm_event::fifo_write_last},
    {"RF", fsm_event::fifo_read},      {"RL", fsm_event::fifo_read_last},
    {"DONE", fsm_event::done},         {"LOC", fsm_event::locality_change},
    {"INIT", fsm_event::init}};

using cells = std::map<std::pair<std::string, std::string>, std::string>;

cells parse(const char* table) {
    cells out;
    std::istringstream lines(table);
    std::string line;
    std::vector<std::string> header;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::vector<std::string> row;
        for (std::string word; words >> word;) {
            row.push_back(word);
        }
        if (row.empty()) {
            continue;
        }
        if (header.empty()) {
            header = row;
            continue;
        }
        for (std::size_t i = 1; i < row.size(); ++i) {
            out[{row[0], header[i]}] = row[i];
        }
    }
    return out;
}

constexpr std::size_t length = 12;

/// Walks a fresh machine to a state by legal steps; `left` bytes are missing in C1 and D1.
command_fsm machine_in(state_t target, const chip_profile& profile, std::size_t left) {
    command_fsm fsm(profile);
    if (target == state_t::idle) {
        return fsm;
    }
    fsm.apply(fsm_event::command_ready);
    if (target == state_t::ready) {
        return fsm;
    }
    const bytes command = request(length, 0x14);
    for (std::size_t i = 0; i < length - (target == state_t::reception ? left : 0); ++i) {
        fsm.write(command[i]);
    }
    if (target == state_t::reception || target == state_t::reception_complete) {
        return fsm;
    }
    fsm.apply(fsm_event::go);
    if (target == state_t::execution) {
        return fsm;
    }
    fsm.complete(reply(length));
    for (std::size_t i = 0; i < length - (target == state_t::completion ? left : 0); ++i) {
        fsm.read();
    }
    return fsm;
}

/// Lets the event happen the way the bus would.
void cause(command_fsm& fsm, const std::string& event) {
    if (event == "WF" || event == "WL") {
        fsm.write(std::byte{0x5A});
    } else if (event == "RF" || event == "RL") {
        fsm.read();
    } else if (event == "DONE") {
        fsm.complete(reply(length));
    } else {
        fsm.apply(events.at(event));
    }
}

/// Number of cells that differ from the table; every one is reported.
int differences(const cells& table, const chip_profile& profile) {
    int wrong = 0;
    for (const auto& [cell, expected] : table) {
        if (expected == "-") {
            continue;
        }
        const state_t from = states.at(cell.first);
        const std::size_t left = cell.second == "WL" || cell.second == "RL" ? 1 : 7;
        command_fsm fsm = machine_in(from, profile, left);
        REQUIRE(fsm.state() == from);
        cause(fsm, cell.second);
        const bool ok = fsm.state() == states.at(expected) &&
                        next_state(from, events.at(cell.second), profile) == states.at(expected);
        if (!ok) {
            UNSCOPED_INFO(cell.first << " on " << cell.second << " must go to " << expected);
            ++wrong;
        }
    }
    return wrong;
}

}  // namespace

TEST_CASE("command fsm follows the normative table cell by cell") {
    const auto table = parse(normative);
    CHECK(table.size() == 7 * 11);
    CHECK(differences(table, plain_profile()) == 0);
}

TEST_CASE("command fsm profiles change their cells and no others") {
    auto profile = plain_profile();
    auto table = parse(normative);
    SECTION("cr_from_completion ready") {
        profile.cr_from_completion = chip_profile::cr_target::ready;
        CHECK(differences(table, profile) == 2);
        table[{"D1", "CR"}] = table[{"D0", "CR"}] = "R";
    }
    SECTION("cr_abort ready") {
        profile.cr_abort = chip_profile::cr_target::ready;
        CHECK(differences(table, profile) == 3);
        table[{"C1", "CR"}] = table[{"C0", "CR"}] = table[{"X", "CR"}] = "R";
    }
    SECTION("cr_abort ignored") {
        profile.cr_abort = chip_profile::cr_target::ignored;
        CHECK(differences(table, profile) == 3);
        table[{"C1", "CR"}] = "C1";
        table[{"C0", "CR"}] = "C0";
        table[{"X", "CR"}] = "X";
    }
    SECTION("go_unchecked") {
        profile.go_unchecked = true;
        CHECK(differences(table, profile) == 1);
        table[{"C1", "GO"}] = "X";
    }
    SECTION("expect_in_ready, ready_sticky and expect_early show other bits but keep the states") {
        profile.expect_in_ready = profile.ready_sticky = profile.expect_early = true;
    }
    CHECK(differences(table, profile) == 0);
}

TEST_CASE("command fsm shows commandReady Expect and dataAvail by state and profile") {
    struct seen {
        bool ready, expect, data;
        bool operator==(const seen&) const = default;
    };
    const auto look = [](state_t state, const chip_profile& profile, std::size_t left = 7) {
        const auto fsm = machine_in(state, profile, left);
        return seen{fsm.command_ready(), fsm.expect(), fsm.data_available()};
    };
    auto profile = plain_profile();
    CHECK(look(state_t::idle, profile) == seen{false, false, false});
    CHECK(look(state_t::ready, profile) == seen{true, false, false});
    CHECK(look(state_t::reception, profile) == seen{false, true, false});
    CHECK(look(state_t::reception, profile, 1) == seen{false, true, false});
    CHECK(look(state_t::reception_complete, profile) == seen{false, false, false});
    CHECK(look(state_t::execution, profile) == seen{false, false, false});
    CHECK(look(state_t::completion, profile) == seen{false, false, true});
    CHECK(look(state_t::completion_read, profile) == seen{false, false, false});
    profile.expect_in_ready = profile.ready_sticky = profile.expect_early = true;
    CHECK(look(state_t::ready, profile) == seen{true, true, false});
    CHECK(look(state_t::reception, profile, 2) == seen{true, true, false});
    CHECK(look(state_t::reception, profile, 1) == seen{true, false, false});
    CHECK(look(state_t::reception_complete, profile) == seen{true, false, false});
    CHECK(look(state_t::execution, profile) == seen{false, false, false});
}

TEST_CASE("command fsm ends a command by its size field and never before byte 6") {
    auto profile = plain_profile();
    profile.buffer_size = 16;
    const auto bytes_taken = [&](std::uint32_t size_field) {
        command_fsm fsm(profile);
        fsm.apply(fsm_event::command_ready);
        const bytes command = message(0x00C1, 10, 0x14);
        const bytes field = be32(size_field);
        std::size_t taken = 0;
        for (std::size_t i = 0; i < 40; ++i) {
            const bool in_field = i >= 2 && i < 6;
            taken += fsm.write(in_field ? field[i - 2] : std::byte{0}) ? 1 : 0;
        }
        CHECK(fsm.state() == state_t::reception_complete);
        return taken;
    };
    CHECK(bytes_taken(0) == 6);
    CHECK(bytes_taken(6) == 6);
    CHECK(bytes_taken(7) == 7);
    CHECK(bytes_taken(15) == 15);
    CHECK(bytes_taken(16) == 16);
    CHECK(bytes_taken(17) == 16);  // larger than the buffer: the engine will complain
    CHECK(bytes_taken(0xFFFFFFFF) == 16);
}

TEST_CASE("command fsm ends a response by its size field and rewinds on retry") {
    const auto profile = plain_profile();
    auto fsm = machine_in(state_t::completion, profile, length);
    bytes first, second;
    for (std::size_t i = 0; i < length; ++i) {
        CHECK(fsm.data_available());
        first.push_back(fsm.read());
    }
    CHECK_FALSE(fsm.data_available());
    CHECK(fsm.read() == std::byte{0xFF});
    CHECK(fsm.apply(fsm_event::response_retry));
    for (std::size_t i = 0; i < 5; ++i) {
        second.push_back(fsm.read());
    }
    CHECK_FALSE(fsm.apply(fsm_event::response_retry));  // still Completion, but from the first byte again
    second.clear();
    while (fsm.data_available()) {
        second.push_back(fsm.read());
    }
    CHECK(first == reply(length));
    CHECK(second == reply(length));
}

TEST_CASE("command fsm hands out what the size field says even when the engine sent less") {
    const auto profile = plain_profile();
    auto fsm = machine_in(state_t::execution, profile, 0);
    bytes lying = reply(10);
    lying[5] = std::byte{12};
    fsm.complete(lying);
    bytes seen;
    while (fsm.data_available()) {
        seen.push_back(fsm.read());
    }
    CHECK(seen.size() == 12);
    CHECK(seen[11] == std::byte{0xFF});
}

TEST_CASE("command fsm limits the burst to the profile and to what can be moved") {
    auto profile = plain_profile();
    profile.burst_count = 8;
    CHECK(machine_in(state_t::idle, profile, 0).burst_count() == 0);
    CHECK(machine_in(state_t::ready, profile, 0).burst_count() == 8);
    CHECK(machine_in(state_t::reception, profile, 7).burst_count() == 8);
    CHECK(machine_in(state_t::execution, profile, 0).burst_count() == 0);
    CHECK(machine_in(state_t::completion, profile, 12).burst_count() == 8);
    CHECK(machine_in(state_t::completion, profile, 3).burst_count() == 3);
    CHECK(machine_in(state_t::completion_read, profile, 0).burst_count() == 0);
    profile.buffer_size = 14;
    CHECK(machine_in(state_t::reception, profile, 2).burst_count() == 4);
    profile.interface_capability |= 1u << 8;  // burstCountStatic
    CHECK(machine_in(state_t::reception, profile, 2).burst_count() == 8);
    CHECK(machine_in(state_t::execution, profile, 0).burst_count() == 8);
}

TEST_CASE("command fsm cuts a response to the buffer and starts each command empty") {
    auto profile = plain_profile();
    profile.buffer_size = 14;
    profile.cr_from_completion = chip_profile::cr_target::ready;
    auto fsm = machine_in(state_t::execution, profile, 0);
    fsm.complete(reply(20));
    int taken = 0;
    while (fsm.data_available()) {
        fsm.read();
        ++taken;
    }
    CHECK(taken == 14);
    CHECK(fsm.apply(fsm_event::command_ready));
    CHECK(fsm.command().empty());
    for (const auto value : request(length, 0x15)) {
        CHECK(fsm.write(value));
    }
    CHECK(fsm.state() == state_t::reception_complete);
    CHECK(fsm.ordinal() == 0x15);
}
