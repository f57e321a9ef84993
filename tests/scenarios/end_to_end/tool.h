// Debian's programs as clients of a served guest.
#pragma once

#include <arpa/inet.h>

#include "tests/scenarios/end_to_end/program.h"

namespace vtwin::scenario::test {

/// Runs it with the given additions to its environment, and ends it after a minute or three.
inline program_result run_tool(const std::vector<std::string>& environment,
                               const std::vector<std::string>& words, const std::string& folder = "/") {
    std::vector<std::string> all = {"timeout", "180", "env", "-C", folder};
    all.insert(all.end(), environment.begin(), environment.end());
    all.insert(all.end(), words.begin(), words.end());
    return start(all);
}

/// A port of 127.0.0.1 that nobody has now, and the next one neither.
inline int two_free_ports() {
    const auto bind_to = [](int socket, int port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        const bool bound = ::bind(socket, generic, size) == 0;
        ::getsockname(socket, generic, &size);
        return bound ? ntohs(address.sin_port) : 0;
    };
    int found = 0;
    for (int tries = 0; tries < 100 && found == 0; ++tries) {
        const int first = ::socket(AF_INET, SOCK_STREAM, 0), second = ::socket(AF_INET, SOCK_STREAM, 0);
        const int port = bind_to(first, 0);
        if (port != 0 && port < 65535 && bind_to(second, port + 1) != 0)
            found = port;
        ::close(first);
        ::close(second);
    }
    REQUIRE(found != 0);
    return found;
}

}  // namespace vtwin::scenario::test
