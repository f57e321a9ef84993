#include "scenarios/live/doors/swtpm_chip.h"

#include <utility>

#include "scenarios/live/doors/swtpm_state.h"

namespace vtwin::scenario::live::swtpm {

using kind = operation::kind;
using tpm::bytes;

namespace {

/// The result of what was done: the library's own code where it gave one.
std::uint32_t code_of(const answer& came) {
    if (came.ok())
        return result::success;
    if (came.what == answer::status::no_power)
        return result::bad_ordinal;
    return came.error > 0 ? static_cast<std::uint32_t>(came.error) : result::fail;
}

/// While the TPM is off, or while it is on, swtpm refuses these.
bool possible(const request& asked, bool powered) {
    switch (asked.what) {
        case command::get_established:
        case command::hash_start:
        case command::hash_data:
        case command::hash_end:
        case command::cancel:
        case command::store_volatile:
        case command::reset_established:
        case command::get_stateblob:
            return powered;
        case command::set_stateblob:
            return !powered;
        case command::set_buffersize:
            return !powered || asked.size == 0;
        default:
            return true;
    }
}

}  // namespace

asio::awaitable<std::uint32_t> chip::perform(kind what, std::uint8_t at, bytes data) {
    operation asked;
    asked.what = what;
    asked.locality = at;
    asked.data = std::move(data);
    const answer came = co_await m_context.loop.perform(std::move(asked));
    co_return code_of(came);
}

asio::awaitable<answer> chip::perform_for_answer(kind what) {
    operation asked;
    asked.what = what;
    answer came = co_await m_context.loop.perform(std::move(asked));
    co_return came;
}

asio::awaitable<bytes> chip::answer_to(request asked) {
    const bool two = m_context.version == tpm::family::tpm20;
    std::uint32_t code = result::success;
    bytes nothing;
    if (!possible(asked, m_context.powered))
        co_return print_result(result::bad_ordinal);
    switch (asked.what) {
        case command::get_capability:
            co_return print_capabilities(m_context.version);
        case command::get_config:
            co_return print_config();
        case command::set_buffersize:
            co_return print_buffer_size(m_context.buffer_size);
        case command::get_info:
            co_return print_info(m_context.describe_tpm(asked.info), asked.offset);
        case command::init: {
            bytes answered = co_await power_on(asked.flags);
            co_return answered;
        }
        case command::get_stateblob: {
            bytes answered = co_await take_blob(asked.type, asked.offset);
            co_return answered;
        }
        case command::set_stateblob: {
            bytes answered = co_await give_blob(asked.type, std::move(asked.data));
            co_return answered;
        }
        case command::get_established: {
            const answer came = co_await perform_for_answer(kind::established);
            if (came.ok() && !came.data.empty())
                co_return print_established(came.data.front() != std::byte{0});
            code = code_of(came);
            break;
        }
        case command::store_volatile: {
            answer came = co_await perform_for_answer(kind::take_volatile);
            code = code_of(came);
            if (came.ok())
                m_stored_volatile = std::move(came.data);
            break;
        }
        case command::shutdown:
            m_context.say("a client has switched the TPM off (SHUTDOWN): until the next INIT");
            [[fallthrough]];
        case command::stop:
            code = co_await perform(kind::power_off, 0, std::move(nothing));
            break;
        case command::hash_start:
            code = co_await perform(kind::hash_start, 0, std::move(nothing));
            break;
        case command::hash_data:
            code = co_await perform(kind::hash_data, 0, std::move(asked.data));
            break;
        case command::hash_end:
            code = co_await perform(kind::hash_end, 0, std::move(nothing));
            break;
        case command::reset_established:
            code = result::bad_locality;
            if (asked.locality <= highest_locality)
                code = co_await perform(kind::reset_established, asked.locality, std::move(nothing));
            break;
        case command::cancel:
            // As swtpm 0.7, which looks between commands only; libtpms' TPM 1.2 knows no cancelling.
            code = two ? result::success : result::fail;
            break;
        case command::set_locality:
        case command::set_datafd:
            code = result::fail;
            break;
    }
    co_return print_result(code);
}

asio::awaitable<bytes> chip::power_on(std::uint32_t flags) {
    const bool given = std::exchange(m_volatile_given, false);
    if (!m_stored_volatile.empty() && !given) {
        // Only a machine that is off takes a state.
        bytes nothing, stored = m_stored_volatile;
        co_await perform(kind::power_off, 0, std::move(nothing));
        co_await perform(kind::give_volatile, 0, std::move(stored));
    }
    if ((flags & delete_volatile) != 0)
        m_stored_volatile.clear();
    bytes nothing;
    const std::uint32_t code = co_await perform(kind::power_on, 0, std::move(nothing));
    co_return print_result(code);
}

asio::awaitable<bytes> chip::take_blob(std::uint32_t type, std::uint32_t offset) {
    kind what = kind::take_permanent;
    bytes blob;
    const auto wanted = static_cast<blob_type>(type);
    if (wanted == blob_type::volatile_state)
        what = kind::take_volatile;
    else if (wanted == blob_type::saved)
        what = kind::take_saved;
    else if (wanted != blob_type::permanent)
        co_return print_stateblob(blob, offset);
    const answer came = co_await perform_for_answer(what);
    if (came.ok())
        blob = wrap_state(came.data);
    co_return print_stateblob(blob, offset);
}

asio::awaitable<bytes> chip::give_blob(std::uint32_t type, bytes blob) {
    const auto wanted = static_cast<blob_type>(type);
    kind what = kind::give_permanent;
    if (wanted == blob_type::volatile_state)
        what = kind::give_volatile;
    else if (wanted == blob_type::saved)
        what = kind::give_saved;
    else if (wanted != blob_type::permanent)
        co_return print_result(result::bad_parameter);
    if (blob.empty()) {
        if (what == kind::give_volatile)
            m_stored_volatile.clear();
        co_return print_result(result::success);
    }
    unwrapped content = unwrap_state(blob);
    if (content.code == result::success)
        content.code = co_await perform(what, 0, std::move(content.state));
    if (content.code == result::success && what == kind::give_volatile)
        m_volatile_given = true;
    co_return print_result(content.code);
}

}  // namespace vtwin::scenario::live::swtpm
