// Requests of the TPM 2.0 reference simulator's clients, from a socket.
#pragma once

#include <asio/awaitable.hpp>

#include "scenarios/live/doors/listener.h"
#include "scenarios/live/doors/mssim_frames.h"

namespace vtwin::scenario::live {

/// One request; what is not complete is what the client ended with.
struct mssim_received {
    mssim_extent::kind what = mssim_extent::kind::partial;
    mssim_request request;
};
asio::awaitable<mssim_received> read_mssim_request(stream_socket& from, mssim_port port);

}  // namespace vtwin::scenario::live
