// Text lines on a stream, none longer than permitted.
#pragma once

#include <asio/awaitable.hpp>
#include <string>

#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live {

/// Keeps what has come of a line, `longest` octets at most, and what was read beyond the last one.
class line_reader {
  public:
    line_reader(stream_socket& from, std::size_t longest) : m_from(from), m_longest(longest) {}

    struct line {
        enum class kind : std::uint8_t { complete, too_long, ended };
        kind what = kind::ended;
        std::string text;  ///< without its end
    };
    /// After one that is too long the stream has no meaning.
    asio::awaitable<line> next();
    /// Octets of memory that it holds.
    std::size_t held() const { return m_received.capacity(); }

  private:
    stream_socket& m_from;
    std::size_t m_longest;
    std::string m_received;
};

}  // namespace vtwin::scenario::live
