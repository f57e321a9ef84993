// A door's end of a socket whose other end gives octets in pieces, so that readers meet every way to be
// split.
#pragma once

#include <asio/io_context.hpp>
#include <vector>

#include "scenarios/live/doors/listener.h"
#include "tests/fuzz/fuzz_target.h"

namespace vtwin::fuzz {

class fed_socket {
  public:
    fed_socket();
    ~fed_socket();
    fed_socket(const fed_socket&) = delete;
    fed_socket& operator=(const fed_socket&) = delete;

    asio::io_context& io() { return m_io; }
    scenario::live::stream_socket& socket() { return m_socket; }
    /// One write, at most 8 KiB, with these files beside it; then whoever reads goes on as far as he can.
    void give(tpm::byte_view octets, const std::vector<int>& files = {});
    /// The same for every piece; `how` tells the sizes, 0: one piece.
    void give_in_pieces(tpm::byte_view octets, std::byte how);
    /// The client goes.
    void end();
    /// What the door has written since the last call; does not wait.
    tpm::bytes taken();

  private:
    void go_on();

    asio::io_context m_io;
    scenario::live::stream_socket m_socket;
    int m_other = -1;
};

/// How many files this process has open.
std::size_t open_files();

}  // namespace vtwin::fuzz
