#include "traces/pcapng_writer.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/traces/octets.h"
#include "tests/traces/pcapng_file.h"

using namespace vtwin::trace;
using namespace vtwin::test;

TEST_CASE("a pcapng file is read back as it was written") {
    std::ostringstream out;
    pcapng_writer file(out, "someone");
    CHECK(file.add_interface("guest1 ring", "a page") == 0);
    CHECK(file.add_interface("chip", "", 147) == 1);
    file.add_host_names({{0x0A010203, "guest1"}, {0x0A010204, "vtpm1-x"}});
    file.add_packet(1, 0x123456789ABCDEF0, octets("abcde"), "what it is");
    file.add_packet(0, 7, octets(""), "");
    CHECK(file.good());

    const auto read = pcapng_parser::parse(out.str());
    REQUIRE(read.good);
    CHECK(read.application == "someone");
    REQUIRE(read.interfaces.size() == 2);
    CHECK(read.interfaces[0].name == "guest1 ring");
    CHECK(read.interfaces[0].description == "a page");
    CHECK(read.interfaces[0].link_type == 101);
    CHECK(read.interfaces[0].resolution == 9);
    CHECK(read.interfaces[1].name == "chip");
    CHECK(read.interfaces[1].link_type == 147);
    CHECK(read.hosts == std::map<std::string, std::string>{{"10.1.2.3", "guest1"}, {"10.1.2.4", "vtpm1-x"}});
    REQUIRE(read.packets.size() == 2);
    CHECK(read.packets[0].interface == 1);
    CHECK(read.packets[0].at == 0x123456789ABCDEF0);
    CHECK(read.packets[0].data == "abcde");
    CHECK(read.packets[0].comment == "what it is");
    CHECK(read.packets[1].data.empty());
    CHECK(read.packets[1].comment.empty());
}

TEST_CASE("the section header of a pcapng file is known octet by octet") {
    std::ostringstream out;
    pcapng_writer file(out, "ab");
    CHECK(out.str() == std::string("\x0A\x0D\x0D\x0A\x28\0\0\0\x4D\x3C\x2B\x1A\1\0\0\0"
                                   "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\4\0\2\0ab\0\0\0\0\0\0\x28\0\0\0",
                                   40));
}

TEST_CASE("a comment that does not fit into an option is cut") {
    std::ostringstream out;
    pcapng_writer file(out, "");
    file.add_interface("i", "");
    file.add_packet(0, 0, octets("x"), std::string(70000, 'c'));
    const auto read = pcapng_parser::parse(out.str());
    REQUIRE(read.good);
    CHECK(read.packets.at(0).comment == std::string(65535, 'c'));
}
