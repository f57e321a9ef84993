// The swtpm door as QEMU uses it, a TPM's state on its way from and to a real swtpm, and clients that
// misbehave.
#include "tests/passed_files.h"
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/real_clients.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const std::string io_error = "0000001f";

/// SET_DATAFD with these file descriptors beside it.
std::string pass_files(const socket_client& control, const std::vector<int>& files) {
    const auto octets = *vtwin::models::from_hex("00000010");
    REQUIRE(vtwin::test::send_with_files(control.descriptor(), octets, files));
    return control.receive();
}

/// A pair of sockets: one is kept, the other given away.
struct pair {
    pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0); }
    ~pair() {
        ::close(ends[0]);
        give_away();
    }
    void give_away() {
        if (ends[1] >= 0)
            ::close(ends[1]);
        ends[1] = -1;
    }
    std::string ask(const std::string& hex) const {
        const auto octets = *vtwin::models::from_hex(hex);
        REQUIRE(::send(ends[0], octets.data(), octets.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(octets.size()));
        return receive();
    }
    std::string receive() const {
        pollfd what{ends[0], POLLIN, 0};
        if (::poll(&what, 1, 60'000) != 1)
            return "nothing";
        vtwin::models::bytes octets(8192);
        const auto got = ::recv(ends[0], octets.data(), octets.size(), 0);
        octets.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return vtwin::models::to_hex(octets);
    }
    std::array<int, 2> ends{-1, -1};
};

/// The second channel of a TPM that is being switched on by QEMU; as often as it does.
void switch_on(const socket_client& control) {
    for (const char* size : {"00000000", "00001000"}) {
        CHECK(control.ask(swtpm_stop) == done);
        CHECK(control.ask(std::string("00000011") + size) == "00000000000010000000100000001000");
    }
    CHECK(control.ask(swtpm_init) == done);
}

}  // namespace

TEST_CASE("a swtpm door serves a socket that QEMU passes to it through start and reset and shutdown") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--start", "init", "--listen", door(folder, "s", "swtpm")});
    const std::string place = folder.at("s");
    {
        const socket_client control(place + ".ctrl");
        pair data;
        // None, two, and one that is no stream.
        CHECK(control.ask("00000010") == io_error);
        CHECK(pass_files(control, {data.ends[1], data.ends[1]}) == io_error);
        const int file = ::open("/dev/null", O_RDWR);
        CHECK(pass_files(control, {file}) == io_error);
        ::close(file);
        CHECK(pass_files(control, {data.ends[1]}) == done);
        CHECK(pass_files(control, {data.ends[1]}) == io_error);
        data.give_away();
        CHECK(data.ask("80010000000a00000181") == not_started20);  // what counts is the tag
        CHECK(control.ask("00000001") == "000000000000ffff");
        switch_on(control);
        CHECK(data.ask(startup20) == success20);
        // Locality 2 on this channel alone: TPM2_PCR_Reset of PCR 20 is for localities 2 and 4.
        CHECK(data.ask(reset20) == "80010000000a00000907");
        CHECK(control.ask("0000000502000000") == done);
        CHECK(data.ask(reset20).substr(12, 8) == done);
        CHECK(socket_client(place).ask(reset20) == "80010000000a00000907");
        CHECK(data.ask(get_random20).substr(0, 20) == random20_head);
        // system_reset: one restart of the domains, however often QEMU says it.
        for (int i = 0; i < 3; ++i)
            switch_on(control);
        CHECK(data.ask(get_random20) == not_started20);
        CHECK(control.ask("00000003") == done);
        CHECK(control.receive() == "");
        CHECK(data.receive() == "");
    }
    // The next QEMU.
    const socket_client control(place + ".ctrl");
    CHECK(socket_client(place).ask(get_random20) == failed20);
    switch_on(control);
    CHECK(socket_client(place).ask(startup20) == success20);
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    // Of six times power on two had to start the domains again: after commands only, and for 2 s each.
    std::istringstream table(content_of(served.path("run/commands.csv")));
    int slow = 0, all = 0;
    for (std::string line; std::getline(table, line);) {
        if (!contains(line, ",power_on,"))
            continue;
        ++all;
        const auto last = line.rfind(','), before = line.rfind(',', last - 1);
        slow += std::stoull(line.substr(before + 1, last - before - 1)) > 1'000'000'000 ? 1 : 0;
    }
    CHECK(all == 5);
    CHECK(slow == 3);
}

TEST_CASE("the state of a TPM moves from the twin to a real swtpm and back") {
    if (!installed({"swtpm", "swtpm_ioctl", "tpm2_pcrread"}))
        return;
    temporary_directory folder;
    const std::string here = folder.path().string();
    served_program served({"tpm2_guest", "--start", "clear", "--listen", door(folder, "s", "swtpm")});
    const real_swtpm real(folder.path(), true);
    const auto move = [&](const std::string& from, const std::string& to) {
        return shell("set -e; cd " + here + "; swtpm_ioctl --unix " + from +
                     ".ctrl --save permanent p; swtpm_ioctl --unix " + from +
                     ".ctrl --save volatile v; swtpm_ioctl --unix " + to +
                     ".ctrl --stop; swtpm_ioctl --unix " + to +
                     ".ctrl --load permanent p; swtpm_ioctl --unix " + to +
                     ".ctrl --load volatile v; swtpm_ioctl --unix " + to + ".ctrl -i");
    };
    const auto tools = [&](const std::string& at, const std::string& lines) {
        return shell("set -e; cd " + here + "; export TPM2TOOLS_TCTI=swtpm:path=" + here + "/" + at + "\n" +
                     lines);
    };
    const std::string look =
        "tpm2_pcrread sha256:4,16,23; tpm2_nvread -C o 0x1500001; tpm2_readpublic -c 0x81000001 -n n "
        ">/dev/null; od -An -v -tx1 n";
    tools("s",
          "tpm2_pcrextend 16:sha256=" + std::string(63, '0') + "1\n" +
              "tpm2_nvdefine -Q -C o -s 5 0x1500001; printf hello | tpm2_nvwrite -C o -i - 0x1500001\n"
              "tpm2_createprimary -Q -C o -G ecc -c p.ctx; tpm2_evictcontrol -Q -C o -c p.ctx 0x81000001");
    const std::string before = tools("s", look);
    CHECK(contains(before, "hello"));
    shell("swtpm_ioctl --unix " + here + "/r.ctrl -i");
    move("s", "r");
    CHECK(tools("r", look) == before);
    tools("r", "tpm2_pcrextend 23:sha256=" + std::string(63, '0') +
                   "2; printf world | tpm2_nvwrite -C o -i - 0x1500001");
    const std::string after = tools("r", look);
    CHECK(after != before);
    CHECK(tools("s", look) == before);
    move("r", "s");
    CHECK(tools("s", look) == after);
    // What was given is kept: through two more power cycles without a state.
    for (int i = 0; i < 2; ++i)
        shell("swtpm_ioctl --unix " + here + "/s.ctrl -i");
    CHECK(tools("s", "tpm2_startup -c; tpm2_nvread -C o 0x1500001") == "world");
    served.stop();
}

TEST_CASE("clients of a swtpm door that misbehave disturb nobody else") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--start", "clear", "--listen", door(folder, "s", "swtpm")});
    const std::string place = folder.at("s");
    const std::string locality0 = "0000000500";
    {
        const socket_client half(place + ".ctrl"), half_data(place), blob(place + ".ctrl");
        half.send("000000");
        half_data.send(get_random20.substr(0, 14));
        blob.send("0000000d0000000100000002000fffff" + std::string(2000, 'a'));
        CHECK(socket_client(place).ask(get_random20).starts_with(random20_head));
        CHECK(socket_client(place + ".ctrl").ask(locality0) == done);
        half.send("01");
        CHECK(half.receive() == "000000000000ffff");
    }
    {
        const socket_client huge(place + ".ctrl");
        CHECK(huge.ask("000000077fffffff") == "00000003");
        CHECK(huge.receive() == "");
        const socket_client no_frame(place);
        CHECK(no_frame.ask("80010000100100000143") == "80010000000a00000142");
        CHECK(no_frame.receive() == "");
        const socket_client no_locality(place);
        CHECK(no_locality.ask("00000008"
                              "05"
                              "0000000c" +
                              get_random20) == "0000000a80010000000a0000010700000000");
        CHECK(no_locality.ask("00000008"
                              "00"
                              "00001001"
                              "8001") == "0000000a80010000000a0000014200000000");
        CHECK(no_locality.receive() == "");
        const socket_client leaves(place + ".ctrl");
        leaves.send("0000000c000000010000000200000000");
    }
    CHECK(socket_client(place).ask(get_random20).starts_with(random20_head));
    // A second program at the same place is told so; this one goes on.
    const auto second = run_program({"serve", "tpm2_guest", "--start", "clear", "--listen",
                                     door(folder, "s", "swtpm"), "--out", folder.at("second")});
    CHECK(second.code == 2);
    CHECK(contains(second.err, place + " exists"));
    CHECK(socket_client(place + ".ctrl").ask(locality0) == done);
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK_FALSE(fs::exists(place + ".ctrl"));
}
