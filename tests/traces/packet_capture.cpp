#include "traces/packet_capture.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/traces/octets.h"
#include "tests/traces/pcapng_file.h"
#include "tests/traces/small_house.h"

using namespace vtwin;
using namespace vtwin::trace;
using namespace vtwin::test;

namespace {

constexpr xen::domid_t far_guest{300};  // more than an octet

const auto startup20 = octets({0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0});
const auto startup12 = octets({0x00, 0xC1, 0, 0, 0, 12, 0, 0, 0, 0x99, 0, 1});
const auto good20 = octets({0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0});
const auto good12 = octets({0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0, 0});

class capture_bench {
  public:
    void ring(double at_ns, ring_state state, const std::vector<std::byte>& packet, std::uint32_t length = 0,
              std::uint64_t life = 0, xen::domid_t front = far_guest, xen::domid_t back = vtpm) {
        const auto big = [&](std::size_t from, std::size_t count) {
            std::uint32_t value = 0;
            for (std::size_t i = from; i < from + count; ++i)
                value = value << 8 | (i < packet.size() ? std::to_integer<std::uint32_t>(packet[i]) : 0);
            return value;
        };
        const ring_change what{sc_core::sc_time(at_ns, sc_core::SC_NS),
                               front,
                               back,
                               state,
                               true,
                               length != 0 ? length : static_cast<std::uint32_t>(packet.size()),
                               0,
                               static_cast<std::uint16_t>(big(0, 2)),
                               big(6, 4),
                               packet,
                               life};
        if (const auto hop = hops.ring_changed(what))
            capture.ring_changed(what, *hop);
    }
    void chip(double go_ns, double done_ns, const std::vector<std::byte>& command,
              const std::vector<std::byte>& response, std::optional<std::uint32_t> master = {}) {
        const tpm::chip_command what{sc_core::sc_time(go_ns, sc_core::SC_NS),
                                     sc_core::sc_time(done_ns, sc_core::SC_NS),
                                     0x99,
                                     0,
                                     2,
                                     command,
                                     response,
                                     master};
        capture.chip_done(what, hops.chip_done("hardware", what));
    }
    pcapng_file file() const {
        std::ostringstream out;
        REQUIRE(capture.write(out));
        auto read = pcapng_parser::parse(out.str());
        REQUIRE(read.good);
        return read;
    }

    hop_log hops{identify};
    packet_capture capture{identify, hops};
};

tcp_packet at(const pcapng_file& file, std::size_t number) {
    const auto packet = tcp_packet::parse(file.packets.at(number).data);
    REQUIRE(packet);
    return *packet;
}

}  // namespace

TEST_CASE("commands and answers of a ring become one conversation on its interface") {
    capture_bench b;
    b.ring(1000.5, ring_state::submit, startup20);
    b.ring(3000, ring_state::finish, good20);
    b.ring(4000, ring_state::submit, startup20);
    const pcapng_file file = b.file();
    CHECK(file.application == "vtwin");
    REQUIRE(file.interfaces.size() == 1);
    CHECK(file.interfaces[0].name == "guest1 ring");
    CHECK(file.interfaces[0].description == "page shared by guest1 and vtpm1");
    CHECK(file.hosts == std::map<std::string, std::string>{{"10.1.0.2", "vtpm1"}, {"10.1.1.44", "guest1"}});
    REQUIRE(file.packets.size() == 3);
    CHECK(file.packets[0].at == 1000);
    CHECK(file.packets[0].comment ==
          "hop=guest1 ring; protocol=TPM 2.0; command=TPM2_Startup; from=guest1; to=vtpm1; locality=0; "
          "latency_ns=1999; number=1");
    CHECK(file.packets[1].at == 3000);
    CHECK(file.packets[1].comment ==
          "hop=guest1 ring; protocol=TPM 2.0; answer_to=TPM2_Startup; result=0; from=guest1; to=vtpm1; "
          "locality=0; latency_ns=1999; number=1");
    CHECK(file.packets[2].comment.find("latency_ns=none; number=2") != std::string::npos);
    CHECK(at(file, 0).destination_port == 2321);
    CHECK(at(file, 0).payload == text(startup20));
    CHECK(at(file, 1).source_port == 2321);
    CHECK(at(file, 1).payload == text(good20));
    CHECK(at(file, 1).acknowledged == 13);
    CHECK(at(file, 2).sequence == 13);
    CHECK(at(file, 2).acknowledged == 11);
}

TEST_CASE("what a TPM 2.0 dissector cannot read goes to another port") {
    capture_bench b;
    b.ring(1, ring_state::submit, startup12);
    b.ring(2, ring_state::finish, good12);
    auto wrong_size = startup20;
    wrong_size[5] = std::byte{13};
    b.ring(3, ring_state::submit, wrong_size);
    b.ring(4, ring_state::finish, good20);
    b.ring(5, ring_state::submit, octets({0x80}));
    b.ring(6, ring_state::submit, octets({}));
    b.ring(7, ring_state::submit, octets({0x80, 0x02, 0, 0, 0, 10, 0x20, 0, 0, 0x16}));
    b.ring(8, ring_state::submit, startup20);
    const pcapng_file file = b.file();
    REQUIRE(file.packets.size() == 8);
    for (const std::size_t number : {0, 2, 4, 5, 6})
        CHECK(at(file, number).destination_port == 2312);
    for (const std::size_t number : {1, 3})
        CHECK(at(file, number).source_port == 2312);
    CHECK(at(file, 7).destination_port == 2321);
    CHECK(at(file, 7).sequence == 1);
    CHECK(file.packets[0].comment.find("protocol=TPM 1.2; command=TPM_Startup") != std::string::npos);
    CHECK(file.packets[1].comment.find("answer_to=TPM_Startup; result=0") != std::string::npos);
}

TEST_CASE("an answer that a TPM 2.0 dissector cannot read leaves its command where it is") {
    capture_bench b;
    b.ring(1, ring_state::submit, startup20);
    b.ring(2, ring_state::finish, good12);  // from a TPM 1.2, which knows no such tag
    b.ring(3, ring_state::submit, startup20);
    b.ring(4, ring_state::finish, octets({0x80, 0x01, 0, 0, 0, 11, 0, 0, 0, 0}));
    b.ring(5, ring_state::submit, startup20);
    b.ring(6, ring_state::finish, octets({0x80}));
    b.ring(7, ring_state::submit, startup20);
    b.ring(8, ring_state::finish, good20);
    b.chip(9, 10, startup20, good12);
    b.chip(11, 12, startup20, good20);
    const pcapng_file file = b.file();
    REQUIRE(file.packets.size() == 12);
    for (const std::size_t number : {0, 2, 4, 6, 8, 10})
        CHECK(at(file, number).destination_port == 2321);
    for (const std::size_t number : {1, 3, 5, 9})
        CHECK(at(file, number).source_port == 2312);
    for (const std::size_t number : {7, 11})
        CHECK(at(file, number).source_port == 2321);
    CHECK(at(file, 7).sequence == 1);
}

TEST_CASE("each life of a ring is a connection and a length that lies is told") {
    capture_bench b;
    b.ring(1, ring_state::submit, startup20, 0, 4);
    b.ring(2, ring_state::submit, startup20, 0, 5);
    b.ring(3, ring_state::submit, startup20, 9000, 5);
    const pcapng_file file = b.file();
    REQUIRE(file.interfaces.size() == 1);
    CHECK(at(file, 0).source_port != at(file, 1).source_port);
    CHECK(at(file, 1).sequence == 1);
    CHECK(at(file, 2).sequence == 13);
    CHECK(file.packets[2].comment.ends_with("; length_field=9000"));
    CHECK(file.packets[1].comment.find("length_field") == std::string::npos);
}

TEST_CASE("the chip's commands stand in time though they are told when they are over") {
    capture_bench b;
    b.chip(5, 6, startup12, good12);  // firmware, before there is a manager
    b.ring(20, ring_state::submit, octets({0x01, 0xC1, 0, 0, 0, 10, 0, 0, 0, 3}), 0, 0, vtpm, manager);
    b.ring(40, ring_state::finish, octets({0x01, 0xC4, 0, 0, 0, 10, 0, 0, 0, 0}), 0, 0, vtpm, manager);
    b.chip(10, 30, startup12, good12, xen::to_underlying(manager));
    const pcapng_file file = b.file();
    REQUIRE(file.interfaces.size() == 2);
    CHECK(file.interfaces[0].name == "hardware chip bus");
    CHECK(file.interfaces[1].name == "vtpm1 manager ring");
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    for (const auto& each : file.packets)
        order.emplace_back(each.at, each.interface);
    CHECK(order == std::vector<std::pair<std::uint64_t, std::uint32_t>>{
                       {5, 0}, {6, 0}, {10, 0}, {20, 1}, {30, 0}, {40, 1}});
    CHECK(file.packets[0].comment.find("from=platform; to=hardware-tpm; locality=2") != std::string::npos);
    CHECK(file.packets[2].comment.find("from=vtpmmgr; to=hardware-tpm") != std::string::npos);
    CHECK(at(file, 2).sequence == 1);
    CHECK(file.packets[3].comment.find("command=VTPM_GET_BOOT_HASH; from=vtpm1; to=vtpmmgr") !=
          std::string::npos);
}

TEST_CASE("a chip's commands are told with the domain that sent each") {
    capture_bench b;
    b.chip(1, 2, startup12, good12, xen::to_underlying(manager));
    b.chip(3, 4, startup12, good12, xen::to_underlying(far_guest));
    const pcapng_file file = b.file();
    REQUIRE(file.packets.size() == 4);
    CHECK(file.packets[0].comment.find("from=vtpmmgr; to=hardware-tpm") != std::string::npos);
    CHECK(file.packets[2].comment.find("from=guest1; to=hardware-tpm") != std::string::npos);
    CHECK(at(file, 2).source == "10.1.1.44");
    CHECK(at(file, 2).sequence == 1);
}

TEST_CASE("a TPM 2.0 command whose body breaks off goes to another port") {
    capture_bench b;
    b.ring(1, ring_state::submit, octets({0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x82, 0, 0}));
    b.ring(2, ring_state::finish, good20);
    b.ring(3, ring_state::submit, startup20);
    b.ring(4, ring_state::finish, good20);
    const pcapng_file file = b.file();
    CHECK(at(file, 0).destination_port == 2312);
    CHECK(at(file, 1).source_port == 2312);
    CHECK(file.packets[0].comment.find("protocol=TPM 2.0; command=TPM2_PCR_Extend;") != std::string::npos);
    CHECK(at(file, 2).destination_port == 2321);
    CHECK(at(file, 3).source_port == 2321);
}

// Wireshark pairs by the order in the file alone.
TEST_CASE("an answer that follows another ring's command is not taken for its answer") {
    constexpr xen::domid_t other{301}, other_vtpm{302};
    const auto refused = octets({0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 0});
    capture_bench b;
    b.ring(1, ring_state::submit, startup20);
    b.ring(2, ring_state::submit, startup20, 0, 1, other, other_vtpm);
    b.ring(3, ring_state::finish, good20);
    b.ring(4, ring_state::finish, good20, 0, 1, other, other_vtpm);
    b.ring(5, ring_state::submit, startup20);
    b.ring(6, ring_state::submit, startup20, 0, 1, other, other_vtpm);
    b.ring(7, ring_state::finish, refused);  // is read no further than the code
    const pcapng_file file = b.file();
    for (const std::size_t number : {0, 1, 4, 5})
        CHECK(at(file, number).destination_port == 2321);
    CHECK(at(file, 2).source_port == 2312);
    CHECK(at(file, 3).source_port == 2321);
    CHECK(at(file, 6).source_port == 2321);
}
