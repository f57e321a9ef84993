// State blobs as swtpm wraps them.
#include "scenarios/live/doors/swtpm_state.h"

#include <catch2/catch.hpp>

#include "models/hex.h"
#include "scenarios/live/doors/swtpm_control.h"

using namespace vtwin;
using namespace vtwin::scenario::live;

namespace {

std::uint32_t code_of(const std::string& hex) {
    return swtpm::unwrap_state(*models::from_hex(hex)).code;
}

}  // namespace

TEST_CASE("a state is wrapped as swtpm does and comes out again") {
    const tpm::bytes state = *models::from_hex("aabbcc");
    const tpm::bytes blob = swtpm::wrap_state(state);
    CHECK(models::to_hex(blob) == "0201000a000400000019000400000009000100000003aabbcc");
    const auto back = swtpm::unwrap_state(blob);
    CHECK(back.code == 0);
    CHECK(back.state == state);
    // Records that nobody knows stand before and behind it.
    const auto among = swtpm::unwrap_state(*models::from_hex(
        "0201000a00040000002d000700000002ffff00040000000f000200000000000100000003aabbcc000800000000"));
    CHECK(among.code == 0);
    CHECK(among.state == state);
}

TEST_CASE("broken and encrypted state blobs are refused with swtpm's results") {
    CHECK(code_of("") == swtpm::result::bad_parameter);
    CHECK(code_of("61626364") == swtpm::result::bad_parameter);
    // One octet less, one more than the header says; another header size.
    CHECK(code_of("0201000a000400000019000400000009000100000003aabb") == swtpm::result::bad_parameter);
    CHECK(code_of("0201000a000400000019000400000009000100000003aabbccdd") == swtpm::result::bad_parameter);
    CHECK(code_of("0201000b000400000019000400000009000100000003aabbcc") == swtpm::result::bad_parameter);
    CHECK(code_of("0303000a000400000019000400000009000100000003aabbcc") == swtpm::result::bad_version);
    CHECK(code_of("0201000a000200000019000400000009000100000003aabbcc") == swtpm::result::key_not_found);
    CHECK(code_of("0201000a000100000019000400000009000100000003aabbcc") == swtpm::result::key_not_found);
    // No migration record; no data in it; records that end behind the blob.
    CHECK(code_of("0201000a000400000013000100000003aabbcc") == swtpm::result::fail);
    CHECK(code_of("0201000a000400000019000400000009000200000003aabbcc") == swtpm::result::fail);
    CHECK(code_of("0201000a0004000000190004ffffffff000100000003aabbcc") == swtpm::result::fail);
    CHECK(code_of("0201000a000400000019000400000009000100000004aabbcc") == swtpm::result::fail);
}
