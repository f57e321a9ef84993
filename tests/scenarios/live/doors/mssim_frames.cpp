#include "scenarios/live/doors/mssim_frames.h"

#include <catch2/catch.hpp>
#include <string>

#include "models/hex.h"

using namespace vtwin;
using namespace vtwin::scenario::live;
using extent_kind = mssim_extent::kind;

namespace {

mssim_extent look(mssim_port port, const std::string& hex) {
    return measure(port, *models::from_hex(hex));
}
bool is(const mssim_extent& found, extent_kind what, std::size_t size) {
    return found.what == what && found.size == size;
}

}  // namespace

TEST_CASE("a request of the simulator's is measured as its octets come") {
    const auto on_commands = [](const std::string& hex) { return look(mssim_port::command, hex); };
    CHECK(is(on_commands(""), extent_kind::partial, 4));
    CHECK(is(on_commands("000000"), extent_kind::partial, 4));
    CHECK(is(on_commands("00000008"), extent_kind::partial, 9));
    CHECK(is(on_commands("0000000803000000"), extent_kind::partial, 9));
    CHECK(is(on_commands("00000008030000000c"), extent_kind::partial, 21));
    CHECK(is(on_commands("00000008030000000c80010000000c0000017b0008"), extent_kind::complete, 21));
    CHECK(is(on_commands("000000080000000000"), extent_kind::complete, 9));
    CHECK(is(on_commands("00000006"), extent_kind::partial, 8));
    CHECK(is(on_commands("0000000600000002aa"), extent_kind::partial, 10));
    CHECK(is(on_commands("0000000f"), extent_kind::partial, 8));
    CHECK(is(on_commands("00000014"), extent_kind::complete, 4));
    CHECK(is(look(mssim_port::platform, "00000001"), extent_kind::complete, 4));
    CHECK(is(look(mssim_port::platform, "0000001a4000"), extent_kind::partial, 8));
}

TEST_CASE("what no request of the simulator's can be is found out before its data is waited for") {
    CHECK(is(look(mssim_port::command, "000000080000001000"), extent_kind::partial, 9 + 4096));
    CHECK(look(mssim_port::command, "000000080000001001").what == extent_kind::too_long);
    CHECK(look(mssim_port::command, "0000000800ffffffff").what == extent_kind::too_long);
    CHECK(is(look(mssim_port::command, "0000000600100000"), extent_kind::partial, 8 + 0x100000));
    CHECK(look(mssim_port::command, "0000000600100001").what == extent_kind::too_long);
    // A request of the other port is none of this.
    CHECK(look(mssim_port::command, "00000001").what == extent_kind::unknown);
    CHECK(look(mssim_port::platform, "00000008").what == extent_kind::unknown);
    CHECK(look(mssim_port::platform, "00000000").what == extent_kind::unknown);
    CHECK(look(mssim_port::command, "80010000").what == extent_kind::unknown);
}

TEST_CASE("requests of the simulator's are read and answers written to the octet") {
    const auto command = parse_mssim_request(*models::from_hex("00000008030000000280ff"));
    CHECK(command.code == mssim_code::send_command);
    CHECK(command.locality == 3);
    CHECK(models::to_hex(command.data) == "80ff");
    const auto data = parse_mssim_request(*models::from_hex("00000006000000020102"));
    CHECK(data.code == mssim_code::hash_data);
    CHECK(models::to_hex(data.data) == "0102");
    CHECK(parse_mssim_request(*models::from_hex("0000000f00000001")).number == 1);
    CHECK(parse_mssim_request(*models::from_hex("00000014")).code == mssim_code::session_end);

    CHECK(models::to_hex(mssim_acknowledgement()) == "00000000");
    CHECK(models::to_hex(mssim_refusal()) == "00000001");
    CHECK(models::to_hex(mssim_response(*models::from_hex("8001"))) == "00000002800100000000");
    CHECK(models::to_hex(mssim_handshake()) == "000000010000000d00000000");
    CHECK(models::to_hex(mssim_no_sizes()) == "0000000000000000");
    CHECK(models::to_hex(mssim_number(1)) == "0000000100000000");
}
