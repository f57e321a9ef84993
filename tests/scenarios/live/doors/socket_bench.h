// A door's end of a socket, and a client's that the test holds.
#pragma once

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "models/hex.h"
#include "scenarios/live/doors/listener.h"
#include "tests/passed_files.h"

namespace vtwin::scenario::test {

struct socket_bench {
    socket_bench() : door(io) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
        const asio::local::stream_protocol protocol;
        door.assign(protocol, ends[0]);
        client = ends[1];
    }
    ~socket_bench() { leave(); }
    socket_bench(const socket_bench&) = delete;
    socket_bench& operator=(const socket_bench&) = delete;

    void leave() {
        if (client >= 0)
            ::close(client);
        client = -1;
        go_on();
    }
    /// Whoever reads at the door goes as far as he can.
    void go_on() {
        io.restart();
        io.poll();
    }
    /// One message with files beside it.
    void send(const std::string& hex, const std::vector<int>& files = {}) {
        REQUIRE(vtwin::test::send_with_files(client, *models::from_hex(hex), files));
        go_on();
    }
    /// What is there to be read, "" for nothing.
    std::string receive() const {
        std::array<std::byte, 4096> octets{};
        const auto got = ::recv(client, octets.data(), octets.size(), MSG_DONTWAIT);
        return models::to_hex({octets.data(), got > 0 ? static_cast<std::size_t>(got) : 0});
    }
    template <class coroutine>
    void spawn(coroutine what) {
        asio::co_spawn(io, std::move(what), asio::detached);
        go_on();
    }

    asio::io_context io;
    live::stream_socket door;
    int client = -1;
};

inline int open_files() {
    int count = 0;
    DIR* const all = ::opendir("/proc/self/fd");
    REQUIRE(all != nullptr);
    while (::readdir(all) != nullptr)
        ++count;
    ::closedir(all);
    return count;
}

}  // namespace vtwin::scenario::test
