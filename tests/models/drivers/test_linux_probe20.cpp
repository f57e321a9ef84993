// The probe of a kernel that asks for the TPM's family first: what it sends to a TPM 2.0 and to a TPM 1.2,
// and how long it waits for TPM 2.0 commands. The order is the one that Linux 6.1 was seen to send.
#include "tests/models/drivers/world.h"
#include "tpm/codec/tpm20.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;
namespace t20 = vtwin::tpm::tpm20;

namespace {

const std::string version_probe = "8001000000160000017a000000060000012900000001";
const std::string quick_test = "80010000000b0000014300", full_test = "80010000000b0000014301";
const std::string done = "80010000000a00000000";
// Three commands: CreatePrimary, PCR_Read, PCR_Extend.
const std::string commands = "8001000000160000017a000000020000011f00000003";
const std::string banks = "8001000000160000017a000000050000000000000001";
const lines probe20{version_probe,
                    quick_test,
                    version_probe,
                    commands,
                    banks,
                    "80010000000c0000017b0020",
                    "80010000000c0000017b0040"};

/// A TPM 2.0 with banks SHA-1 and SHA-256.
bytes tpm20_answer(byte_view command) {
    const std::string text = to_text(command);
    if (text == version_probe)
        return from_hex("80010000001b00000000 00 00000006 00000001 00000129 00000003");
    if (text == commands)
        return from_hex("80010000001f00000000 00 00000002 00000003 00000131 0000017e 00000182");
    if (text == banks)
        return from_hex("80010000001f00000000 00 00000005 00000002 0004 03 ffffff 000b 03 ffffff");
    if (text.substr(12, 8) == "0000017b") {
        const auto count = std::to_integer<std::uint8_t>(command.back());
        bytes response = from_hex("800100000000000000000000");
        response[5] = static_cast<std::byte>(12 + count);
        response[11] = static_cast<std::byte>(count);
        response.resize(12 + count, std::byte{0x5A});
        return response;
    }
    return from_hex(done);
}

/// A guest whose driver asks for the family; `more` runs when the device is there.
struct probed {
    explicit probed(std::function<bytes(byte_view)> answer)
        : vtpm(w), guest(w.add("guest", kernel_flavour::linux_pv)) {
        vtpm.answer = std::move(answer);
        driver_params params = linux_guest::tuned();
        params.linux_probes_tpm20 = true;
        bus = std::make_unique<linux_xenbus>(guest.os);
        front = std::make_unique<linux_tpmfront>(guest.os, *bus, w.behaviours, params);
        guest.os.set_main([this] {
            bus->start();
            bus->register_driver(*front);
            front->wait_until_present();
            more();
        });
    }
    void run() {
        w.run([&](xen::store_client& client) {
            w.create(client, vtpm.guest);
            w.unpause(vtpm.guest);
            w.create(client, guest);
            w.attach(client, guest, vtpm.guest);
            REQUIRE(w.await(client, w.back(guest, vtpm.guest) + "/state", "2"));
            w.unpause(guest);
            REQUIRE(w.await(client, w.front(guest) + "/state", "4"));
            sc_core::wait(ms(9000));
        });
    }
    const linux_tpm_chip& chip() { return front->chip(); }
    world w;
    vtpm_domain vtpm;
    guest_domain& guest;
    std::unique_ptr<linux_xenbus> bus;
    std::unique_ptr<linux_tpmfront> front;
    std::function<void()> more = [] {};
};

}  // namespace

TEST_CASE("linux asks a TPM 2.0 for its commands and its banks") {
    probed p(tpm20_answer);
    p.run();
    CHECK(p.vtpm.seen == probe20);
    CHECK(p.chip().is_tpm20());
    CHECK(p.chip().banks() == std::vector<std::uint16_t>{t20::alg::sha1, t20::alg::sha256});
    CHECK(p.chip().timeouts_text() == "750000 4000000 200000 30000");
    CHECK(p.chip().duration_of(t20::cc::startup) == ms(750));
    CHECK(p.chip().duration_of(t20::cc::pcr_extend) == ms(750));
    CHECK(p.chip().duration_of(t20::cc::self_test) == ms(2000));
    CHECK(p.chip().duration_of(t20::cc::create_primary) == ms(300000));
    CHECK(p.chip().duration_of(t20::cc::quote) == ms(120000));
    CHECK(p.chip().duration_of(t20::cc::deep_quote) == ms(120000));
}

TEST_CASE("linux that asks a TPM 1.2 for its family goes on with TPM 1.2") {
    probed p([](byte_view command) {
        return to_text(command) == version_probe ? from_hex("00c40000000a0000001e") : vtpm_answer(command);
    });
    p.run();
    CHECK_FALSE(p.chip().is_tpm20());
    REQUIRE(p.vtpm.seen.size() == 5);
    CHECK(p.vtpm.seen[0] == version_probe);
    CHECK(p.vtpm.seen[1] == "00c10000001600000065000000050000000400000115");
    CHECK(p.chip().timeouts_text() == "752000 2000000 752000 752000");
}

TEST_CASE("linux starts a TPM 2.0 that was not started and tests it in full when the quick test fails") {
    bool started = false;
    probed p([&](byte_view command) {
        const std::string text = to_text(command);
        if (text.substr(12, 8) == "00000144")
            started = true;
        if (text == quick_test)
            return from_hex(started ? "80010000000a00000101" : "80010000000a00000100");
        return tpm20_answer(command);
    });
    p.run();
    const lines expected{version_probe, quick_test, "80010000000c000001440000", quick_test, full_test};
    REQUIRE(p.vtpm.seen.size() == 10);
    CHECK(lines(p.vtpm.seen.begin(), p.vtpm.seen.begin() + 5) == expected);
    CHECK(p.chip().banks().size() == 2);
}

TEST_CASE("linux sends a TPM 2.0 command again with doubling pauses when the TPM asks for it") {
    int refusals = 3;
    bool for_ever = false;
    probed p([&](byte_view command) {
        if (to_text(command) == "80010000000c0000017b0008" && (for_ever || refusals-- > 0))
            return from_hex("80010000000a00000922");
        return tpm20_answer(command);
    });
    std::size_t first = 0, second = 0;
    sc_time taken;
    p.more = [&] {
        p.guest.os.sleep(ms(50));  // past the kernel's own random numbers
        const std::size_t before = p.vtpm.seen.size();
        const sc_time asked = p.guest.os.now();
        CHECK(p.front->transmit(t20::get_random(8)).response.size() == 20);
        taken = p.guest.os.now() - asked;
        first = p.vtpm.seen.size() - before;
        for_ever = true;
        // 20 to 1280 ms are seven pauses; the next would be longer than the long duration.
        CHECK(to_text(p.front->transmit(t20::get_random(8)).response) == "80010000000a00000922");
        second = p.vtpm.seen.size() - before - first;
    };
    p.run();
    CHECK(first == 4);
    CHECK(second == 8);
    CHECK(taken >= ms(20 + 40 + 80));
    CHECK(taken < ms(20 + 40 + 80 + 60));
}
