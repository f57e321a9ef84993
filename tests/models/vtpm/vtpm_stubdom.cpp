// The vTPM program over a real TPM 1.2 engine: dispatch, persistence, pass-through, deep quote and its
// authorisation.
#include "models/vtpm/vtpm_stubdom.h"

#include <openssl/sha.h>

#include "tests/models/vtpm/program_bench.h"
#include "tpm/codec/tpm12_crypto.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::vtpm_test;

namespace {

const bytes pcr_read = *from_hex("00c10000000e0000001500000004");

}  // namespace

TEST_CASE("vtpm program seeds itself then loads then serves and saves after each success") {
    simulate([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom& program) {
            CHECK(code_of(client.command(pcr_read)) == 0);
            CHECK(program.started_fresh());
            REQUIRE(bench.manager.seen.size() == 4);
            CHECK(to_hex(bench.manager.seen[0]) == "00c10000000e0000004600000080");
            CHECK(to_hex(bench.manager.seen[1]) == "00c10000000e0000004600000080");
            CHECK(to_hex(bench.manager.seen[2]) == "01c10000000a00000002");
            CHECK(bench.saves() == 1);
            // A command that fails stores nothing.
            CHECK(code_of(client.command(*from_hex("00c10000000e0000001500000063"))) != 0);
            CHECK(bench.saves() == 1);
        });
        CHECK(bench.saves() == 2);  // orderly end
    });
}

TEST_CASE("vtpm program restores its TPM after a restart") {
    simulate([](bench& bench) {
        bytes first, second;
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            first = bench.guest(client).read_pubek().value.encode();
        });
        bench.run([&](fake_clients& client, vtpm_stubdom& program) {
            second = bench.guest(client).read_pubek().value.encode();
            CHECK_FALSE(program.started_fresh());
        });
        CHECK(first.size() == 284);
        CHECK(first == second);
    });
}

TEST_CASE("vtpm program keeps PCRs over a save start and resets them over a clear start") {
    simulate([](bench& bench) {
        const tpm12::digest measured{std::byte{7}};
        tpm12::digest extended{};
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            extended = bench.guest(client).extend(4, measured).value;
        });
        bench.run([&](fake_clients& client,
                      vtpm_stubdom&) { CHECK(bench.guest(client).pcr_read(4).value == extended); },
                  "save");
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            CHECK(bench.guest(client).pcr_read(4).value == tpm12::digest{});
        });
    });
}

TEST_CASE("vtpm program answers capabilities as the emulator with its patches") {
    simulate([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            CHECK(to_hex(client.command(*from_hex("00c100000016000000650000000500000004"
                                                  "00000115"))) ==
                  "00c40000001e0000000000000010000b71b0001e8480000b71b0000b71b0");
            CHECK(to_hex(client.command(*from_hex("00c100000016000000650000000500000004"
                                                  "00000120"))) ==
                  "00c40000001a000000000000000c002dc6c0002dc6c023c34600");
        });
    });
}

TEST_CASE("vtpm program rewrites pass-through tags so that no guest speaks as a vTPM") {
    simulate([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            client.command(*from_hex("01c10000000a00000002"));
            CHECK(to_hex(bench.manager.last()) == "00c10000000a00000002");
            client.command(*from_hex("01c20000000a02000101"));
            CHECK(to_hex(bench.manager.last()) == "01c20000000a02000101");
        });
    });
}

TEST_CASE("vtpm program error replies carry the request tag when faithful") {
    simulate([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            CHECK(to_hex(client.command(*from_hex("00c20000000a0000002c"))) == "00c30000000a0000000a");
            CHECK(to_hex(client.command(*from_hex("00c10000000a0000002c"))) == "00c40000000a0000000a");
            CHECK(to_hex(client.command(*from_hex("00c100"))) == "00c40000000a00000009");
            CHECK(client.command({}).empty());
        });
    });
}

TEST_CASE("vtpm program error replies carry the right tag when hardened") {
    simulate([](bench& bench) {
        vtpm_params params;
        params.behaviours.set(behaviour::vtpm_error_reply_carries_request_tag, true);
        bench.run(
            [&](fake_clients& client, vtpm_stubdom&) {
                CHECK(to_hex(client.command(*from_hex("00c20000000a0000002c"))) == "00c40000000a0000000a");
            },
            "", params);
    });
}

TEST_CASE("vtpm program lets a client claim any locality only when faithful") {
    simulate([](bench& bench) {
        // PCR 21 may be extended from locality 2 only; 34 counts as 2.
        const bytes extend = *from_hex("00c1000000220000001400000015" + std::string(40, '1'));
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            CHECK(code_of(client.command(extend, 0)) == 61);
            CHECK(code_of(client.command(extend, 2)) == 0);
            CHECK(code_of(client.command(extend, 34)) == 0);
        });
        vtpm_params params;
        params.behaviours.set_all(true);
        bench.run(
            [&](fake_clients& client, vtpm_stubdom&) { CHECK(code_of(client.command(extend, 2)) == 9); }, "",
            params);
        // With a rule the label decides.
        bench.run(
            [&](fake_clients& client, vtpm_stubdom&) {
                CHECK(code_of(client.command(extend, 2)) == 0);
                CHECK(code_of(client.command(extend, 1)) == 9);
            },
            "locality=system_u:system_r:domU_t=0,2", params);
    });
}

TEST_CASE("vtpm program tells an observer what its TPM executes and what was charged for it") {
    simulate([](bench& bench) {
        std::vector<tpm::chip_command> seen;
        vtpm_params params;
        params.costs.vtpm_command = sc_core::sc_time(40, sc_core::SC_US);
        params.costs.rsa_private = sc_core::sc_time(3, sc_core::SC_MS);
        params.on_executed = [&](const tpm::chip_command& what) { seen.push_back(what); };
        bench.run(
            [&](fake_clients& client, vtpm_stubdom&) {
                sc_core::wait(5, sc_core::SC_MS);
                client.command(pcr_read);
                client.command(*from_hex("00c10000000a00000016"), 2);  // TPM_Quote, broken off
                client.command(*from_hex("00c100000009000000"));       // never reaches the TPM
            },
            "", params);
        REQUIRE(seen.size() == 2);
        const sc_core::sc_time begin(5, sc_core::SC_MS);
        CHECK(seen[0].ordinal == 0x15);
        CHECK(seen[0].result == 0);
        CHECK(seen[0].go == begin);
        CHECK(seen[0].done == begin + params.costs.vtpm_command);
        CHECK(seen[1].ordinal == 0x16);
        CHECK(seen[1].result != 0);
        CHECK(seen[1].locality == 2);
        CHECK(seen[1].done == seen[1].go + params.costs.rsa_private + params.costs.vtpm_command);
    });
}

TEST_CASE("vtpm program hides a failed store from the guest only when faithful") {
    simulate([](bench& bench) {
        bench.manager.save_status = 9;
        bench.run(
            [&](fake_clients& client, vtpm_stubdom&) { CHECK(code_of(client.command(pcr_read)) == 0); });
        vtpm_params params;
        params.behaviours.set(behaviour::vtpm_store_failure_reported_as_success, true);
        bench.run(
            [&](fake_clients& client, vtpm_stubdom&) {
                CHECK(code_of(client.command(pcr_read)) == 9);
                bench.manager.save_status = 0;
                CHECK(code_of(client.command(pcr_read)) == 9);
            },
            "", params);
    });
}

TEST_CASE("vtpm deep quote inner hash equals the known answer") {
    std::array<std::byte, 20> nonce;
    for (unsigned i = 0; i < 20; ++i)
        nonce[i] = std::byte(i);
    const std::array selection{std::byte{0x30}, std::byte{0}, std::byte{0}};
    const std::vector<std::array<std::byte, 20>> pcrs(24);
    CHECK(to_hex(deep_quote_inner(nonce, selection, 0, pcrs)) == "0aef31b19afe860319e6c8e33949209c6567df20");
}

TEST_CASE("vtpm deep quote is authorised by the owner and asks the manager for the hashed digest") {
    simulate([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto guest = bench.guest(client);
            const auto ek = guest.read_pubek();
            const tpm12::secret owner{std::byte{1}}, srk{std::byte{2}}, wrong{std::byte{3}};
            auto session = guest.oiap();
            REQUIRE(guest.take_ownership(ek.value, owner, srk, session.value));
            const auto vtpm_pcrs = tpm12::pcr_selection::of(0x30),
                       hardware_pcrs = tpm12::pcr_selection::of(0xE00FF);
            const tpm12::digest nonce{std::byte{9}};

            // The same session twice: nonces must roll as the engine rolls them.
            for (int round = 0; round < 2; ++round) {
                const auto quoted =
                    guest.deep_quote(nonce, vtpm_pcrs, hardware_pcrs, 3, {session.value, owner, true});
                REQUIRE(quoted.code == 0);
                CHECK(quoted.value == bench.manager.quote_body);
            }
            // The request before the save: GET_QUOTE with inner digest, selection and flags.
            const bytes& asked = bench.manager.seen[bench.manager.seen.size() - 2];
            REQUIRE(asked.size() == 39);
            CHECK(to_hex(byte_view(asked).first(10)) == "01c10000002700000004");
            CHECK(to_hex(byte_view(asked).subspan(30)) == "0003ff000e00000003");
            const std::vector<std::array<std::byte, 20>> zero(24);
            CHECK(to_hex(byte_view(asked).subspan(10, 20)) ==
                  to_hex(deep_quote_inner(nonce, vtpm_pcrs.map, 0, zero)));
            // And the session still serves an ordinary command of the engine.
            CHECK(guest.owner_read_internal_pub(tpm12::handle::srk, {session.value, owner, true}));

            auto osap = guest.osap(tpm12::entity::owner, tpm12::handle::owner, owner);
            CHECK(guest.deep_quote(nonce, vtpm_pcrs, hardware_pcrs, 0, {osap.value, owner, false}).code == 0);

            auto failing = guest.oiap();
            const auto handle = failing.value.handle();
            CHECK(guest.deep_quote(nonce, vtpm_pcrs, hardware_pcrs, 3, {failing.value, wrong, true}).code ==
                  1);
            CHECK(guest.terminate_handle(handle) == tpm12::rc::invalid_authhandle);  // the engine closed it
        });
    });
}

TEST_CASE("vtpm deep quote without an owner takes the zero secret only when faithful") {
    simulate([](bench& bench) {
        const auto ask = [&](fake_clients& client) {
            auto guest = bench.guest(client);
            auto session = guest.oiap();
            return guest
                .deep_quote({}, tpm12::pcr_selection::of(0x30), tpm12::pcr_selection::of(1), 0,
                            {session.value, {}, true})
                .code;
        };
        bench.run([&](fake_clients& client, vtpm_stubdom&) { CHECK(ask(client) == 0); });
        vtpm_params params;
        params.behaviours.set(behaviour::vtpm_deep_quote_without_owner, true);
        bench.run([&](fake_clients& client, vtpm_stubdom&) { CHECK(ask(client) == 1); }, "", params);
    });
}
