// File descriptors that come with octets over a Unix socket (SCM_RIGHTS).
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "scenarios/live/doors/listener.h"
#include "tpm/ports.h"

namespace vtwin::scenario::live {

/// An open file that is closed with this object.
class owned_file {
  public:
    explicit owned_file(int number) : m_number(number) {}
    ~owned_file();
    owned_file(owned_file&& other) noexcept : m_number(std::exchange(other.m_number, -1)) {}
    owned_file& operator=(owned_file&& other) noexcept {
        std::swap(m_number, other.m_number);
        return *this;
    }
    int number() const { return m_number; }
    int release() { return std::exchange(m_number, -1); }

  private:
    int m_number;
};

/// What one read of a socket gave.
struct received {
    bool ended = false;  ///< the other side has closed, or the socket failed
    tpm::bytes octets;   ///< empty without `ended`: nothing is there yet
    std::vector<owned_file> files;
};
/// Does not wait.
received receive_with_files(stream_socket& from);

/// A connected stream socket of a kind that doors serve; nullopt when `file` is none.
std::optional<stream_socket> adopt_stream(asio::io_context& io, owned_file file);

}  // namespace vtwin::scenario::live
