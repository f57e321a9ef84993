#include "traces/tcp_conversation.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/traces/octets.h"
#include "tests/traces/pcapng_file.h"

using namespace vtwin::trace;
using namespace vtwin::test;

TEST_CASE("a conversation numbers its octets in both directions and its checksums are right") {
    tcp_conversation talk({0x0A010005, 40001}, {0x0A010002, 2321});
    const auto command = tcp_packet::parse(text(talk.to_server(octets("command"))));
    const auto answer = tcp_packet::parse(text(talk.to_client(octets("answered"))));
    const auto nothing = tcp_packet::parse(text(talk.to_server({})));
    const auto last = tcp_packet::parse(text(talk.to_server(octets("\xFF\xFE\xFD"))));
    REQUIRE(command);
    REQUIRE(answer);
    REQUIRE(nothing);
    REQUIRE(last);
    CHECK(command->source == "10.1.0.5");
    CHECK(command->destination == "10.1.0.2");
    CHECK(command->source_port == 40001);
    CHECK(command->destination_port == 2321);
    CHECK(command->sequence == 1);
    CHECK(command->acknowledged == 1);
    CHECK(command->payload == "command");
    CHECK(answer->source == "10.1.0.2");
    CHECK(answer->destination_port == 40001);
    CHECK(answer->sequence == 1);
    CHECK(answer->acknowledged == 8);
    CHECK(answer->payload == "answered");
    CHECK(nothing->sequence == 8);
    CHECK(last->sequence == 8);
    CHECK(last->acknowledged == 9);
    CHECK(last->payload == "\xFF\xFE\xFD");
}

TEST_CASE("a packet with one bit changed has a wrong checksum") {
    tcp_conversation talk({0x0A010005, 40001}, {0x0A010002, 2321});
    const std::string good = text(talk.to_server(octets("abc")));
    REQUIRE(tcp_packet::parse(good));
    for (const std::size_t at : {std::size_t{12}, std::size_t{24}, good.size() - 1}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        CHECK_FALSE(tcp_packet::parse(bad));
    }
}
