#include "scenarios/live/doors/swtpm_requests.h"

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

namespace vtwin::scenario::live::swtpm {

asio::awaitable<std::optional<reading>> request_reader::next() {
    std::optional<reading> none;
    tpm::bytes().swap(m_octets);  // gives back what a long one took
    m_files = 0;
    m_file.reset();
    while (true) {
        asio::error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_await m_from.async_wait(asio::socket_base::wait_read, token);
        if (error)
            co_return none;
        received more = receive_with_files(m_from);
        if (more.ended)
            co_return none;
        m_octets.insert(m_octets.end(), more.octets.begin(), more.octets.end());
        keep_one(std::move(more.files));
        std::optional<reading> seen = read_request(m_octets);
        if (seen->what != reading::kind::incomplete)
            co_return seen;
    }
}

void request_reader::keep_one(std::vector<owned_file> came) {
    m_files += came.size();
    if (m_files == 1 && !came.empty())
        m_file.emplace(std::move(came.front()));
    else if (m_files > 1)
        m_file.reset();
}

std::optional<owned_file> request_reader::take_file() {
    return std::exchange(m_file, std::nullopt);
}

}  // namespace vtwin::scenario::live::swtpm
