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

asio::awaitable<void> accept_one(listener& from, int& accepted) {
    const stream_socket client = co_await from.accept();
    ++accepted;
}

}  // namespace

TEST_CASE("a door without a descriptor for its next client takes it when there is one") {
    temporary_directory folder;
    const std::string path = (folder.path() / "s").string();
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
