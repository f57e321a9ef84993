#include "hypervisor/xenstore/ring_channel.h"

#include <algorithm>

#include "hypervisor/bytes.h"

namespace vtwin::xen {

namespace {

constexpr grant_ref store_ring_ref{1};  // GNTTAB_RESERVED_XENSTORE

/// Calls `part(ring offset, stream offset, length)` for the one or two pieces of a range of a ring.
template <typename Part>
void for_each_piece(std::uint32_t index, std::size_t length, Part part) {
    const std::size_t at = index & (xs_ring::size - 1);
    const std::size_t first = std::min(length, xs_ring::size - at);
    part(at, std::size_t{0}, first);
    if (first < length) {
        part(std::size_t{0}, first, length - first);
    }
}

}  // namespace

bool ring_channel::open(machine& host, domid_t domid) {
    if (m_page.map(host, domid, store_ring_ref, false) != gntst::okay) {
        return false;
    }
    write_index(xs_ring::server_features, xs_ring::features_offered);
    return true;
}

std::uint32_t ring_channel::read_index(std::size_t at) const {
    std::byte raw[4];
    m_page.read(at, raw);
    return load_le<std::uint32_t>(raw);
}

void ring_channel::write_index(std::size_t at, std::uint32_t value) {
    std::byte raw[4];
    store_le(raw, value);
    m_page.write(at, raw);
}

void ring_channel::fail(xs_ring::error_code code) {
    write_index(xs_ring::error, to_underlying(code));
    m_broken = true;
    m_in.clear();
    m_out.clear();
    m_sent = 0;
}

std::size_t ring_channel::take(std::vector<std::byte>& into, std::size_t want) {
    const auto cons = read_index(xs_ring::req_cons);
    const auto prod = read_index(xs_ring::req_prod);
    const std::uint32_t used = prod - cons;
    if (used > xs_ring::size) {
        fail(xs_ring::error_code::ring_index);
        return 0;
    }
    const std::size_t length = std::min<std::size_t>(used, want);
    if (length == 0) {
        return 0;
    }
    const std::size_t old = into.size();
    into.resize(old + length);
    for_each_piece(cons, length, [&](std::size_t at, std::size_t offset, std::size_t count) {
        m_page.read(xs_ring::req + at, std::span(into).subspan(old + offset, count));
    });
    write_index(xs_ring::req_cons, cons + static_cast<std::uint32_t>(length));
    return length;
}

ring_channel::input ring_channel::pull(xs_message& message, bool& progress) {
    progress = false;
    while (!m_broken) {
        std::size_t need = xs_header_size;
        if (m_in.size() >= xs_header_size) {
            const auto header = decode_header(std::span(m_in).first<xs_header_size>());
            if (header.len > xs_payload_max) {
                fail(xs_ring::error_code::protocol);
                break;
            }
            need += header.len;
            if (m_in.size() == need) {
                const auto* text = reinterpret_cast<const char*>(m_in.data()) + xs_header_size;
                message = {static_cast<xs_op>(header.type), header.req_id, header.tx_id, {text, header.len}};
                m_in.clear();
                return input::message;
            }
        }
        if (take(m_in, need - m_in.size()) == 0) {
            break;
        }
        progress = true;
    }
    return m_broken ? input::broken : input::none;
}

void ring_channel::send(const xs_message& message) {
    m_out = encode(message);
    m_sent = 0;
}

bool ring_channel::flush() {
    if (m_broken || !sending()) {
        return false;
    }
    const auto prod = read_index(xs_ring::rsp_prod);
    const auto cons = read_index(xs_ring::rsp_cons);
    const std::uint32_t used = prod - cons;
    if (used > xs_ring::size) {
        fail(xs_ring::error_code::ring_index);
        return false;
    }
    const std::size_t length = std::min(xs_ring::size - used, m_out.size() - m_sent);
    if (length == 0) {
        return false;
    }
    for_each_piece(prod, length, [&](std::size_t at, std::size_t offset, std::size_t count) {
        m_page.write(xs_ring::rsp + at, std::span(m_out).subspan(m_sent + offset, count));
    });
    write_index(xs_ring::rsp_prod, prod + static_cast<std::uint32_t>(length));
    m_sent += length;
    return true;
}

}  // namespace vtwin::xen
