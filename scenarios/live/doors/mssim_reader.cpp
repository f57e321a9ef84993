#include "scenarios/live/doors/mssim_reader.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "scenarios/live/doors/frames.h"

namespace vtwin::scenario::live {
namespace {

using extent = mssim_extent::kind;

/// Clients write a request in parts; without this, each part waits for a delayed acknowledgement of the one
/// before (40 ms). The kernel forgets it with every segment. Means nothing to a Unix socket.
void acknowledge_at_once(stream_socket& client) {
    const int on = 1;
    ::setsockopt(client.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

}  // namespace

asio::awaitable<mssim_received> read_mssim_request(stream_socket& from, mssim_port port) {
    mssim_received read;
    tpm::bytes octets;
    mssim_extent known = measure(port, octets);
    while (known.what == extent::partial) {
        const bool more = co_await read_up_to(from, octets, known.size);
        if (!more)
            co_return read;
        acknowledge_at_once(from);
        known = measure(port, octets);
    }
    read.what = known.what;
    if (known.what == extent::complete)
        read.request = parse_mssim_request(octets);
    co_return read;
}

}  // namespace vtwin::scenario::live
