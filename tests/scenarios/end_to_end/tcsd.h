// TrouSerS' daemon on a door, and the tools above it.
#pragma once

#include <arpa/inet.h>
#include <pwd.h>

#include "tests/scenarios/end_to_end/served_program.h"
#include "tests/scenarios/end_to_end/tool.h"

namespace vtwin::scenario::test {

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

/// False, and SKIPPED said, when its test cannot be done here.
inline bool tcsd_is_there() {
    const bool installed = fs::exists("/usr/sbin/tcsd") && fs::exists("/usr/sbin/tpm_takeownership") &&
                           fs::exists("/usr/bin/tpm_getquote");
    if (::geteuid() != 0 || !installed)
        WARN("SKIPPED: tcsd needs root, and trousers, tpm-tools and tpm-quote-tools installed");
    return ::geteuid() == 0 && installed;
}

}  // namespace vtwin::scenario::test
