#include "scenarios/live/doors/pseudo_terminal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <string>
#include <system_error>

#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;
using namespace vtwin::scenario::live;
namespace fs = std::filesystem;

namespace {

/// Octets that a terminal would take for line ends, echo, interrupt, end of file and flow control.
const std::string awkward("\r\n\0\x03\x04\x11\x13\x1a\x7f\xff", 10);

int open_device(const pseudo_terminal& terminal) {
    const int client = ::open(terminal.device().c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE(client >= 0);
    return client;
}
std::string read_some(int from) {
    std::string octets(64, '\0');
    const ssize_t got = ::read(from, octets.data(), octets.size());
    octets.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return octets;
}

}  // namespace

TEST_CASE("a pseudo-terminal passes every octet as it is and counts who opened it") {
    asio::io_context io;
    pseudo_terminal terminal(io);
    struct stat seen {};
    REQUIRE(::stat(terminal.device().c_str(), &seen) == 0);
    CHECK((seen.st_mode & 0777) == 0600);
    CHECK(terminal.opened() == 0);
    const int master = terminal.master().native_handle();
    const int client = open_device(terminal);
    CHECK(terminal.opened() == 1);
    REQUIRE(::write(client, awkward.data(), awkward.size()) == 10);
    CHECK(read_some(master) == awkward);
    REQUIRE(::write(master, awkward.data(), awkward.size()) == 10);
    CHECK(read_some(client) == awkward);
    CHECK(read_some(master).empty());
    CHECK(errno == EAGAIN);
    ::close(client);
    CHECK(read_some(master).empty());
    CHECK(errno == EIO);  // nobody has the other end open
    ::close(open_device(terminal));
    CHECK(terminal.opened() == 2);
}

TEST_CASE("a device link is never in anybody's way") {
    temporary_directory folder;
    const std::string path = folder.at("tpm0");
    {
        device_link link(path, "/dev/null");
        CHECK(fs::read_symlink(path) == "/dev/null");
        link.point_to("/dev/zero");
        CHECK(fs::read_symlink(path) == "/dev/zero");
        CHECK_THROWS_AS(device_link(path, "/dev/null"), std::system_error);
        CHECK(fs::read_symlink(path) == "/dev/zero");
    }
    CHECK_FALSE(fs::is_symlink(path));
    {
        device_link link(path, "/dev/null");
        fs::remove(path);
        folder.write("tpm0", "somebody else's");
        CHECK_THROWS_AS(link.point_to("/dev/zero"), std::system_error);
    }
    CHECK(content_of(path) == "somebody else's");
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}
