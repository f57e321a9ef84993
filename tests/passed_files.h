// Files that go over a socket beside the octets of a message.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace vtwin::test {

/// One message on a Unix socket with these file descriptors beside it; none is right as well. False when not
/// all of the octets were taken.
inline bool send_with_files(int socket, std::span<const std::byte> octets, const std::vector<int>& files) {
    iovec where{const_cast<std::byte*>(octets.data()), octets.size()};
    std::vector<std::byte> beside(CMSG_SPACE(files.size() * sizeof(int)));
    msghdr message{};
    message.msg_iov = &where;
    message.msg_iovlen = 1;
    if (!files.empty()) {
        message.msg_control = beside.data();
        message.msg_controllen = beside.size();
        auto* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
        std::memcpy(CMSG_DATA(head), files.data(), files.size() * sizeof(int));
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(octets.size());
}

}  // namespace vtwin::test
