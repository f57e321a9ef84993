#include "scenarios/live/doors/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>

#include "scenarios/schema/problem.h"

namespace vtwin::scenario::live {
namespace {

constexpr int waiting_clients = 16;
constexpr std::chrono::milliseconds before_next_try{50};

/// Files that are made while it lives have at most this mode.
class mode_limit {
  public:
    explicit mode_limit(unsigned mode) : m_before(::umask(~mode & 0777)) {}
    ~mode_limit() { ::umask(m_before); }
    mode_limit(const mode_limit&) = delete;
    mode_limit& operator=(const mode_limit&) = delete;

  private:
    mode_t m_before;
};

/// A socket that nobody listens to any more: its program was killed.
bool is_left_over(const std::string& path) {
    struct stat seen {};
    if (::lstat(path.c_str(), &seen) != 0 || !S_ISSOCK(seen.st_mode))
        return false;
    // Not by asio, which waits while the owner has a full queue.
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const asio::local::stream_protocol::endpoint where(path);
    const bool refused =
        ::connect(probe, where.data(), static_cast<socklen_t>(where.size())) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return refused;
}

/// Descriptors that clients leave to the program: outputs have to be written whoever is connected.
rlim_t reserve_of(rlim_t most) {
    constexpr rlim_t wanted = 16, share = 4;
    return std::min(wanted, most / share);
}

/// Whether the next descriptor is one that a client may have. The system gives the lowest that is free.
bool has_room(int any_open_file) {
    rlimit most{};
    if (::getrlimit(RLIMIT_NOFILE, &most) != 0)
        return true;
    const int next = ::fcntl(any_open_file, F_DUPFD_CLOEXEC, 0);
    if (next < 0)
        return false;
    ::close(next);
    return most.rlim_cur == RLIM_INFINITY ||
           static_cast<rlim_t>(next) + reserve_of(most.rlim_cur) < most.rlim_cur;
}

}  // namespace

/// Of the file that is there now; nullopt: there is none.
std::optional<listener::file_identity> listener::identity_of(const std::string& path) {
    struct stat seen {};
    if (::lstat(path.c_str(), &seen) != 0)
        return std::nullopt;
    return file_identity{seen.st_dev, seen.st_ino};
}

listener::listener(asio::io_context& io, const listen_spec& spec, unsigned channel)
    : m_acceptor(io), m_pause(io) {
    asio::generic::stream_protocol::endpoint where;
    const std::string path = channel == 0 ? spec.path : spec.path + ".ctrl";
    if (!spec.path.empty()) {
        where = asio::local::stream_protocol::endpoint(path);
        m_place = "unix:" + path;
    } else {
        const asio::ip::tcp::endpoint address(asio::ip::make_address(spec.host),
                                              static_cast<std::uint16_t>(spec.port + channel));
        where = address;
        m_place = fmt::format("tcp:{}{}{}:{}", address.address().is_v6() ? "[" : "", spec.host,
                              address.address().is_v6() ? "]" : "", address.port());
    }
    asio::error_code error;
    m_acceptor.open(where.protocol(), error);
    if (!error && spec.path.empty())
        m_acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) {
        const mode_limit limit(spec.mode);
        m_acceptor.bind(where, error);
        if (error == asio::error::address_in_use && !spec.path.empty() && is_left_over(path)) {
            ::unlink(path.c_str());
            m_acceptor.bind(where, error);
        }
    }
    const bool bound = !error;
    if (bound)
        m_acceptor.listen(waiting_clients, error);
    if (error) {
        if (bound && !spec.path.empty())
            ::unlink(path.c_str());
        const bool taken = error == asio::error::address_in_use;
        throw user_error({"--listen " + spec.text}, "",
                         taken && !spec.path.empty()
                             ? fmt::format("{} exists, and is in use or no socket", path)
                         : taken ? fmt::format("{} is in use", m_place)
                                 : fmt::format("{} cannot be opened: {}", m_place, error.message()));
    }
    m_acceptor.non_blocking(true, error);
    m_path = spec.path.empty() ? "" : path;
    if (!m_path.empty())
        m_identity = identity_of(m_path);
}

/// The socket's number is nobody else's as long as it is open, which it is here.
listener::~listener() {
    if (!m_path.empty() && m_identity && identity_of(m_path) == m_identity)
        ::unlink(m_path.c_str());
}

asio::awaitable<stream_socket> listener::accept() {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    stream_socket client(m_acceptor.get_executor());
    do {
        if (error) {
            // The client has gone already, or there is no descriptor for it: others leave.
            m_pause.expires_after(before_next_try);
            co_await m_pause.async_wait(asio::use_awaitable);
        }
        co_await m_acceptor.async_wait(asio::socket_base::wait_read, token);
        if (!error && !has_room(m_acceptor.native_handle()))
            error = asio::error::no_descriptors;
        if (!error)
            client = m_acceptor.accept(error);
    } while (error);
    if (m_path.empty()) {
        asio::error_code ignored;
        client.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    co_return client;
}

}  // namespace vtwin::scenario::live
