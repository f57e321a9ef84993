// The resource manager in Linux' kernel over a real TPM 2.0, with sequences of hashes for objects: each is
// state of its own, and they cost nothing to make. Hostile answers come from a table.
#include "models/drivers/linux_tpm_space.h"

#include "models/chance.h"
#include "tests/models/drivers/world.h"
#include "tpm/codec/tpm12_crypto.h"
#include "tpm/codec/tpm20_frame.h"
#include "tpm/engine/libtpms_engine.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;
namespace t20 = vtwin::tpm::tpm20;

namespace {

constexpr std::uint32_t hash_sequence_start = 0x186, sequence_update = 0x15C, sequence_complete = 0x13E,
                        policy_command_code = 0x16C, policy_get_digest = 0x189;
constexpr std::uint32_t first_place = 0x80FFFFFF;
constexpr int no_memory = -12, fault = -14, no_entry = -2;

/// A driver whose TPM answers at once; a command takes a millisecond.
struct direct_driver : linux_tpm_driver_if {
    explicit direct_driver(kernel& owner) : os(owner) {}
    int send(byte_view command) override {
        os.sleep(ms(1));
        codes.push_back(to_text(command.subspan(6, 4)).substr(5));
        if (const bool loses = codes.back() == lost; loses) {
            return -5;
        }
        response = answer(command);
        return 0;
    }
    int receive(std::span<std::byte> buffer) override {
        std::ranges::copy(response, buffer.begin());
        return static_cast<int>(response.size());
    }
    void cancel() override {}
    std::uint8_t status() override { return status_idle | status_result; }

    kernel& os;
    std::function<bytes(byte_view)> answer;
    bytes response;
    lines codes;  ///< of the commands, three digits
    std::string lost;
};

struct space_world {
    space_world()
        : engine{library, {"vtpm", tpm::family::tpm20, 4096}, entropy, [] { return 0; }},
          guest(w.add("guest", kernel_flavour::linux_pv)),
          driver(guest.os),
          chip(guest.os, driver, quiet()) {
        engine.power_cycle();
        driver.answer = [this](byte_view command) { return engine.execute(command, 0); };
    }
    static driver_params quiet() {
        driver_params params;
        params.linux_hwrng = false;
        return params;
    }
    void run(std::function<void()> program) {
        guest.os.set_main([this, program] {
            REQUIRE(chip.probe_tpm20() == 0);
            REQUIRE(chip.start_tpm20() == 0);
            REQUIRE(chip.register_chip() == 0);
            driver.codes.clear();
            program();
            done = true;
        });
        w.run([&](xen::store_client& client) {
            w.create(client, guest);
            w.unpause(guest);
            sc_core::wait(ms(60000));
        });
        REQUIRE(done);
    }
    /// What went to the TPM since the last call.
    std::string seen() {
        std::string text;
        for (const auto& code : std::exchange(driver.codes, {}))
            text += (text.empty() ? "" : " ") + code;
        return text;
    }
    /// Handles of loaded or of saved things in the TPM itself, beside all files: eight digits each.
    std::string in_tpm(std::uint32_t first) {
        const auto answer = to_text(engine.execute(t20::get_capability(t20::cap::handles, first, 9), 0));
        return answer.substr(38);
    }

    world w;
    tpm::libtpms_host library;
    chance_stream entropy{1, "vtpm"};
    tpm::libtpms_engine engine;
    guest_domain& guest;
    direct_driver driver;
    linux_tpm_chip chip;
    bool done = false;
};

/// One open file.
struct file {
    explicit file(space_world& in, driver_params params = {}) : space(in.chip, in.guest.os, params) {}
    int write(byte_view command) { return space.transmit_from_user(command, answer); }
    /// The return code of a command that comes back.
    std::uint32_t code(byte_view command) {
        REQUIRE(write(command) >= 10);
        REQUIRE(answer.size() == tpm::load_be32(byte_view(answer).subspan(2, 4)));
        return tpm::load_be32(byte_view(answer).subspan(6, 4));
    }
    std::string text() const { return to_text(answer); }

    linux_tpm_space space;
    bytes answer;
};

std::uint32_t handle_in(const file& f) {
    return tpm::load_be32(byte_view(f.answer).subspan(10, 4));
}
bytes start_sequence() {
    tpm::wire_writer body;
    return t20::plain(hash_sequence_start, body.u16(0).u16(t20::alg::sha1));
}
bytes with_data(std::uint32_t code, std::uint32_t sequence, std::string_view data) {
    tpm::wire_writer body;
    body.sized16(std::as_bytes(std::span(data)));
    if (code == sequence_complete)
        body.u32(t20::handle::null);
    return t20::with_password(code, t20::one_handle(sequence), {}, body);
}
/// TPM2B_DIGEST behind a response's parameter size.
std::string digest_in(const file& f) {
    return f.text().substr(2 * 16, 40);
}
std::string sha1_of(std::string_view text) {
    const auto digest = tpm::tpm12::sha1({std::as_bytes(std::span(text))});
    return to_text(digest);
}
bytes start_session(std::uint8_t type) {
    tpm::wire_writer body;
    body.u32(t20::handle::null).u32(t20::handle::null).sized16(bytes(20, std::byte{1})).sized16({});
    return t20::plain(t20::cc::start_auth_session, body.u8(type).u16(t20::alg::null).u16(t20::alg::sha1));
}
bytes list_handles(std::uint32_t first) {
    return t20::get_capability(t20::cap::handles, first, 9);
}
bytes code_policy(std::uint32_t session) {
    return t20::plain(policy_command_code, tpm::wire_writer().u32(session).u32(t20::cc::unseal));
}
bytes policy_digest(std::uint32_t session) {
    return t20::plain(policy_get_digest, tpm::wire_writer().u32(session));
}

}  // namespace

TEST_CASE("files of the resource manager hold more objects together than the TPM has room for") {
    space_world s;
    s.run([&] {
        file a(s), b(s);
        for (const std::uint32_t place : {first_place, first_place - 1, first_place - 2}) {
            for (file* each : {&a, &b}) {
                REQUIRE(each->code(start_sequence()) == 0);
                CHECK(handle_in(*each) == place);
            }
        }
        CHECK(s.in_tpm(0x80000000) == "");
        // What is done to one is done to none of the others.
        for (const std::uint32_t place : {first_place, first_place - 1, first_place - 2}) {
            CHECK(a.code(with_data(sequence_update, place, fmt::format("a{:x} ", place))) == 0);
            CHECK(b.code(with_data(sequence_update, place, fmt::format("b{:x} ", place))) == 0);
        }
        for (const std::uint32_t place : {first_place, first_place - 1, first_place - 2}) {
            CHECK(a.code(with_data(sequence_complete, place, "end")) == 0);
            CHECK(digest_in(a) == sha1_of(fmt::format("a{:x} end", place)));
            CHECK(b.code(with_data(sequence_complete, place, "end")) == 0);
            CHECK(digest_in(b) == sha1_of(fmt::format("b{:x} end", place)));
        }
        CHECK(s.chip.listed_commands() > 100);
    });
}

TEST_CASE("a command on a file of the resource manager costs the loading and saving of what the file has") {
    space_world s;
    s.run([&] {
        file f(s);
        const auto took = [&](byte_view command) {
            s.guest.os.pay();
            const sc_time begin = sc_time_stamp();
            CHECK(f.code(command) == 0);
            s.guest.os.pay();
            return sc_time_stamp() - begin;
        };
        CHECK(took(t20::get_random(4)) >= ms(1));
        CHECK(s.seen() == "17b");
        CHECK(took(start_sequence()) >= ms(3));
        CHECK(s.seen() == "186 162 165");
        CHECK(took(start_session(1)) >= ms(5));
        CHECK(s.seen() == "161 176 162 165 162");
        const std::uint32_t session = handle_in(f);
        CHECK(session >> 24 == 3);
        const sc_time all = took(t20::get_random(4));
        CHECK(s.seen() == "161 161 17b 162 165 162");
        CHECK((all >= ms(6) && all < ms(7)));
        // A sequence that has ended and a session that was flushed are forgotten when they cannot be saved.
        CHECK(took(with_data(sequence_complete, first_place, "")) >= ms(4));
        CHECK(s.seen() == "161 161 13e 162 162");
        CHECK(took(t20::flush_context(session)) >= ms(3));
        CHECK(s.seen() == "161 165 162");
        took(t20::get_random(4));
        CHECK(s.seen() == "17b");
    });
}

TEST_CASE("an object of one file of the resource manager is no object of another") {
    space_world s;
    s.run([&] {
        file a(s), b(s);
        REQUIRE(a.code(start_sequence()) == 0);
        CHECK(b.write(with_data(sequence_update, first_place, "x")) == invalid);
        CHECK(b.write(t20::flush_context(first_place)) == invalid);
        CHECK(a.write(with_data(sequence_update, first_place - 1, "x")) == invalid);
        CHECK(a.write(with_data(sequence_update, first_place - 3, "x")) == invalid);
        CHECK(a.write(with_data(sequence_update, 0x80000000, "x")) == invalid);
        CHECK(b.answer.empty());
        // The kernel looks at handles of the command, not at those of its parameters and sessions.
        CHECK(a.code(with_data(sequence_update, 0x81000001, "x")) == 0x18B);
        CHECK(a.code(with_data(sequence_complete, first_place, "x")) == 0);
        CHECK(digest_in(a) == sha1_of("x"));
    });
}

TEST_CASE("the resource manager lists a file's own objects and everybody's sessions") {
    space_world s;
    s.run([&] {
        file a(s), b(s);
        REQUIRE(a.code(start_sequence()) == 0);
        REQUIRE(a.code(start_sequence()) == 0);
        REQUIRE(b.code(start_session(0)) == 0);
        CHECK(a.code(list_handles(0x80000000)) == 0);
        CHECK(a.text() == "80010000001b00000000000000000100000002" + std::string("80ffffff80fffffe"));
        CHECK(b.code(list_handles(0x80000000)) == 0);
        CHECK(b.text() == "80010000001300000000000000000100000000");
        CHECK(a.code(t20::flush_context(first_place)) == 0);
        CHECK(a.code(list_handles(0x80000000)) == 0);
        CHECK(a.text() == "80010000001700000000000000000100000001" + std::string("80fffffe"));
        CHECK(a.code(list_handles(0x03000000)) == 0);  // saved sessions
        CHECK(a.text() == "80010000001700000000000000000100000001" + std::string("02000000"));
        // The place is given to the next one.
        REQUIRE(a.code(start_sequence()) == 0);
        CHECK(handle_in(a) == first_place);
        // Another property is left as it came, though its numbers look like handles.
        CHECK(a.code(t20::get_capability(t20::cap::tpm_properties, 0x105, 1)) == 0);
        CHECK(a.text() ==
              to_text(s.engine.execute(t20::get_capability(t20::cap::tpm_properties, 0x105, 1), 0)));
    });
}

TEST_CASE("sessions of the resource manager keep the number and the state that the TPM gave them") {
    space_world s;
    s.run([&] {
        file a(s), b(s);
        REQUIRE(a.code(start_session(1)) == 0);
        const std::uint32_t of_a = handle_in(a);
        REQUIRE(b.code(start_session(1)) == 0);
        const std::uint32_t of_b = handle_in(b);
        CHECK(of_a != of_b);
        CHECK(s.in_tpm(0x02000000) == "");  // none is loaded
        CHECK(a.code(code_policy(of_a)) == 0);
        CHECK(b.code(policy_digest(of_b)) == 0);
        CHECK(b.text().substr(24) == std::string(40, '0'));
        CHECK(a.code(policy_digest(of_a)) == 0);
        const auto zero = bytes(20);
        const auto what = from_hex("0000016c0000015e");
        CHECK(a.text().substr(24) == to_text(tpm::tpm12::sha1({zero, what})));
        // Another file's session is not loaded.
        CHECK(b.code(policy_digest(of_a)) != 0);
    });
}

TEST_CASE("an HMAC session of the resource manager authorises command after command") {
    space_world s;
    s.run([&] {
        file f(s);
        REQUIRE(f.code(start_session(0)) == 0);
        const std::uint32_t session = handle_in(f);
        bytes nonce_tpm(f.answer.begin() + 16, f.answer.begin() + 36);
        const bytes nonce_caller(20, std::byte{7});
        const auto extend = [&](const bytes& newest) {
            const auto pcr = from_hex("00000010"), code = from_hex("00000182"), keep = from_hex("01");
            tpm::wire_writer digests;
            digests.u32(1).u16(t20::alg::sha1).raw(bytes(20, std::byte{9}));
            const auto cp_hash = tpm::tpm12::sha1({code, pcr, digests.data()});
            const auto hmac = tpm::tpm12::hmac_sha1({}, {cp_hash, nonce_caller, newest, keep});
            tpm::wire_writer area;
            area.u32(session).sized16(nonce_caller).raw(keep).sized16(hmac);
            return t20::authorised(t20::cc::pcr_extend, pcr, area.data(), digests);
        };
        for (int i = 0; i < 3; ++i) {
            REQUIRE(f.code(extend(nonce_tpm)) == 0);
            CHECK(s.seen().ends_with("161 182 162"));
            nonce_tpm.assign(f.answer.begin() + 16, f.answer.begin() + 36);
        }
        CHECK(f.code(extend(bytes(20))) == 0x9A2);  // TPM_RC_BAD_AUTH of session 1
    });
}

TEST_CASE("a full space of the resource manager refuses one more and keeps what it has") {
    space_world s;
    s.run([&] {
        file f(s);
        for (int i = 0; i < 3; ++i)
            REQUIRE(f.code(start_session(1)) == 0);
        CHECK(s.in_tpm(0x03000000).size() == 3 * 8);
        // The TPM has room for three, and the space too.
        REQUIRE(f.code(start_session(1)) == 0x903);  // TPM_RC_SESSION_MEMORY
        file g(s);
        for (int i = 0; i < 3; ++i)
            REQUIRE(g.code(start_sequence()) == 0);
        REQUIRE(g.code(with_data(sequence_update, first_place, "x")) == 0);
        CHECK(g.code(start_sequence()) == 0x902);  // TPM_RC_OBJECT_MEMORY
        CHECK(g.code(with_data(sequence_complete, first_place, "")) == 0);
        CHECK(digest_in(g) == sha1_of("x"));
        g.space.close();
        f.space.close();
        CHECK(s.in_tpm(0x03000000) == "");
    });
}

TEST_CASE("closing a file of the resource manager leaves nothing of it in the TPM") {
    space_world s;
    s.run([&] {
        file a(s), b(s);
        REQUIRE(a.code(start_sequence()) == 0);
        REQUIRE(a.code(start_session(1)) == 0);
        REQUIRE(b.code(start_session(0)) == 0);
        s.seen();
        a.space.close();
        CHECK(s.seen() == "165");
        CHECK(s.in_tpm(0x80000000) == "");
        CHECK(s.in_tpm(0x03000000) == fmt::format("{:08x}", handle_in(b)));
        // Opened again.
        CHECK(a.write(with_data(sequence_update, first_place, "x")) == invalid);
        CHECK(a.code(list_handles(0x80000000)) == 0);
        CHECK(a.text().ends_with("00000000"));
        s.chip.unregister_chip();
        s.seen();
        b.space.close();
        CHECK(b.write(t20::get_random(4)) == broken_pipe);
        CHECK(s.seen() == "");
    });
}

TEST_CASE("the resource manager answers for itself what the TPM did not list") {
    space_world s;
    s.run([&] {
        file f(s);
        CHECK(f.code(from_hex("80010000000a00000fff")) == 0x000B0143);
        CHECK(f.text() == "80010000000a000b0143");
        CHECK(f.code(from_hex("00c10000000a00000099")) == 0x000B0143);
        CHECK(s.seen() == "");
        // What write() refuses.
        CHECK(f.write(from_hex("8001000000")) == invalid);
        CHECK(f.write(from_hex("80010000000b00000143")) == invalid);
        CHECK(f.write(bytes(4097)) == -7);
        // Codes that the TPM refuses pass through.
        CHECK(f.code(from_hex("80010000000a0000017b")) == 0x1DA);  // GetRandom without its number
        CHECK(s.seen() == "17b");
    });
}

TEST_CASE("a driver without a TPM 2.0 has no resource manager") {
    space_world s;
    s.run([&] {
        file f(s);
        s.chip.reset();
        REQUIRE(s.chip.register_chip() == 0);
        CHECK(f.write(t20::get_random(4)) == invalid);
        CHECK(s.seen() == "");
    });
}

TEST_CASE("a command that fails on its way leaves nothing of its file in the TPM") {
    space_world s;
    s.run([&] {
        file f(s);
        REQUIRE(f.code(start_sequence()) == 0);
        REQUIRE(f.code(start_session(1)) == 0);
        const std::uint32_t session = handle_in(f);
        REQUIRE(f.code(with_data(sequence_update, first_place, "x")) == 0);
        s.seen();
        s.driver.lost = "17b";
        CHECK(f.write(t20::get_random(4)) == -5);
        CHECK(s.seen() == "161 161 17b 165 165");
        CHECK(s.in_tpm(0x80000000) == "");
        // The object is as it was saved, the session is lost: its context is refused and forgotten.
        s.driver.lost.clear();
        CHECK(f.code(with_data(sequence_complete, first_place, "")) == 0);
        CHECK(digest_in(f) == sha1_of("x"));
        CHECK(s.seen() == "161 161 13e 162");
        CHECK(f.code(policy_digest(session)) != 0);

        driver_params before;
        before.linux_space_flushed_on_failure = false;
        file old(s, before);
        REQUIRE(old.code(start_sequence()) == 0);
        s.driver.lost = "17b";
        CHECK(old.write(t20::get_random(4)) == -5);
        CHECK(s.in_tpm(0x80000000) == "80000000");
    });
}

namespace {

/// The engine, but a command with this code is answered with that.
void answer_instead(space_world& s, const std::string& code, const std::string& hex) {
    s.driver.answer = [&s, code, hex](byte_view command) {
        return to_text(command).substr(12, 8) == code ? from_hex(hex) : s.engine.execute(command, 0);
    };
}

}  // namespace

TEST_CASE("the resource manager bears what a hostile TPM answers") {
    space_world s;
    s.run([&] {
        file f(s);
        // A success without the handle that it ought to have.
        answer_instead(s, "00000186", "80010000000a00000000");
        CHECK(f.code(start_sequence()) == 0);
        // A handle of no known kind is nobody's.
        answer_instead(s, "00000186", "80010000000e0000000012345678");
        CHECK(f.code(start_sequence()) == 0);
        CHECK(handle_in(f) == 0x12345678);
        CHECK(s.guest.has_logged("tpmrm: unknown handle 0x12345678"));
        // An object that is none: a number that the TPM never gives, and one that it has not given.
        answer_instead(s, "00000186", "80010000000e0000000080000005");
        CHECK(f.write(start_sequence()) == fault);
        answer_instead(s, "00000186", "80010000000e0000000080000002");
        CHECK(f.code(start_sequence()) == 0);
        CHECK(f.write(with_data(sequence_update, first_place, "x")) == invalid);
        // A list that is longer or shorter than it says.
        for (const char* list : {"8001000000170000000000000000010000000280000000",
                                 "8001000000170000000000000000014000000180000000",
                                 "80010000001700000000000000000100000000"
                                 "80000000",
                                 "80010000000a00000000"}) {
            answer_instead(s, "0000017a", list);
            CHECK(f.write(list_handles(0x80000000)) == fault);
        }
        CHECK(s.guest.has_logged("tpmrm: the space is not kept: error -14"));
    });
}

TEST_CASE("the resource manager gives up a command when contexts cannot be saved or loaded") {
    space_world s;
    s.run([&] {
        file f(s);
        // The gap between the oldest and the newest saved session, told by the command itself and by a save.
        answer_instead(s, "00000176", "80010000000a00000901");
        CHECK(f.code(start_session(1)) == 0x901);
        answer_instead(s, "00000162", "80010000000a00000901");
        CHECK(f.write(start_session(1)) == fault);
        CHECK(s.guest.has_logged("tpmrm: ContextSave: TPM error 0x0901"));
        CHECK(s.in_tpm(0x02000000) == "");

        // A context of any size but a right one.
        answer_instead(s, "00000162", "80010000000a00000000");
        REQUIRE(f.code(start_sequence()) == 0);
        CHECK(f.write(t20::get_random(4)) == fault);  // the TPM refuses zeros
        file g(s);
        answer_instead(s, "00000162",
                       "80010000001c00000000"
                       "0000000000000001 80000000 40000007 ffff");
        REQUIRE(g.code(start_sequence()) == 0);
        CHECK(g.write(t20::get_random(4)) == fault);  // 64 kB of 16 are there
        file h(s);
        answer_instead(s, "00000162",
                       "80010000001c00000000"
                       "0000000000000001 80000000 40000007 2000");
        REQUIRE(h.code(start_sequence()) == 0);
        CHECK(h.write(t20::get_random(4)) == fault);  // longer than a command: nothing of it is sent
        answer_instead(s, "00000161", "80010000000a00000910");
        file i(s);
        REQUIRE(i.code(start_sequence()) == 0);
        CHECK(i.write(t20::get_random(4)) == no_entry);
        CHECK(s.in_tpm(0x80000000) == "");
    });
}

TEST_CASE("the resource manager refuses a session under another number and contexts without end") {
    space_world s;
    s.run([&] {
        file f(s);
        REQUIRE(f.code(start_session(1)) == 0);
        s.driver.answer = [&](byte_view command) {
            auto response = s.engine.execute(command, 0);
            if (to_text(command).substr(12, 8) == "00000161" && response.size() > 13)
                response[13] ^= std::byte{1};
            return response;
        };
        CHECK(f.write(t20::get_random(4)) == fault);
        CHECK(s.guest.has_logged("tpmrm: a session came back under another handle"));

        // Objects without end: the fourth is one too many; contexts of 4 kB each: the buffer takes four.
        file g(s);
        std::uint8_t number = 0;
        s.driver.answer = [&](byte_view command) {
            const auto code = to_text(command).substr(12, 8);
            if (code == "00000186")
                return from_hex(fmt::format("80010000000e00000000800000{:02x}", number++));
            if (code == "00000162") {
                bytes response = from_hex("800100001000000000000000000000000001800000004000000700e4");
                response.resize(4096);
                return response;
            }
            return code == "00000161" ? from_hex("80010000000e0000000080000000")
                                      : from_hex("80010000000a00000000");
        };
        for (int i = 0; i < 3; ++i)
            CHECK(g.code(start_sequence()) == 0);
        s.seen();
        CHECK(g.write(start_sequence()) == no_memory);
        CHECK(s.seen() == "161 161 161 186 165 165 165 165");
        CHECK(s.guest.has_logged("tpmrm: no place for 0x80000003"));
    });
}
