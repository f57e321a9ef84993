// The verifier's judgement of a guest with a vTPM 2.0: one thing is changed, and one check finds it.
// Structures are put together here by hand and signed by OpenSSL.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <catch2/catch.hpp>

#include "models/remote/tpm20_structures.h"
#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

namespace {

/// The fields of a TPMS_ATTEST and what stands around it; tests change one.
struct quote_fields {
    std::string magic = "ff544347", type = "8018";
    bytes signer, nonce, pcr_digest;
    std::string selection = "00000001000b03ff0400";
};

bytes sha256_extended(const bytes& old_value, const bytes& digest) {
    return remote::sha256(join({old_value, digest}));
}

bytes sign_sha256(const remote::rsa_key& key, const bytes& message) {
    bytes signature(256);
    std::size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    REQUIRE(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    REQUIRE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1);
    EVP_MD_CTX_free(context);
    return join({hex("0014000b0100"), signature});
}

bytes ak_area(const bytes& modulus, std::string_view attributes = "00050472") {
    return join({hex("0001000b"), hex(attributes), hex("000000100014000b0800000000000100"), modulus});
}
bytes ek_area(const bytes& modulus) {
    return join({hex("0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"
                     "00060080004300100800000000000100"),
                 modulus});
}

/// The world of the TPM 1.2 tests with a guest whose vTPM is a TPM 2.0.
struct guest20 {
    guest20() {
        for (auto& [name, reference] : world.config.guests) {
            reference.version = vtwin::tpm::family::tpm20;
            reference.kernel_sha256 = remote::sha256(ascii("kernel image"));
            reference.initrd_sha256 = remote::sha256(ascii("initrd image"));
        }
        world.parties = std::make_unique<remote_parties>(world.config, [](std::string_view consumer) {
            return std::make_unique<chance_stream>(1, consumer);
        });
        world.parties->certify_chip(ek_public(world.chip_ek));
        world.parties->handle("ca/enrol-platform", to_json(world.platform_request()));
        world.cfg_list = from_json<saa_config_reply>(
                             world.parties->handle("saa/configuration", to_json(world.config_request())))
                             ->cfg_list;
        ak_public = ak_area(world.guest_aik.modulus());
        enrol(ak_public);
        world.guest_certificate = world.parties->ca().certificates().back().certificate;
    }
    enrol_tpm20_reply enrol(const bytes& ak) {
        const enrol_tpm20_request request{"guest1", ek_area(world.guest_ek), ak};
        return *from_json<enrol_tpm20_reply>(world.parties->handle("ca/enrol-guest-tpm20", to_json(request)));
    }

    /// PCRs and logs as an honest guest has them.
    machine_state state() {
        machine_state s = world.honest_state();
        s.vtpm_pcrs.assign(24, bytes(32));
        const bytes digests[] = {remote::sha256(ascii("kernel image")),
                                 remote::sha256(ascii("root=/dev/xvda ro")),
                                 remote::sha256(ascii("initrd image"))};
        for (std::size_t i = 0; i < 3; ++i) {
            s.boot_log[i].sha256 = digests[i];
            auto& pcr = s.vtpm_pcrs[s.boot_log[i].pcr];
            pcr = sha256_extended(pcr, digests[i]);
        }
        s.ima_log.clear();
        bytes first_ten;
        for (std::size_t pcr = 0; pcr < 10; ++pcr)
            first_ten = join({first_ten, s.vtpm_pcrs[pcr]});
        measure(s, remote::sha256(first_ten), "boot_aggregate");
        measure(s, remote::sha256(ascii("init")), "/sbin/init");
        return s;
    }
    static void measure(machine_state& s, const bytes& digest, const std::string& path) {
        const auto size = [](std::size_t n) { return bytes{static_cast<std::byte>(n), {}, {}, {}}; };
        const bytes data = join({size(7 + 1 + digest.size()), ascii("sha256:"), hex("00"), digest,
                                 size(path.size() + 1), ascii(path), hex("00")});
        s.ima_log +=
            fmt::format("10 {} ima-ng sha256:{} {}\n", to_hex(remote::sha1(data)), to_hex(digest), path);
        s.vtpm_pcrs[10] = sha256_extended(s.vtpm_pcrs[10], remote::sha256(data));
    }

    quote_fields fields(const machine_state& s) const {
        quote_fields f;
        const bytes name = join({hex("000b"), remote::sha256(ak_public)});
        f.signer = join({hex("000b"), remote::sha256(join({hex("4000000b"), name}))});
        f.nonce = s.challenge.nonce;
        bytes values;
        for (const std::size_t pcr : {0, 1, 2, 3, 4, 5, 6, 7, 10})
            values = join({values, s.vtpm_pcrs[pcr]});
        f.pcr_digest = remote::sha256(values);
        return f;
    }
    static bytes encode(const quote_fields& f) {
        const auto sized = [](const bytes& data) {
            return join({hex(fmt::format("{:04x}", data.size())), data});
        };
        return join({hex(f.magic), hex(f.type), sized(f.signer), sized(f.nonce),
                     hex("0000000000000010"
                         "00000001"
                         "00000000"
                         "01"
                         "2019102300163636"),
                     hex(f.selection), sized(f.pcr_digest)});
    }
    /// Evidence with the machine's own deep quote over this attest and signature.
    evidence show(const machine_state& s, const bytes& attest, const bytes& signature) {
        evidence e = world.sign(s);  // certificate, logs, PCRs; the deep quote is made anew below
        e.quote_composite.clear();
        e.quote_signature.clear();
        e.tpm20 = tpm20_evidence{ak_public, attest, signature};
        e.deep_quote = deep_quote(s, attest, signature);
        return e;
    }
    bytes deep_quote(const machine_state& s, const bytes& attest, const bytes& signature) const {
        const bytes inner =
            h1({bytes(4), ascii("DQT2"), h1({s.challenge.nonce, h1({attest, signature})}), bytes(1)});
        const bytes digests = join({remote::sha1(s.uuid.octets), remote::sha1(s.kern_hash),
                                    h1({s.saa_modulus, s.cfg_list}), remote::sha1(s.saa_modulus)});
        bytes pcrs;
        for (std::size_t pcr = 0; pcr < 8; ++pcr)
            pcrs = join({pcrs, s.hardware_pcrs[pcr]});
        const bytes composite = h1({hex("0003ff0000000000a0"), pcrs});
        const bytes external = h1({hex("0f000000"), inner, digests});
        const bytes info = join({hex("01010000"), ascii("QUOT"), composite, external});
        return join({world.group_aik.sign_sha1(info), digests, pcrs});
    }
    evidence honest() {
        const machine_state s = state();
        const bytes attest = encode(fields(s));
        return show(s, attest, sign_sha256(world.guest_aik, attest));
    }
    /// A quote with other fields, properly signed by the AK and by the machine.
    verdict with_fields(const std::function<void(quote_fields&)>& change) {
        const machine_state s = state();
        quote_fields f = fields(s);
        change(f);
        const bytes attest = encode(f);
        return world.judge(show(s, attest, sign_sha256(world.guest_aik, attest)));
    }
    verdict with_state(const std::function<void(machine_state&)>& change) {
        machine_state s = state();
        change(s);
        const bytes attest = encode(fields(s));
        return world.judge(show(s, attest, sign_sha256(world.guest_aik, attest)));
    }
    verdict with_evidence(const std::function<void(evidence&)>& change) {
        evidence e = honest();
        change(e);
        return world.judge(e);
    }

    attested_guest world;
    bytes ak_public;
};

}  // namespace

TEST_CASE("honest evidence of a TPM 2.0 is trusted and every check speaks in its turn") {
    guest20 guest;
    const verdict outcome = guest.world.judge(guest.honest());
    CHECK(failures(outcome) == "");
    CHECK(outcome.trusted);
    std::string order;
    for (const verdict_reason& reason : outcome.reasons)
        order += reason.check + " ";
    CHECK(
        order ==
        "nonce aik-certificate ak-public vtpm-quote vtpm-pcr-values deep-quote group-aik-certificate "
        "hardware-pcrs vtpm-uuid vtpm-label group-configuration configuration-authority boot-evidence "
        "boot-log-pcr-4 boot-log-pcr-5 pcr-4 pcr-5 kernel command-line initrd ima-log pcr-10 boot-aggregate "
        "ima-files ");
}

TEST_CASE("a TPM 2.0 quote has to be one that a TPM made for this nonce and these PCRs") {
    guest20 guest;
    const auto refused = [&](const std::function<void(quote_fields&)>& change) {
        const verdict outcome = guest.with_fields(change);
        CHECK(failures(outcome) == "vtpm-quote");
        return text_of(outcome, "vtpm-quote");
    };
    CHECK(refused([](quote_fields& f) { f.magic = "ff544346"; }) ==
          "guest1: the vTPM's quote is no TPMS_ATTEST of a quote: its magic is ff544346: it was not made "
          "inside a "
          "TPM");
    CHECK(refused([](quote_fields& f) { f.type = "8017"; }) ==
          "guest1: the vTPM's quote is no TPMS_ATTEST of a quote: its type is 8017, expected 8018 (quote)");
    CHECK(refused([](quote_fields& f) { flip(f.signer, 33); }).find("it was signed by 000b") !=
          std::string::npos);
    CHECK(refused([](quote_fields& f) { flip(f.nonce, 0); }).find("its nonce is") != std::string::npos);
    // Another bank, fewer PCRs, a second bank beside the right one.
    for (const char* selection :
         {"00000001000403ff0400", "00000001000b03ff0000", "00000002000b03ff0400000403000000"})
        CHECK(refused([&](quote_fields& f) { f.selection = selection; }).find("it is of other PCRs") !=
              std::string::npos);
    CHECK(refused([](quote_fields& f) { f.selection = "00000001000b04ff040000"; }).find("other PCRs") !=
          std::string::npos);
    CHECK(refused([](quote_fields& f) { f.selection = "ffffffff000b03ff0400"; }).find("do not fill it") !=
          std::string::npos);
}

TEST_CASE("a TPM 2.0 quote needs the certified key's signature") {
    guest20 guest;
    const auto refused = [&](const std::function<bytes(const bytes& attest)>& sign) {
        const machine_state s = guest.state();
        const bytes attest = guest20::encode(guest.fields(s));
        return failures(guest.world.judge(guest.show(s, attest, sign(attest))));
    };
    CHECK(refused([&](const bytes& attest) { return sign_sha256(guest.world.guest_aik, attest); }) == "");
    CHECK(refused([&](const bytes& attest) { return sign_sha256(guest.world.group_aik, attest); }) ==
          "vtpm-quote");
    CHECK(refused([&](const bytes& attest) {
              bytes signature = sign_sha256(guest.world.guest_aik, attest);
              flip(signature, 200);
              return signature;
          }) == "vtpm-quote");
    // SHA-1 in its place, said to be SHA-256 and said to be SHA-1
    for (const char* head : {"0014000b0100", "001400040100"})
        CHECK(refused([&](const bytes& attest) {
                  return join({hex(head), guest.world.guest_aik.sign_sha1(attest)});
              }) == "vtpm-quote");
}

TEST_CASE("the PCR values that a guest with a TPM 2.0 claims are held against its quote") {
    guest20 guest;
    CHECK(failures(guest.with_evidence([](evidence& e) { flip(e.vtpm_pcrs[7], 0); })) ==
          "vtpm-pcr-values pcr-7 boot-aggregate");
    CHECK(failures(guest.with_fields([](quote_fields& f) { flip(f.pcr_digest, 0); })) == "vtpm-pcr-values");
    // Not quoted, and not part of anything.
    CHECK(failures(guest.with_evidence([](evidence& e) { flip(e.vtpm_pcrs[16], 0); })) == "");
    CHECK(failures(guest.with_evidence([](evidence& e) { e.vtpm_pcrs[0].resize(20); })) == "vtpm-pcr-values");
}

TEST_CASE("the AK of a TPM 2.0 has to be restricted and the certified one and certified for this guest") {
    guest20 guest;
    const auto with_ak = [&](const bytes& area) {
        guest.ak_public = area;  // the signer in the quote follows it
        const verdict outcome = guest.world.judge(guest.honest());
        guest.ak_public = ak_area(guest.world.guest_aik.modulus());
        return outcome;
    };
    const bytes modulus = guest.world.guest_aik.modulus();
    CHECK(failures(with_ak(ak_area(modulus))) == "");
    // Each attribute that makes it an AK: fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign; and
    // decrypt.
    for (const char* attributes : {"00050470", "00050462", "00050452", "00040472", "00010472", "00070472"})
        CHECK(failures(with_ak(ak_area(modulus, attributes))) == "ak-public");
    CHECK(failures(with_ak(ak_area(some_modulus(0xD1)))) == "ak-public");
    CHECK(text_of(with_ak(hex("00")), "ak-public") == "guest1: the AK is no TPMT_PUBLIC of an RSA-2048 key");
    CHECK(failures(guest.with_evidence([&](evidence& e) { flip(e.tpm20->ak_public, 10); })) ==
          "ak-public vtpm-quote");
    const verdict uncertified = guest.with_evidence([](evidence& e) { e.aik_certificate.clear(); });
    CHECK(failures(uncertified) == "aik-certificate ak-public vtpm-quote deep-quote");
    CHECK(guest.enrol(ak_area(modulus, "00040472")).reason.starts_with("the AK is none"));
}

TEST_CASE("the hardware quote has to cover this very quote of the vTPM 2.0") {
    guest20 guest;
    const machine_state s = guest.state();
    quote_fields other = guest.fields(s);
    const bytes attest = guest20::encode(other), signature = sign_sha256(guest.world.guest_aik, attest);
    // The same AK quotes once more on another machine, which this machine's hardware never saw.
    evidence shown = guest.show(s, attest, signature);
    bytes later = attest;
    flip(later, later.size() - 34 - 10 - 8 - 1);  // safe
    shown.tpm20 = tpm20_evidence{guest.ak_public, later, sign_sha256(guest.world.guest_aik, later)};
    CHECK(failures(guest.world.judge(shown)) == "deep-quote");
    CHECK(failures(guest.with_evidence([](evidence& e) { flip(e.deep_quote, 7); })) == "deep-quote");
    CHECK(failures(guest.with_evidence([](evidence& e) { e.deep_quote_locality = 1; })) == "deep-quote");
    CHECK(failures(guest.with_evidence([](evidence& e) { e.deep_quote.pop_back(); })) == "deep-quote");
    CHECK(failures(guest.with_state([](machine_state& m) { flip(m.kern_hash, 0); })) == "vtpm-label");
    CHECK(failures(guest.with_state([](machine_state& m) { flip(m.hardware_pcrs[4], 0); })) ==
          "hardware-pcr-4");
}

TEST_CASE("what a guest with a TPM 2.0 booted is judged by the SHA-256 bank") {
    guest20 guest;
    const verdict kernel = guest.with_state([](machine_state& m) {
        m.boot_log[0].sha256 = remote::sha256(ascii("another kernel"));
        m.vtpm_pcrs[4] = sha256_extended(bytes(32), m.boot_log[0].sha256);
    });
    CHECK(failures(kernel) == "pcr-4 kernel boot-aggregate");
    CHECK(failures(guest.with_evidence([](evidence& e) { flip(e.boot_log[0].sha256, 0); })) ==
          "boot-log-pcr-4 kernel");
    CHECK(failures(guest.with_evidence([](evidence& e) { e.boot_log[0].sha256.clear(); })) ==
          "boot-log-pcr-4 kernel");
    // The log of IMA lacks a line, or has one too many.
    CHECK(failures(guest.with_evidence([](evidence& e) { e.ima_log.resize(e.ima_log.rfind("10 ")); })) ==
          "pcr-10");
    CHECK(failures(guest.with_state([](machine_state& m) {
              guest20::measure(m, remote::sha256(ascii("evil")), "/sbin/evil");
          })) == "ima-file");
}

TEST_CASE("TPM 2.0 structures cut anywhere or too long are none") {
    guest20 guest;
    const bytes attest = guest20::encode(guest.fields(guest.state())), area = guest.ak_public;
    const bytes signature = join({hex("0014000b0100"), bytes(256)});
    std::string reason;
    REQUIRE(remote::parse_quote(attest, reason));
    REQUIRE(remote::parse_public_area(area));
    REQUIRE(remote::rsassa_sha256_octets(signature) == bytes(256));
    const auto cut = [](const bytes& whole, std::size_t size) {
        return bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    };
    for (std::size_t size = 0; size < attest.size(); ++size)
        CHECK_FALSE(remote::parse_quote(cut(attest, size), reason));
    for (std::size_t size = 0; size < area.size(); ++size)
        CHECK_FALSE(remote::parse_public_area(cut(area, size)));
    for (std::size_t size = 0; size < signature.size(); ++size)
        CHECK(remote::rsassa_sha256_octets(cut(signature, size)).empty());
    CHECK_FALSE(remote::parse_quote(join({attest, bytes(1)}), reason));
    CHECK_FALSE(remote::parse_public_area(join({area, bytes(1)})));
    CHECK(remote::rsassa_sha256_octets(join({signature, bytes(1)})).empty());
    // Type, nameAlg, symmetric, scheme, its hash, bits, exponent, size of the modulus.
    for (const std::size_t at : {1, 3, 11, 13, 15, 17, 21, 23})
        CHECK_FALSE(remote::parse_public_area([&] {
            bytes other = area;
            flip(other, at);
            return other;
        }()));
}

TEST_CASE("a guest does not choose the family of its evidence") {
    guest20 guest;
    const verdict older = guest.with_evidence([](evidence& e) { e.tpm20.reset(); });
    CHECK(failures(older) == "vtpm-version");
    CHECK(text_of(older, "vtpm-version") == "guest1: the evidence is that of a TPM 1.2, expected TPM 2.0");
    attested_guest world;
    CHECK(failures(world.with_evidence([](evidence& e) { e.tpm20.emplace(); })) == "vtpm-version");
}
