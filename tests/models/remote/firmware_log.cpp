// The firmware's event log: both of its forms, what they lead to, and what is no log.
#include "models/remote/firmware_log.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;
using remote::pcr_hash;

namespace {

bytes little(std::uint32_t value) {
    bytes octets;
    for (int shift = 0; shift < 32; shift += 8)
        octets.push_back(static_cast<std::byte>(value >> shift));
    return octets;
}

/// An event as firmware logs it for a TPM 1.2.
bytes event(std::uint32_t pcr, std::uint32_t type, const bytes& digest, const bytes& data) {
    return join({little(pcr), little(type), digest, little(static_cast<std::uint32_t>(data.size())), data});
}
/// The same with a SHA-1 and a SHA-256 digest.
bytes agile(std::uint32_t pcr, std::uint32_t type, const bytes& sha1, const bytes& sha256,
            const bytes& data) {
    return join({little(pcr), little(type), little(2), hex("0400"), sha1, hex("0b00"), sha256,
                 little(static_cast<std::uint32_t>(data.size())), data});
}
const bytes header = event(0, 3, bytes(20),
                           join({ascii("Spec ID Event03"), hex("00"), hex("00000000"), hex("00020002"),
                                 little(2), hex("04001400"), hex("0b002000"), hex("00")}));
const bytes one20 = bytes(20, std::byte{1}), two20 = bytes(20, std::byte{2});
const bytes one32 = bytes(32, std::byte{1}), two32 = bytes(32, std::byte{2});

}  // namespace

TEST_CASE("a firmware log of SHA-1 events leads to PCRs and leaves out what only informs") {
    const bytes log = join({event(4, 13, one20, ascii("boot sector")), event(4, 13, two20, {}),
                            event(0, 3, bytes(20), ascii("for information")), event(7, 4, two20, little(0))});
    const auto parsed = remote::parse_firmware_log(log, pcr_hash::sha1);
    REQUIRE(parsed.problem.empty());
    CHECK(parsed.events.size() == 4);
    const auto values = parsed.replay(pcr_hash::sha1);
    CHECK(values.size() == 2);
    CHECK(values.at(4) == h1({h1({bytes(20), one20}), two20}));
    CHECK(values.at(7) == h1({bytes(20), two20}));
    CHECK(parsed.of(4).size() == 2);
    CHECK(parsed.of(0).empty());
    // A SHA-256 bank cannot be explained by it.
    CHECK_FALSE(remote::parse_firmware_log(log, pcr_hash::sha256).problem.empty());
}

TEST_CASE("a crypto-agile firmware log gives the digests of the bank that is asked for") {
    const bytes locality = join({ascii("StartupLocality"), hex("0003")});
    const bytes log = join({header, agile(0, 3, bytes(20), bytes(32), locality),
                            agile(0, 8, one20, two32, {}), agile(5, 4, two20, one32, little(0))});
    const auto parsed = remote::parse_firmware_log(log, pcr_hash::sha256);
    REQUIRE(parsed.problem.empty());
    CHECK(parsed.startup_locality == 3);
    bytes first(32);
    first.back() = std::byte{3};
    CHECK(parsed.replay(pcr_hash::sha256).at(0) == remote::sha256(join({first, two32})));
    CHECK(parsed.replay(pcr_hash::sha256).at(5) == remote::sha256(join({bytes(32), one32})));
    const auto sha1 = remote::parse_firmware_log(log, pcr_hash::sha1);
    CHECK(sha1.replay(pcr_hash::sha1).at(5) == h1({bytes(20), two20}));
}

TEST_CASE("a firmware log that ends anywhere else or states what cannot be is refused") {
    const bytes log = join({header, agile(4, 13, one20, one32, ascii("x")), agile(5, 4, two20, two32, {})});
    const bytes old = join({event(4, 13, one20, ascii("x")), event(5, 4, two20, {})});
    for (const auto& [whole, bank] : {std::pair{log, pcr_hash::sha256}, std::pair{old, pcr_hash::sha1}}) {
        std::size_t shorter_logs = 0;
        for (std::size_t size = 0; size < whole.size(); ++size)
            shorter_logs += remote::parse_firmware_log(byte_view(whole).first(size), bank).problem.empty();
        // Between two events a log may end; in front of the first it is empty.
        CHECK(shorter_logs == 1);
    }
    const auto refused = [](const bytes& octets, pcr_hash bank) {
        return !remote::parse_firmware_log(octets, bank).problem.empty();
    };
    CHECK(refused(event(24, 4, one20, {}), pcr_hash::sha1));
    CHECK(refused(join({little(0), little(4), one20, little(0xFFFFFFFF)}), pcr_hash::sha1));
    // An algorithm that the header does not know; too many digests; no digest of the bank.
    CHECK(refused(join({header, little(4), little(4), little(1), hex("0c00"), bytes(48), little(0)}),
                  pcr_hash::sha256));
    CHECK(refused(join({header, little(4), little(4), little(17)}), pcr_hash::sha256));
    CHECK(refused(join({header, little(4), little(4), little(1), hex("0400"), one20, little(0)}),
                  pcr_hash::sha256));
    bytes odd = header;
    odd.at(32 + 24) = std::byte{200};  // 200 algorithms
    CHECK(refused(join({odd, agile(4, 4, one20, one32, {})}), pcr_hash::sha256));
}

TEST_CASE("an event is described by its type and by what can be read of it") {
    const auto said = [](std::uint32_t type, const bytes& data) {
        return remote::describe(remote::firmware_event{0, type, {}, data});
    };
    CHECK(said(13, ascii("grub_cmd: linux /vmlinuz")) == "EV_IPL grub_cmd: linux /vmlinuz");
    CHECK(said(4, hex("00000000")) == "EV_SEPARATOR");
    CHECK(said(13, hex("1b5b324a")) == "EV_IPL");  // no escapes for a terminal
    CHECK(said(0x80000002, join({bytes(16), little(9), little(0), little(0), little(0),
                                 hex("42006f006f0074004f007200640065007200")})) ==
          "EV_EFI_VARIABLE_BOOT BootOrder");
    CHECK(said(0x80000002, join({bytes(16), little(0xFFFFFFFF), little(0)})) == "EV_EFI_VARIABLE_BOOT");
    CHECK(said(0x12345, {}) == "event type 0x12345");
    CHECK(said(13, bytes(300, std::byte{'a'})).size() == 7 + 60);
}
