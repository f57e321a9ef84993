// Requests of one of swtpm's control connections, from its socket, with the files that come beside them.
#pragma once

#include <asio/awaitable.hpp>
#include <optional>

#include "scenarios/live/doors/passed_files.h"
#include "scenarios/live/doors/swtpm_control.h"

namespace vtwin::scenario::live::swtpm {

/// Keeps, for one request, the octets that have come and one file; other files are closed as they come.
class request_reader {
  public:
    explicit request_reader(stream_socket& from) : m_from(from) {}

    /// A request, or what stands for one; what the one before left is forgotten. Nullopt: the client has
    /// gone.
    asio::awaitable<std::optional<reading>> next();
    /// The file that came with it, when exactly one did.
    std::optional<owned_file> take_file();

  private:
    void keep_one(std::vector<owned_file> came);

    stream_socket& m_from;
    tpm::bytes m_octets;
    std::size_t m_files = 0;  ///< that came with this request
    std::optional<owned_file> m_file;
};

}  // namespace vtwin::scenario::live::swtpm
