// The round trip of one command over a Unix socket: through a served guest's whole path, with every success
// stored as Xen's vTPM does, beside a bare swtpm, which simulates nothing.
#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "models/hex.h"
#include "tests/bench/child.h"

namespace {

using namespace vtwin;
namespace fs = std::filesystem;

const std::string get_random = "80010000000c0000017b0010",
                  read_pcr = "8001000000140000017e00000001000b03000001";

/// A program with a Unix socket in a folder of its own, ended with this object.
class server {
  public:
    server(const std::string& command, const std::string& socket) {
        std::string name = (fs::temp_directory_path() / "vtwin-bench-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        m_child = ::fork();
        if (m_child == 0) {
            fs::current_path(m_folder);
            ::execl("/bin/sh", "sh", "-c", ("exec " + command + " >log 2>&1").c_str(), nullptr);
            ::_exit(127);
        }
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = (fs::path(m_folder) / socket).string();
        std::copy(path.begin(), path.end(), address.sun_path);
        for (int looks = 0; looks < 500 && !m_connected; ++looks) {
            m_socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
            m_connected = ::connect(m_socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
            if (!m_connected) {
                ::close(m_socket);
                ::usleep(20'000);
            }
        }
    }
    ~server() {
        ::close(m_socket);
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, nullptr, 0);
        fs::remove_all(m_folder);
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    bool connected() const { return m_connected; }
    bool ask(const models::bytes& command) const {
        models::bytes answer(4096);
        return ::send(m_socket, command.data(), command.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(command.size()) &&
               ::recv(m_socket, answer.data(), answer.size(), 0) > 10;
    }

  private:
    std::string m_folder;
    pid_t m_child = 0;
    int m_socket = -1;
    bool m_connected = false;
};

void round_trips(benchmark::State& state, const server& at, const std::string& command) {
    const auto octets = *models::from_hex(command);
    if (!at.connected() || !at.ask(octets)) {
        state.SkipWithError("not served");
        return;
    }
    for (auto _ : state)
        if (!at.ask(octets)) {
            state.SkipWithError("no answer");
            return;
        }
}

void served_guest(benchmark::State& state, const std::string& command) {
    const server at(
        VTWIN_PROGRAM " serve tpm2_guest --listen raw:unix:s --start clear --quiet --no-vcd --out out", "s");
    round_trips(state, at, command);
}

void bare_swtpm(benchmark::State& state, const std::string& command) {
    const server at(
        "swtpm socket --tpm2 --tpmstate dir=. --server type=unixio,path=s "
        "--flags not-need-init,startup-clear",
        "s");
    round_trips(state, at, command);
}

BENCHMARK_CAPTURE(served_guest, get_random, get_random)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(bare_swtpm, get_random, get_random)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(served_guest, read_pcr, read_pcr)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(bare_swtpm, read_pcr, read_pcr)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace

// libsystemc owns main().
int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
