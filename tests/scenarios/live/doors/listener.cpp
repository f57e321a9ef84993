#include "scenarios/live/doors/listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::live;
using namespace vtwin::scenario::test;

namespace {

/// While it lives, this process can open no further file.
class no_more_files {
  public:
    no_more_files() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &m_before) == 0);
        const int lowest_free = ::open("/dev/null", O_RDONLY);
        ::close(lowest_free);
        rlimit limit = m_before;
        limit.rlim_cur = static_cast<rlim_t>(lowest_free);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    ~no_more_files() { ::setrlimit(RLIMIT_NOFILE, &m_before); }
    no_more_files(const no_more_files&) = delete;
    no_more_files& operator=(const no_more_files&) = delete;

  private:
    rlimit m_before{};
};

int connect_to(const std::string& path) {
    const int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return client;
}

/// A Unix socket of somebody else's.
class other_socket {
  public:
    explicit other_socket(const std::string& path, int queue) : m_socket(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        REQUIRE(::bind(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(m_socket, queue) == 0);
    }
    ~other_socket() { ::close(m_socket); }
    other_socket(const other_socket&) = delete;
    other_socket& operator=(const other_socket&) = delete;

  private:
    int m_socket;
};

/// Opens files until that number is in use.
std::vector<int> files_up_to(int number) {
    std::vector<int> files;
    do
        files.push_back(::open("/dev/null", O_RDONLY));
    while (files.back() < number);
    return files;
}

asio::awaitable<void> accept_and_keep(listener& from, std::vector<stream_socket>& kept) {
    while (true) {
        stream_socket client = co_await from.accept();
        kept.push_back(std::move(client));
    }
}

asio::awaitable<void> accept_one(listener& from, int& accepted) {
    const stream_socket client = co_await from.accept();
    ++accepted;
}

}  // namespace

TEST_CASE("a door without a descriptor for its next client takes it when there is one") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    asio::io_context io;
    listener door(io, parse_listen_spec("raw:unix:" + path, false));
    int accepted = 0;
    asio::co_spawn(io, accept_one(door, accepted), asio::detached);
    const int client = connect_to(path);
    {
        const no_more_files limit;
        io.run_for(std::chrono::milliseconds(120));
        CHECK(accepted == 0);
    }
    io.run_for(std::chrono::seconds(60));  // ends as soon as nothing is left to do
    CHECK(accepted == 1);
    ::close(client);
}

TEST_CASE("a door takes no more clients than leave the program some descriptors") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    asio::io_context io;
    listener door(io, parse_listen_spec("raw:unix:" + path, false));
    std::vector<stream_socket> kept;
    asio::co_spawn(io, accept_and_keep(door, kept), asio::detached);
    std::vector<int> clients;
    for (int i = 0; i < 10; ++i)
        clients.push_back(connect_to(path));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    // Of more than 64, sixteen are kept; of the others three are free.
    const std::vector<int> padding = files_up_to(64);
    const rlimit limit{static_cast<rlim_t>(padding.back()) + 1 + 3 + 16, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    io.run_for(std::chrono::milliseconds(200));
    CHECK(kept.size() <= 3);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (kept.size() < 10 && std::chrono::steady_clock::now() < until)
        io.run_for(std::chrono::milliseconds(20));
    CHECK(kept.size() == 10);
    for (const auto& files : {clients, padding})
        for (const int each : files)
            ::close(each);
}

TEST_CASE("a door removes its own socket and nobody else's") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    asio::io_context io;
    { const listener door(io, parse_listen_spec("raw:unix:" + path, false)); }
    CHECK_FALSE(std::filesystem::exists(path));
    std::optional<other_socket> other;
    {
        const listener door(io, parse_listen_spec("raw:unix:" + path, false));
        REQUIRE(::unlink(path.c_str()) == 0);
        other.emplace(path, 1);
    }
    CHECK(std::filesystem::exists(path));
    {
        // A link to a socket is none.
        REQUIRE(::unlink(path.c_str()) == 0);
        const listener door(io, parse_listen_spec("raw:unix:" + path, false));
        std::filesystem::rename(path, path + ".moved");
        std::filesystem::create_symlink(path + ".moved", path);
    }
    CHECK(std::filesystem::is_symlink(path));
}

TEST_CASE("a socket whose owner has a full queue is in use") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    const other_socket other(path, 0);
    const int waiting = connect_to(path);
    asio::io_context io;
    CHECK_THROWS_WITH(listener(io, parse_listen_spec("raw:unix:" + path, false)),
                      Catch::Contains("exists, and is in use or no socket"));
    CHECK(std::filesystem::exists(path));
    ::close(waiting);
}
