// The quotes of a run, verified from the bytes in its evidence folder by OpenSSL alone: what a relying party
// that does not trust this program's verifier would do. Structures: TPM Main Part 2 (TPM_QUOTE_INFO,
// TPM_PCR_COMPOSITE); what a deep quote signs: stubdom/vtpm-deepquote.patch and vtpmmgr's quote flags.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

using octets = std::string;
constexpr std::size_t digest_size = 20, signature_size = 256;

octets sha1(const octets& data) {
    octets digest(digest_size, '\0');
    ::SHA1(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

/// Big-endian.
octets number(std::uint64_t value, std::size_t size) {
    octets out(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<char>(value >> (8 * (size - 1 - i)) & 0xFF);
    return out;
}

octets from_hex(const std::string& text) {
    octets out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    return out;
}

using key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

key key_of_certificate(const octets& pem) {
    BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    REQUIRE(certificate != nullptr);
    key found(X509_get_pubkey(certificate), &EVP_PKEY_free);
    X509_free(certificate);
    return found;
}

octets modulus_of(const key& from) {
    BIGNUM* n = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(from.get(), "n", &n) == 1);
    octets modulus(signature_size, '\0');
    BN_bn2binpad(n, reinterpret_cast<unsigned char*>(modulus.data()), signature_size);
    BN_free(n);
    return modulus;
}

/// RSASSA-PKCS1-v1_5 with SHA-1.
bool verifies(const key& with, const octets& message, const octets& signature) {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good =
        EVP_DigestVerifyInit(context, nullptr, EVP_sha1(), nullptr, with.get()) == 1 &&
        EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

octets flipped(const octets& data, std::size_t at) {
    octets other = data;
    other.at(at) = static_cast<char>(other.at(at) ^ 1);
    return other;
}

/// TPM_PUBKEY of an AIK: RSA 2048, no encryption, PKCS#1 v1.5 signatures with SHA-1.
octets aik_pubkey(const octets& modulus) {
    return from_hex(
               "00000001"
               "0001"
               "0002"
               "0000000c"
               "00000800"
               "00000002"
               "00000000"
               "00000100") +
           modulus;
}

octets selection(const std::vector<int>& pcrs) {
    std::uint32_t mask = 0;
    for (const int pcr : pcrs)
        mask |= 1U << pcr;
    return number(3, 2) + static_cast<char>(mask & 0xFF) + static_cast<char>(mask >> 8 & 0xFF) +
           static_cast<char>(mask >> 16 & 0xFF);
}

octets composite(const std::vector<int>& pcrs, const octets& values) {
    return selection(pcrs) + number(values.size(), 4) + values;
}

octets quote_info(const octets& composite_digest, const octets& external) {
    return from_hex("01010000") + "QUOT" + composite_digest + external;
}

const std::vector<int> vtpm_pcrs{0, 1, 2, 3, 4, 5, 6, 7, 10}, hardware_pcrs{0, 1, 2, 3, 4, 5, 6, 7};

struct attested_run {
    attested_run() {
        const program_result run =
            run_program({"run", library_scenario("deep_attestation"), "--no-vcd", "--out", out.string()});
        REQUIRE(run.code == 0);
    }
    octets file(const std::string& name) const { return content_of(out / "evidence" / name); }
    /// The values of the guest's PCRs as pcrs.txt lists them.
    octets pcr_values(const std::string& guest) const {
        const std::string listing = file(guest + "-1/pcrs.txt");
        octets values;
        for (const int pcr : vtpm_pcrs) {
            char label[16];
            std::snprintf(label, sizeof label, "PCR-%02d: ", pcr);
            std::string text = listing.substr(listing.find(label) + 8, 59);
            text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
            values += from_hex(text);
        }
        REQUIRE(values.size() == vtpm_pcrs.size() * digest_size);
        return values;
    }
    /// What the hardware TPM signed for a guest, from the evidence and nothing else.
    octets deep_quote_info(const std::string& guest) const {
        const octets body = file(guest + "-1/deep-quote.bin");
        const octets digests = body.substr(signature_size, 3 * digest_size);
        const octets pcrs = body.substr(signature_size + 3 * digest_size);
        REQUIRE(pcrs.size() == hardware_pcrs.size() * digest_size);
        const octets aik = aik_pubkey(modulus_of(key_of_certificate(file(guest + "-1/aik.pem"))));
        const octets extern_data = sha1(file(guest + "-1/nonce.bin") + sha1(aik));
        const octets inner = sha1(number(0, 4) + "DQUT" + extern_data + selection(vtpm_pcrs) + number(1, 1) +
                                  sha1(composite(vtpm_pcrs, pcr_values(guest))));
        const octets flags = from_hex("07000000");  // uuid, label, group; little-endian
        return quote_info(sha1(composite(hardware_pcrs, pcrs)), sha1(flags + inner + digests));
    }
    temporary_directory folder;
    fs::path out = folder.path() / "run";
};

}  // namespace

TEST_CASE("the vTPM quotes of a run verify with OpenSSL alone and not after a flipped bit") {
    const attested_run run;
    for (const std::string guest : {"guest1", "guest2"}) {
        INFO(guest);
        const key aik = key_of_certificate(run.file(guest + "-1/aik.pem"));
        const octets signature = run.file(guest + "-1/quote.sig");
        const octets info =
            quote_info(sha1(composite(vtpm_pcrs, run.pcr_values(guest))), run.file(guest + "-1/nonce.bin"));
        CHECK(run.file(guest + "-1/quote-info.bin") == info);
        CHECK(verifies(aik, info, signature));
        for (std::size_t at = 0; at < info.size(); ++at)
            CHECK_FALSE(verifies(aik, flipped(info, at), signature));
        for (const std::size_t at : {std::size_t{0}, std::size_t{100}, signature_size - 1})
            CHECK_FALSE(verifies(aik, info, flipped(signature, at)));
    }
    // One guest's AIK does not stand for the other.
    CHECK_FALSE(verifies(key_of_certificate(run.file("guest1-1/aik.pem")),
                         run.file("guest2-1/quote-info.bin"), run.file("guest2-1/quote.sig")));
}

TEST_CASE("the hardware TPM signed the deep quotes of a run and OpenSSL alone can tell") {
    const attested_run run;
    const key group_aik = key_of_certificate(run.file("platform-aik-1.pem"));
    for (const std::string guest : {"guest1", "guest2"}) {
        INFO(guest);
        const octets info = run.deep_quote_info(guest);
        const octets body = run.file(guest + "-1/deep-quote.bin");
        const octets signature = body.substr(0, signature_size);
        CHECK(verifies(group_aik, info, signature));
        for (std::size_t at = 0; at < info.size(); ++at)
            CHECK_FALSE(verifies(group_aik, flipped(info, at), signature));
        CHECK_FALSE(verifies(group_aik, info, flipped(signature, 17)));
        CHECK_FALSE(verifies(key_of_certificate(run.file(guest + "-1/aik.pem")), info, signature));
        // The first digest that the manager added is the vTPM's identity.
        const std::string uuid =
            guest == "guest1" ? "11111111111141118111111111111111" : "22222222222242228222222222222222";
        CHECK(body.substr(signature_size, digest_size) == sha1(from_hex(uuid)));
    }
    // A deep quote of one guest says nothing about the other.
    CHECK_FALSE(verifies(group_aik, run.deep_quote_info("guest1"),
                         run.file("guest2-1/deep-quote.bin").substr(0, signature_size)));
}

TEST_CASE("the openssl tool verifies the evidence files as they lie") {
    if (start({"openssl", "version"}).code != 0) {
        WARN("no openssl program here");
        return;
    }
    const attested_run run;
    const fs::path evidence = run.out / "evidence";
    const auto check = [&](const std::string& certificate, const std::string& info, const std::string& sig) {
        const std::string public_key = run.folder.at("key.pem");
        REQUIRE(start({"openssl", "x509", "-in", (evidence / certificate).string(), "-pubkey", "-noout",
                       "-out", public_key})
                    .code == 0);
        return start({"openssl", "dgst", "-sha1", "-verify", public_key, "-signature",
                      (evidence / sig).string(), (evidence / info).string()});
    };
    for (const std::string guest : {"guest1-1/", "guest2-1/"}) {
        CHECK(contains(check(guest + "aik.pem", guest + "quote-info.bin", guest + "quote.sig").out,
                       "Verified OK"));
        CHECK(
            contains(check("platform-aik-1.pem", guest + "deep-quote-info.bin", guest + "deep-quote.sig").out,
                     "Verified OK"));
        CHECK(start({"openssl", "verify", "-no_check_time", "-CAfile", (evidence / "privacy-ca.pem").string(),
                     (evidence / guest / "aik.pem").string()})
                  .code == 0);
    }
    CHECK(check("guest1-1/aik.pem", "guest2-1/quote-info.bin", "guest2-1/quote.sig").code != 0);
}
