// TrouSerS' daemon and the TPM 1.2 tools above it use a guest's TPM.
#include <arpa/inet.h>
#include <pwd.h>

#include "tests/scenarios/end_to_end/served_program.h"
#include "tests/scenarios/end_to_end/tool.h"

using namespace vtwin::scenario::test;

namespace {

/// The daemon gives root's rights up for user tss by itself, and takes nothing but its own files.
struct tcsd {
    tcsd(const fs::path& folder, const std::vector<std::string>& device) : m_port(two_free_ports()) {
        const passwd* user = ::getpwnam("tss");
        REQUIRE(user != nullptr);
        const fs::path config = folder / "tcsd.conf", store = folder / "tcsd";
        std::ofstream(config) << "port = " << m_port
                              << "\nsystem_ps_file = " << (store / "system.data").string() << '\n';
        fs::create_directory(store);
        REQUIRE(::chown(store.c_str(), user->pw_uid, user->pw_gid) == 0);
        REQUIRE(::chown(config.c_str(), 0, user->pw_gid) == 0);
        fs::permissions(store, fs::perms::owner_all);
        fs::permissions(config, fs::perms(0640));
        std::vector<std::string> words = {"env"};
        words.insert(words.end(), device.begin(), device.end());
        words.insert(words.end(), {"tcsd", "-e", "-f", "-c", config.string()});
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        m_child = ::fork();
        REQUIRE(m_child >= 0);
        if (m_child == 0) {
            const int log = ::open((folder / "tcsd.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(log, 1);
            ::dup2(log, 2);
            ::execvp(argv[0], argv.data());
            ::_exit(127);
        }
        for (int looks = 0; looks < 3000 && !listens(); ++looks)
            ::usleep(20'000);
    }
    ~tcsd() {
        ::kill(m_child, SIGTERM);
        ::waitpid(m_child, nullptr, 0);
    }
    tcsd(const tcsd&) = delete;
    tcsd& operator=(const tcsd&) = delete;

    program_result run(const std::string& line, const fs::path& folder) const {
        return run_tool({"TSS_TCSD_HOSTNAME=127.0.0.1", "TSS_TCSD_PORT=" + std::to_string(m_port)},
                        {"sh", "-ec", "PATH=$PATH:/usr/sbin\n" + line}, folder.string());
    }

  private:
    bool listens() const {
        const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(m_port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool there = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(probe);
        return there;
    }

    int m_port;
    pid_t m_child = 0;
};

bool there() {
    const bool installed = fs::exists("/usr/sbin/tcsd") && fs::exists("/usr/sbin/tpm_takeownership") &&
                           fs::exists("/usr/bin/tpm_getquote");
    if (::geteuid() != 0 || !installed)
        WARN("SKIPPED: tcsd needs root, and trousers, tpm-tools and tpm-quote-tools installed");
    return ::geteuid() == 0 && installed;
}

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
    if (!there())
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
