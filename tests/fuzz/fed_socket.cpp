#include "tests/fuzz/fed_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/local/stream_protocol.hpp>
#include <filesystem>

#include "tests/passed_files.h"

namespace vtwin::fuzz {

fed_socket::fed_socket() : m_socket(m_io) {
    std::array<int, 2> ends{};
    promise(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const asio::local::stream_protocol protocol;
    m_socket.assign(protocol, ends[1]);
    m_other = ends[0];
}

fed_socket::~fed_socket() {
    if (m_other >= 0)
        ::close(m_other);
}

void fed_socket::go_on() {
    m_io.restart();
    m_io.poll();
}

void fed_socket::give(tpm::byte_view octets, const std::vector<int>& files) {
    promise(test::send_with_files(m_other, octets, files));
    go_on();
}

void fed_socket::give_in_pieces(tpm::byte_view octets, std::byte how) {
    auto state = std::to_integer<std::size_t>(how);
    const std::size_t longest = std::max<std::size_t>(13, octets.size() / 16);
    while (!octets.empty()) {
        const std::size_t size = state == 0 ? octets.size() : std::min(octets.size(), 1 + state % longest);
        give(octets.first(size));
        octets = octets.subspan(size);
        state = state == 0 ? 0 : 1 + (state * 193 + 71) % 65'521;
    }
}

void fed_socket::end() {
    ::close(m_other);
    m_other = -1;
    go_on();
}

tpm::bytes fed_socket::taken() {
    tpm::bytes all;
    std::array<std::byte, 4096> part{};
    ssize_t got = 0;
    while ((got = ::recv(m_other, part.data(), part.size(), MSG_DONTWAIT)) > 0)
        all.insert(all.end(), part.begin(), part.begin() + got);
    return all;
}

std::size_t open_files() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace vtwin::fuzz
