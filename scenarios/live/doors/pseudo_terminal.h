// A pseudo-terminal that behaves as a character device, and a link that always leads to a fresh one.
#pragma once

#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>

namespace vtwin::scenario::live {

/// For one client: what was written by a client that has gone never meets the next one.
class pseudo_terminal {
  public:
    /// Octets pass as they are; only the user may open it. Throws std::system_error.
    explicit pseudo_terminal(asio::io_context& io);

    /// Reading fails when every program has closed the other end.
    asio::posix::stream_descriptor& master() { return m_master; }
    /// Becomes readable when a program opens, writes or closes the other end.
    asio::posix::stream_descriptor& events() { return m_events; }
    /// How often the other end has been opened; asks events(). Two programs that opened it and have done
    /// nothing else yet count as one.
    std::uint64_t opened();
    /// "/dev/pts/N".
    const std::string& device() const { return m_device; }

  private:
    asio::posix::stream_descriptor m_master, m_events;
    std::string m_device;
    std::uint64_t m_opened = 0;
};

/// A symbolic link that is removed at the end, unless it has become somebody else's.
class device_link {
  public:
    /// Throws std::system_error when `path` exists or cannot be had.
    device_link(std::string path, const std::string& target);
    ~device_link();
    device_link(const device_link&) = delete;
    device_link& operator=(const device_link&) = delete;

    /// There is a link at every moment. Throws std::system_error.
    void point_to(const std::string& target);
    const std::string& path() const { return m_path; }

  private:
    bool ours() const;

    std::string m_path, m_target;
};

}  // namespace vtwin::scenario::live
