#include "scenarios/live/doors/listener.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
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
    asio::io_context own;
    asio::local::stream_protocol::socket probe(own);
    asio::error_code error;
    probe.connect(asio::local::stream_protocol::endpoint(path), error);
    return error == asio::error::connection_refused;
}

}  // namespace

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
    m_path = spec.path.empty() ? "" : path;
}

listener::~listener() {
    if (!m_path.empty())
        ::unlink(m_path.c_str());
}

asio::awaitable<stream_socket> listener::accept() {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    stream_socket client = co_await m_acceptor.async_accept(token);
    while (error) {
        // The client has gone already, or there is no descriptor for it: others leave.
        m_pause.expires_after(before_next_try);
        co_await m_pause.async_wait(asio::use_awaitable);
        client = co_await m_acceptor.async_accept(token);
    }
    if (m_path.empty()) {
        asio::error_code ignored;
        client.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    co_return client;
}

}  // namespace vtwin::scenario::live
