#include "scenarios/live/doors/passed_files.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace vtwin::scenario::live {
namespace {

constexpr std::size_t most_octets = 65536, most_files = 8;

std::optional<int> option_of(int socket, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

owned_file::~owned_file() {
    if (m_number >= 0)
        ::close(m_number);
}

received receive_with_files(stream_socket& from) {
    received seen;
    seen.octets.resize(most_octets);
    iovec where{seen.octets.data(), seen.octets.size()};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(most_files * sizeof(int))> beside{};
    msghdr message{};
    message.msg_iov = &where;
    message.msg_iovlen = 1;
    message.msg_control = beside.data();
    message.msg_controllen = beside.size();
    const auto got = ::recvmsg(from.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const bool nothing_yet = got < 0 && (errno == EAGAIN || errno == EINTR);
    seen.ended = got <= 0 && !nothing_yet;
    seen.octets.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got < 0)
        return seen;
    for (auto* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(each) + i * sizeof number, sizeof number);
            seen.files.emplace_back(number);
        }
    }
    return seen;
}

std::optional<stream_socket> adopt_stream(asio::io_context& io, owned_file file) {
    const auto family = option_of(file.number(), SO_DOMAIN);
    const auto type = option_of(file.number(), SO_TYPE);
    const bool known = family == AF_UNIX || family == AF_INET || family == AF_INET6;
    if (!known || type != SOCK_STREAM || option_of(file.number(), SO_ACCEPTCONN) != 0)
        return std::nullopt;
    stream_socket adopted(io);
    asio::error_code error;
    const asio::generic::stream_protocol protocol(*family, 0);
    adopted.assign(protocol, file.number(), error);
    if (error)
        return std::nullopt;
    file.release();
    return adopted;
}

}  // namespace vtwin::scenario::live
