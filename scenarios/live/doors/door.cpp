#include "scenarios/live/doors/door.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>

#include "scenarios/live/doors/attest_door.h"
#include "scenarios/live/doors/mssim_door.h"
#include "scenarios/live/doors/pty_door.h"
#include "scenarios/live/doors/raw_door.h"
#include "scenarios/live/doors/swtpm_door.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario::live {
namespace {

constexpr std::uint32_t tpm_fail = 9, rc_failure = 0x101;
constexpr std::uint16_t tag_response = 0x00C4, st_no_sessions = 0x8001;
constexpr std::uint32_t header_size = 10;

asio::awaitable<void> close_file(client_loop& loop, std::uint32_t file) {
    operation what;
    what.what = operation::kind::close;
    what.file = file;
    co_await loop.perform(std::move(what));
}

}  // namespace

tpm::bytes failure_response(tpm::family version, std::uint32_t code12, std::uint32_t code20) {
    const bool two = version == tpm::family::tpm20;
    tpm::wire_writer out;
    out.u16(two ? st_no_sessions : tag_response).u32(header_size).u32(two ? code20 : code12);
    return out.take();
}

asio::awaitable<void> exclusive_open::try_to_open() {
    constexpr int most_tries = 20;
    constexpr std::chrono::milliseconds between{5};
    asio::steady_timer pause(m_context.loop.io());
    for (int tries = 1; m_exclusive && m_context.tpm0_taken && tries < most_tries; ++tries) {
        pause.expires_after(between);
        co_await pause.async_wait(asio::use_awaitable);
    }
    m_granted = !m_exclusive || !m_context.tpm0_taken;
    if (!m_granted)
        m_context.say("a client was turned away: another one has tpm0 open");
    else if (m_exclusive)
        m_context.tpm0_taken = true;
}

exclusive_open::~exclusive_open() {
    if (m_exclusive && m_granted)
        m_context.tpm0_taken = false;
}

device_file::device_file(door_context& context, bool resource_manager)
    : m_context(context), m_file(resource_manager ? context.next_file++ : 0) {}

device_file::~device_file() {
    if (m_file != 0 && m_used && !m_context.loop.stopped())
        asio::co_spawn(m_context.loop.io(), close_file(m_context.loop, m_file), asio::detached);
}

asio::awaitable<tpm::bytes> device_file::transmit(tpm::bytes command, std::uint8_t locality) {
    m_used = true;
    operation what;
    what.locality = locality;
    what.file = m_file;
    what.data = std::move(command);
    answer result = co_await m_context.loop.perform(std::move(what));
    tpm::bytes response;
    if (result.ok())
        response = std::move(result.data);
    else if (result.what != answer::status::closed)
        response = failure_response(m_context.version, tpm_fail, rc_failure);
    co_return response;
}

std::unique_ptr<door> open_door(const listen_spec& spec, door_context& context) {
    switch (spec.kind) {
        case door_kind::raw:
            return std::make_unique<raw_door>(spec, context);
        case door_kind::swtpm:
            return std::make_unique<swtpm_door>(spec, context);
        case door_kind::mssim:
            return std::make_unique<mssim_door>(spec, context);
        case door_kind::attest:
            return std::make_unique<attest_door>(spec, context);
        case door_kind::pty:
            return std::make_unique<pty_door>(spec, context);
    }
    return nullptr;
}

}  // namespace vtwin::scenario::live
