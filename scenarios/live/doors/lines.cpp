#include "scenarios/live/doors/lines.h"

#include <asio/buffer.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace vtwin::scenario::live {

asio::awaitable<line_reader::line> line_reader::next() {
    line read;
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    auto buffer = asio::dynamic_buffer(m_received, m_longest);
    const std::size_t length = co_await asio::async_read_until(m_from, buffer, '\n', token);
    if (error) {
        if (error == asio::error::not_found)
            read.what = line::kind::too_long;
        std::string().swap(m_received);
        co_return read;
    }
    read.what = line::kind::complete;
    read.text = m_received.substr(0, length - 1);
    std::string(m_received, length).swap(m_received);  // assignment would keep the long one's memory
    co_return read;
}

}  // namespace vtwin::scenario::live
