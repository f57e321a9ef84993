#include "models/remote/verifier.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

TEST_CASE("honest evidence is trusted and every check speaks in its turn") {
    attested_guest world;
    const verdict outcome = world.judge(world.honest());
    CHECK(outcome.guest == "guest1");
    CHECK(failures(outcome) == "");
    CHECK(outcome.trusted);
    std::string order;
    for (const verdict_reason& reason : outcome.reasons)
        order += reason.check + " ";
    CHECK(order ==
          "nonce aik-certificate vtpm-quote vtpm-pcr-values deep-quote group-aik-certificate hardware-pcrs "
          "vtpm-uuid "
          "vtpm-label group-configuration configuration-authority boot-evidence boot-log-pcr-4 "
          "boot-log-pcr-5 pcr-4 "
          "pcr-5 kernel command-line initrd ima-log pcr-10 boot-aggregate ima-files ");
}

TEST_CASE("a nonce serves once") {
    attested_guest world;
    const evidence shown = world.honest();
    CHECK(world.judge(shown).trusted);
    const verdict again = world.judge(shown);
    CHECK_FALSE(again.trusted);
    REQUIRE(again.reasons.size() == 1);
    CHECK(again.reasons[0].text == "guest1: nonce " + to_hex(shown.nonce) + " was used before");
}

TEST_CASE("a nonce is spent by a failed attempt too") {
    attested_guest world;
    evidence shown = world.honest();
    const std::string log = shown.ima_log;
    shown.ima_log.clear();
    CHECK_FALSE(world.judge(shown).trusted);
    shown.ima_log = log;
    CHECK(failures(world.judge(shown)) == "nonce");
}

TEST_CASE("a nonce that was never given or was given to another guest is refused") {
    attested_guest world;
    CHECK(failures(world.with_evidence([](evidence& e) { flip(e.nonce); })) == "nonce");
    CHECK(failures(world.with_evidence([](evidence& e) { e.guest = "guest2"; })) == "nonce");
    CHECK(failures(world.with_evidence([](evidence& e) { e.guest = "stranger"; })) == "guest");
}

TEST_CASE("challenges differ and strangers get none") {
    attested_guest world;
    const auto first = world.honest_state().challenge, second = world.honest_state().challenge;
    CHECK(first.nonce.size() == 20);
    CHECK(first.nonce != second.nonce);
    CHECK(world.parties->handle("verifier/challenge", to_json(challenge_request{"stranger"})).empty());
    CHECK(world.parties->refusals().back() == "verifier/challenge: there is no reference for stranger");
}

TEST_CASE("the AIK has to be certified for this guest") {
    attested_guest world;
    const verdict broken =
        world.with_evidence([](evidence& e) { flip(e.aik_certificate, e.aik_certificate.size() - 1); });
    CHECK(text_of(broken, "aik-certificate") ==
          "guest1: the AIK certificate does not lead to the privacy CA: certificate signature failure");
    CHECK(failures(world.with_evidence([](evidence& e) { e.aik_certificate.clear(); })) ==
          "aik-certificate vtpm-quote deep-quote");
    const bytes platform = world.parties->directory().platform_certificates.front();
    CHECK(
        text_of(world.with_evidence([&](evidence& e) { e.aik_certificate = platform; }), "aik-certificate") ==
        "guest1: the certificate is for a platform attestation identity key, expected a guest attestation "
        "identity "
        "key");

    enrol_request request = world.guest_request();
    request.subject = "guest2";
    REQUIRE(from_json<enrol_reply>(world.parties->handle("ca/enrol-guest", to_json(request)))->accepted);
    const bytes others = world.parties->ca().certificates().back().certificate;
    CHECK(text_of(world.with_evidence([&](evidence& e) { e.aik_certificate = others; }), "aik-certificate") ==
          "guest1: the AIK certificate is made out to guest2, expected guest1");
}

TEST_CASE("the vTPM's quote has to be signed over these values and this nonce") {
    attested_guest world;
    CHECK(failures(world.with_evidence([](evidence& e) { flip(e.quote_signature, 9); })) == "vtpm-quote");
    CHECK(failures(world.with_evidence([](evidence& e) { flip(e.quote_composite, 30); })) == "vtpm-quote");
    CHECK(failures(world.with_evidence([](evidence& e) { e.quote_signature.pop_back(); })) == "vtpm-quote");
    CHECK(failures(world.with_evidence([](evidence& e) { e.quote_composite.pop_back(); })) == "vtpm-quote");
    // an old quote under a fresh nonce
    const evidence old = world.honest();
    CHECK(failures(world.with_evidence([&](evidence& e) { e.quote_signature = old.quote_signature; })) ==
          "vtpm-quote");
    // fewer PCRs than asked for
    const verdict fewer = world.with_state([](machine_state& s) { s.challenge.vtpm_pcr_mask = 0x30; });
    CHECK(text_of(fewer, "vtpm-quote") ==
          "guest1: the vTPM quoted other PCRs: expected mask 0004ff, seen 000030");
}

TEST_CASE("a TPM_Quote2 has to be signed over these values this nonce and locality 0") {
    attested_guest world;
    const auto quoted2 = [&](const std::function<void(machine_state&)>& before,
                             const std::function<void(evidence&)>& after) {
        machine_state state = world.honest_state();
        state.quote2 = true;
        before(state);
        evidence shown = world.sign(state);
        after(shown);
        return world.judge(shown);
    };
    const auto forged = [&](const std::function<void(evidence&)>& after) {
        return failures(quoted2([](machine_state&) {}, after));
    };
    CHECK(forged([](evidence&) {}) == "");
    for (std::size_t at = 0; at < 26; ++at)
        CHECK(forged([&](evidence& e) { flip(e.quote2_pcr_info, at); }) == "vtpm-quote");
    CHECK(forged([](evidence& e) { e.quote2_pcr_info.pop_back(); }) == "vtpm-quote");
    CHECK(forged([](evidence& e) { e.quote2_pcr_info.push_back({}); }) == "vtpm-quote");
    CHECK(forged([](evidence& e) { flip(e.quote_signature, 9); }) == "vtpm-quote");
    CHECK(forged([](evidence& e) { e.quote_signature.pop_back(); }) == "vtpm-quote");
    CHECK(text_of(quoted2([](machine_state&) {}, [](evidence& e) { e.quote_composite = e.quote2_pcr_info; }),
                  "vtpm-quote") == "guest1: the evidence holds the answers of both TPM_Quote and TPM_Quote2");
    // Signed by the AIK, and yet not what was asked for.
    CHECK(text_of(quoted2([](machine_state& s) { s.quote_locality = 2; }, [](evidence&) {}), "vtpm-quote") ==
          "guest1: the quote was made at the localities 02, expected 01");
    CHECK(text_of(quoted2([](machine_state& s) { s.challenge.vtpm_pcr_mask = 0x30; }, [](evidence&) {}),
                  "vtpm-quote") == "guest1: the vTPM quoted other PCRs: expected mask 0004ff, seen 000030");
    const verdict claimed = quoted2([](machine_state&) {}, [](evidence& e) { flip(e.vtpm_pcrs[7]); });
    CHECK(failures(claimed) == "vtpm-pcr-values deep-quote pcr-7 boot-aggregate");
    CHECK(text_of(claimed, "vtpm-pcr-values").starts_with("guest1: the PCR values as claimed differ from"));
}

TEST_CASE("a reference may say by which command a guest has to quote") {
    const auto judged = [](std::optional<quote_command> expected, bool quote2) {
        attested_guest world([&](verifier_config& config) { config.guests.at("guest1").quote = expected; });
        return world.with_state([&](machine_state& s) { s.quote2 = quote2; });
    };
    CHECK(failures(judged(std::nullopt, true)) == "");
    CHECK(failures(judged(quote_command::quote2, true)) == "");
    CHECK(failures(judged(quote_command::quote, false)) == "");
    CHECK(text_of(judged(quote_command::quote, true), "vtpm-quote") ==
          "guest1: the vTPM quoted by TPM_Quote2, expected TPM_Quote");
    CHECK(text_of(judged(quote_command::quote2, false), "vtpm-quote") ==
          "guest1: the vTPM quoted by TPM_Quote, expected TPM_Quote2");
}

TEST_CASE("claimed PCR values have to be the quoted ones") {
    attested_guest world;
    evidence shown = world.honest();
    const std::string quoted = to_hex(shown.vtpm_pcrs[7]);
    flip(shown.vtpm_pcrs[7]);
    const verdict outcome = world.judge(shown);
    CHECK(text_of(outcome, "vtpm-pcr-values") == "guest1: PCR 7 as claimed differs from the quote: quoted " +
                                                     quoted + ", claimed " + to_hex(shown.vtpm_pcrs[7]));
    CHECK(failures(outcome) == "vtpm-pcr-values deep-quote pcr-7 boot-aggregate");
    CHECK(failures(world.with_evidence([](evidence& e) { e.vtpm_pcrs.pop_back(); })) == "vtpm-pcr-values");
    CHECK(failures(world.with_evidence([](evidence& e) { e.vtpm_pcrs[3].pop_back(); })) == "vtpm-pcr-values");
}

TEST_CASE("a deep quote breaks with any of its parts") {
    attested_guest world;
    for (const std::size_t at : {0u, 255u, 256u, 276u, 296u, 316u, 336u, 495u}) {
        INFO("octet " << at);
        const verdict outcome = world.with_evidence([&](evidence& e) {
            REQUIRE(e.deep_quote.size() == 256 + 4 * 20 + 8 * 20);
            flip(e.deep_quote, at);
        });
        CHECK(failures(outcome) == "deep-quote");
    }
    CHECK(failures(world.with_evidence([](evidence& e) { e.deep_quote_locality = 2; })) == "deep-quote");
    CHECK(text_of(world.with_evidence([](evidence& e) { e.deep_quote_locality = 34; }), "deep-quote") ==
          "guest1: locality 34 is none of 0 to 4");
    CHECK(text_of(world.with_evidence([](evidence& e) { e.deep_quote.pop_back(); }), "deep-quote") ==
          "guest1: the deep quote has 495 octets, expected 496");
    CHECK(world.with_state([](machine_state& s) { s.locality = 2; }).trusted);
}

TEST_CASE("a deep quote without the wanted digests is refused") {
    attested_guest world;
    CHECK(failures(world.with_state([](machine_state& s) { s.challenge.deep_quote_flags = 7; })) ==
          "deep-quote");
}

TEST_CASE("a deep quote is worth what its platform key is worth") {
    attested_guest world;
    const evidence shown = world.honest();
    remote::public_directory directory = world.parties->directory();
    chance_stream entropy(3, "another verifier");
    remote::verifier judge(world.config, entropy);
    const auto ask = [&](const remote::public_directory& known) {
        evidence fresh = world.sign([&] {
            machine_state s = world.honest_state();
            s.challenge = *judge.challenge({"guest1"});
            return s;
        }());
        return judge.judge(fresh, known);
    };
    CHECK(ask(directory).trusted);
    directory.platform_certificates.clear();
    CHECK(failures(ask(directory)) == "deep-quote");

    // the group AIK's key, certified for a guest only
    enrol_request request = world.platform_request();
    request.subject = "guest1";
    request.label = std::string(1, 'x');
    request.identity_binding = world.group_aik.sign_sha1(join(
        {hex("0101000000000079"), h1({ascii("x"), world.parties->ca().public_key()}), request.aik_public}));
    REQUIRE(from_json<enrol_reply>(world.parties->handle("ca/enrol-guest", to_json(request)))->accepted);
    directory.platform_certificates = {world.parties->ca().certificates().back().certificate};
    CHECK(failures(ask(directory)) == "group-aik-certificate");

    // certified by an authority of the platform's own making
    remote::certificate_authority own("own CA", entropy);
    directory.platform_certificates = {
        own.issue("machine1", remote::key_role::platform_attestation, world.group_aik.modulus())};
    CHECK(failures(ask(directory)) == "group-aik-certificate");
}

TEST_CASE("a machine with other firmware is named with its PCR") {
    attested_guest world;
    const std::string expected = to_hex(world.config_request().hardware_pcrs[4]);
    const bytes other = remote::sha1(ascii("another hypervisor"));
    const verdict outcome = world.with_state([&](machine_state& s) { s.hardware_pcrs[4] = other; });
    CHECK(failures(outcome) == "hardware-pcr-4");
    CHECK(text_of(outcome, "hardware-pcr-4") ==
          "guest1: hardware PCR 4 differs from the approved boot (boot loader, hypervisor): expected " +
              expected + ", seen " + to_hex(other));
}

TEST_CASE("another vTPM is told apart by what the manager vouches for") {
    attested_guest world;
    CHECK(failures(world.with_state([](machine_state& s) { s.uuid.octets[0] ^= std::byte{1}; })) ==
          "vtpm-uuid");
    CHECK(failures(world.with_state([](machine_state& s) { flip(s.kern_hash); })) == "vtpm-label");
    CHECK(failures(world.with_state([](machine_state& s) { flip(s.cfg_list); })) == "group-configuration");
    CHECK(failures(world.with_state([](machine_state& s) { flip(s.saa_modulus); })) ==
          "group-configuration configuration-authority");
    const verdict unlabelled = world.with_state([](machine_state& s) { s.kern_hash = bytes(20); });
    CHECK(
        text_of(unlabelled, "vtpm-label") ==
        "guest1: the manager never compared the vTPM's label (its record was made in this session): expected "
        "aeb72ee44d0b5bac51460353147e2c1dcae8198c (system_u:system_r:vtpm_t), seen "
        "6768033e216468247bd031a0a2d9876d79818f8f (the hash of no label)");
}

TEST_CASE("an outdated configuration is called outdated") {
    attested_guest world;
    saa_config_request request = world.config_request();
    request.sequence = 6;
    REQUIRE(
        from_json<saa_config_reply>(world.parties->handle("saa/configuration", to_json(request)))->accepted);
    const verdict outcome = world.judge(world.honest());
    CHECK(failures(outcome) == "group-configuration");
    CHECK(text_of(outcome, "group-configuration") ==
          "guest1: the manager runs configuration 5, the latest one is 6");
}

TEST_CASE("another kernel shows in PCR 4 and by name") {
    attested_guest world;
    const bytes other = remote::sha1(ascii("another kernel"));
    const bytes reference = world.config.guests["guest1"].kernel_sha1;
    const verdict outcome = world.with_state([&](machine_state& s) {
        s.boot_log[0] = {4, other, "kernel /boot/evil"};
        s.vtpm_pcrs[4] = h1({bytes(20), other});
        restart_ima(s);
    });
    CHECK(failures(outcome) == "pcr-4 kernel");
    CHECK(text_of(outcome, "pcr-4") == "guest1: PCR 4 differs from its reference: expected " +
                                           to_hex(h1({bytes(20), reference})) + ", seen " +
                                           to_hex(h1({bytes(20), other})) + " (kernel /boot/evil)");
    CHECK(text_of(outcome, "kernel") == "guest1: the kernel differs from its reference: expected " +
                                            to_hex(reference) + ", seen " + to_hex(other) +
                                            " (kernel /boot/evil)");
}

TEST_CASE("another command line or initrd shows in PCR 5 and by name") {
    attested_guest world;
    const auto with_step = [&](std::size_t step) {
        return world.with_state([&](machine_state& s) {
            s.boot_log[step].digest = remote::sha1(ascii("init=/bin/sh"));
            s.vtpm_pcrs[5] = h1({h1({bytes(20), s.boot_log[1].digest}), s.boot_log[2].digest});
            restart_ima(s);
        });
    };
    CHECK(failures(with_step(1)) == "pcr-5 command-line");
    CHECK(failures(with_step(2)) == "pcr-5 initrd");
}

TEST_CASE("a boot log that does not lead to the PCRs is refused") {
    attested_guest world;
    CHECK(failures(world.with_evidence([](evidence& e) { flip(e.boot_log[0].digest); })) ==
          "boot-log-pcr-4 kernel");
    CHECK(failures(world.with_evidence([](evidence& e) { e.boot_log.pop_back(); })) ==
          "boot-log-pcr-5 initrd");
    CHECK(failures(world.with_evidence([](evidence& e) { e.boot_log[0].pcr = 6; })) == "boot-evidence");
    // a log of the approved kernel over PCRs of another one
    const verdict lie = world.with_state([](machine_state& s) {
        s.vtpm_pcrs[4] = h1({bytes(20), remote::sha1(ascii("another kernel"))});
        restart_ima(s);
    });
    CHECK(failures(lie) == "boot-log-pcr-4 pcr-4");
}

TEST_CASE("a vTPM attached late cannot speak for the boot") {
    attested_guest world;
    const auto late = [](machine_state& s) {
        s.boot_log.clear();
        s.vtpm_pcrs.assign(24, bytes(20));
    };
    const verdict outcome = world.with_state([&](machine_state& s) {
        late(s);
        restart_ima(s);
    });
    CHECK_FALSE(outcome.trusted);
    CHECK(failures(outcome) == "boot-evidence");
    const std::string text = text_of(outcome, "boot-evidence");
    CHECK(text.starts_with(
        "guest1: untrusted for boot: its vTPM holds no boot measurements (PCR 4 and 5 are zero and "
        "there is no boot log). What can be concluded: "));
    CHECK(text.find("What cannot be concluded: which kernel, command line and initrd") != std::string::npos);
    CHECK(find_reason(outcome, "pcr-4") == nullptr);

    // its own word is enough, however well the PCRs look
    CHECK(failures(world.with_evidence([](evidence& e) { e.vtpm_attached_late = true; })) == "boot-evidence");
    CHECK(failures(world.with_evidence([](evidence& e) { e.boot_log.clear(); })) == "boot-evidence");
    CHECK(failures(world.with_state([](machine_state& s) {
              s.vtpm_pcrs.assign(24, bytes(20));
              restart_ima(s);
          })) == "boot-evidence");
}

TEST_CASE("an IMA log has to lead to PCR 10") {
    attested_guest world;
    const auto cut_last_line = [](evidence& e) {
        e.ima_log.erase(e.ima_log.find_last_of('\n', e.ima_log.size() - 2) + 1);
    };
    CHECK(failures(world.with_evidence(cut_last_line)) == "pcr-10");
    CHECK(failures(world.with_evidence([](evidence& e) { e.ima_log.clear(); })) == "ima-log");
    CHECK(failures(world.with_evidence([](evidence& e) { e.ima_log += "\n"; })) == "ima-log");
    CHECK(failures(world.with_evidence([](evidence& e) { e.ima_log.replace(0, 2, "11"); })) == "ima-log");
    const verdict renamed = world.with_evidence(
        [](evidence& e) { e.ima_log.replace(e.ima_log.find("/sbin/init"), 10, "/sbin/evil"); });
    CHECK(failures(renamed) == "ima-log");
    CHECK(text_of(renamed, "ima-log")
              .starts_with("guest1: the template hash of /sbin/evil is not that of its entry"));
}

TEST_CASE("measured files are held against the reference one by one") {
    attested_guest world;
    const bytes evil = remote::sha256(ascii("evil"));
    const verdict changed = world.with_state([&](machine_state& s) {
        restart_ima(s);
        measure_file(s, "sha256", evil, "/sbin/init");
        measure_file(s, "sha256", remote::sha256(ascii("ab")), "/bin/a b");
    });
    CHECK(failures(changed) == "ima-file");
    CHECK(text_of(changed, "ima-file") ==
          "guest1: file /sbin/init differs from its reference: expected sha256:" +
              to_hex(remote::sha256(ascii("init"))) + ", seen sha256:" + to_hex(evil));
    const verdict added =
        world.with_state([&](machine_state& s) { measure_file(s, "sha256", evil, "/tmp/x"); });
    CHECK(text_of(added, "ima-file") ==
          "guest1: file /tmp/x is not in the reference: expected no such file, seen sha256:" + to_hex(evil));
    CHECK(world.with_state([](machine_state& s) { restart_ima(s); }).trusted);  // nothing ran yet
}

TEST_CASE("several digests of a file may be approved and in whatever algorithm the list has them") {
    const bytes other = remote::sha256(ascii("other init")), weak = remote::sha1(ascii("third init"));
    attested_guest world([&](verifier_config& config) {
        config.guests.at("guest1")
            .ima_files.at("/sbin/init")
            .insert({"sha256:" + to_hex(other), "sha1:" + to_hex(weak)});
    });
    const auto judged = [&](const std::string& algorithm, const bytes& digest) {
        return failures(world.with_state([&](machine_state& s) {
            restart_ima(s);
            measure_file(s, algorithm, digest, "/sbin/init");
        }));
    };
    CHECK(judged("sha256", other) == "");
    CHECK(judged("sha256", remote::sha256(ascii("init"))) == "");
    CHECK(judged("sha1", weak) == "");
    CHECK(judged("sha256", remote::sha256(ascii("third init"))) == "ima-file");
    CHECK(judged("sha1", remote::sha1(ascii("init"))) == "ima-file");
}

TEST_CASE("a quoted PCR that nothing explains has to be untouched") {
    attested_guest world;
    const verdict outcome = world.with_state([](machine_state& s) {
        s.vtpm_pcrs[7] = bytes(20, std::byte{7});
        restart_ima(s);
    });
    CHECK(failures(outcome) == "pcr-7");
    CHECK(text_of(outcome, "pcr-7") ==
          "guest1: PCR 7 was extended by nothing that the logs or the reference name: expected " +
              std::string(40, '0') + ", seen " + to_hex(bytes(20, std::byte{7})));
    // Not quoted: a claim.
    CHECK(world.with_state([](machine_state& s) { s.vtpm_pcrs[8] = bytes(20, std::byte{7}); }).trusted);
    attested_guest dynamic([](verifier_config& config) { config.vtpm_pcr_mask |= 1U << 17; });
    CHECK(failures(dynamic.judge(dynamic.honest())) == "pcr-17");
    CHECK(dynamic.with_state([](machine_state& s) { s.vtpm_pcrs[17] = bytes(20, std::byte{0xFF}); }).trusted);
}

TEST_CASE("boot_aggregate ties the IMA log to the boot") {
    attested_guest world;
    CHECK(failures(world.with_state([](machine_state& s) {
              s.ima_log.clear();
              s.vtpm_pcrs[10] = bytes(20);
              measure_file(s, "sha1", remote::sha1(ascii("another boot")), "boot_aggregate");
          })) == "boot-aggregate");
    CHECK(failures(world.with_state([](machine_state& s) {
              s.ima_log.clear();
              s.vtpm_pcrs[10] = bytes(20);
              measure_file(s, "sha256", remote::sha256(ascii("init")), "/sbin/init");
          })) == "ima-log");
}

TEST_CASE("a measurement violation is reported") {
    attested_guest world;
    const verdict outcome = world.with_state([](machine_state& s) {
        s.ima_log +=
            "10 0000000000000000000000000000000000000000 ima-ng sha256:" + std::string(64, '0') + " /etc/x\n";
        s.vtpm_pcrs[10] = h1({s.vtpm_pcrs[10], bytes(20, std::byte{0xFF})});
    });
    CHECK(failures(outcome) == "ima-log");
    CHECK(text_of(outcome, "ima-log") ==
          "guest1: IMA recorded a violation for /etc/x: the file changed while it was measured");
}
