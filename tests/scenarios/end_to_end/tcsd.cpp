// TrouSerS' daemon and the TPM 1.2 tools above it use a guest's TPM.
#include "tests/scenarios/end_to_end/tcsd.h"

using namespace vtwin::scenario::test;

namespace {

/// tpm_mkaik pads an INTEGER of its DER (02 04 0000xxxx), which OpenSSL 3 refuses in tpm_verifyquote.
void repair_public_key(const fs::path& file) {
    std::string der = content_of(file);
    constexpr std::size_t outer_length = 2, padded_at = 10;
    REQUIRE(der.substr(0, 2) == "\x30\x82");
    REQUIRE(der.substr(padded_at, 4) == std::string("\x02\x04\x00\x00", 4));
    der.replace(padded_at, 4, "\x02\x02");
    const std::size_t length = der.size() - outer_length - 2;
    der[outer_length] = static_cast<char>(length >> 8);
    der[outer_length + 1] = static_cast<char>(length & 0xFF);
    std::ofstream(file, std::ios::binary) << der;
}

}  // namespace

TEST_CASE("tpm-tools own a guest's TPM over TCP and quote with it over a Unix socket") {
    if (!tcsd_is_there())
        return;
    temporary_directory folder;
    const fs::path& here = folder.path();
    fs::permissions(here, fs::perms(0755));  // tcsd leaves root's rights before it opens its device
    const std::string port = std::to_string(two_free_ports()), socket = (here / "tpm").string();
    served_program served({"deep_attestation", "--guest", "guest1", "--listen", "raw:tcp:" + port, "--listen",
                           "raw:unix:" + socket + ",mode=0666", "--start", "clear"});
    {
        const tcsd daemon(here, {"TCSD_TCP_DEVICE_HOSTNAME=127.0.0.1", "TCSD_TCP_DEVICE_PORT=" + port});
        const auto owned = daemon.run(
            "tpm_version\n"
            "tpm_takeownership -y -z\n"
            "printf secret > in\n"
            "tpm_sealdata -z -p 0 -p 16 -i in -o sealed\n"
            "tpm_nvdefine -i 0x11101 -s 32 -y -p 'AUTHWRITE|AUTHREAD' -asecret\n"
            "tpm_nvwrite -i 0x11101 -s 5 -d hello -psecret\n",
            here);
        INFO(owned.out << owned.err << content_of(here / "tcsd.log"));
        CHECK(owned.code == 0);
        CHECK(contains(owned.out, "TPM 1.2 Version Info"));
        // As Xen's vTPM: its endorsement key is there, and it makes no other.
        const auto refused = daemon.run("tpm_createek", here);
        CHECK(refused.code != 0);
        CHECK(contains(refused.err + refused.out, "0x00000008"));
        CHECK(daemon.run("tpm_nvread -i 0x11101 -pwrong", here).code != 0);
    }
    {
        const tcsd daemon(here, {"TCSD_TCP_DEVICE_HOSTNAME=127.0.0.1", "TCSD_TCP_DEVICE_PORT=1",
                                 "TCSD_UN_SOCKET_DEVICE_PATH=" + socket});
        const auto read = daemon.run(
            "tpm_unsealdata -z -i sealed -o out\n"
            "cmp in out\n"
            "tpm_nvread -i 0x11101 -psecret\n",
            here);
        INFO(read.out << read.err << content_of(here / "tcsd.log"));
        CHECK(read.code == 0);
        CHECK(contains(read.out, "68 65 6c 6c 6f"));
        const auto quoted = daemon.run(
            "tpm_mkuuid uuid\n"
            "tpm_mkaik -z aik.blob aik.pub\n"
            "tpm_loadkey aik.blob uuid\n"
            "tpm_getpcrhash uuid hash pcrs 0 10 16\n"
            "head -c 20 /dev/urandom > nonce\n"
            "head -c 20 /dev/urandom > other\n"
            "tpm_getquote uuid nonce quote 0 10 16\n",
            here);
        INFO(quoted.out << quoted.err);
        REQUIRE(quoted.code == 0);
        repair_public_key(here / "aik.pub");
        const auto verified = daemon.run("tpm_verifyquote aik.pub hash nonce quote", here);
        INFO(verified.out << verified.err);
        CHECK(verified.code == 0);
        CHECK(daemon.run("tpm_verifyquote aik.pub hash other quote", here).code != 0);
    }
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(fs::exists(served.path("run/result.json")));
}
