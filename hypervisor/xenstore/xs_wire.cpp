#include "hypervisor/xenstore/xs_wire.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "hypervisor/bytes.h"

namespace vtwin::xen {

namespace {

constexpr std::pair<errno_t, std::string_view> error_names[] = {
    {errno_t::einval, "EINVAL"}, {errno_t::eacces, "EACCES"},   {errno_t::eexist, "EEXIST"},
    {errno_t::eisdir, "EISDIR"}, {errno_t::enoent, "ENOENT"},   {errno_t::enomem, "ENOMEM"},
    {errno_t::enospc, "ENOSPC"}, {errno_t::eio, "EIO"},         {errno_t::enotempty, "ENOTEMPTY"},
    {errno_t::enosys, "ENOSYS"}, {errno_t::erofs, "EROFS"},     {errno_t::ebusy, "EBUSY"},
    {errno_t::eagain, "EAGAIN"}, {errno_t::eisconn, "EISCONN"}, {errno_t::e2big, "E2BIG"},
    {errno_t::eperm, "EPERM"},
};

}  // namespace

std::string_view to_string(xs_op op) {
    constexpr std::string_view names[] = {"CONTROL",
                                          "DIRECTORY",
                                          "READ",
                                          "GET_PERMS",
                                          "WATCH",
                                          "UNWATCH",
                                          "TRANSACTION_START",
                                          "TRANSACTION_END",
                                          "INTRODUCE",
                                          "RELEASE",
                                          "GET_DOMAIN_PATH",
                                          "WRITE",
                                          "MKDIR",
                                          "RM",
                                          "SET_PERMS",
                                          "WATCH_EVENT",
                                          "ERROR",
                                          "IS_DOMAIN_INTRODUCED",
                                          "RESUME",
                                          "SET_TARGET",
                                          "?",
                                          "RESET_WATCHES",
                                          "DIRECTORY_PART"};
    const auto number = to_underlying(op);
    return number < std::size(names) ? names[number] : "?";
}

std::string_view xs_error_name(errno_t error) {
    for (const auto& [value, name] : error_names) {
        if (value == error) {
            return name;
        }
    }
    return "EINVAL";
}

errno_t xs_error_value(std::string_view name) {
    for (const auto& [value, text] : error_names) {
        if (text == name) {
            return value;
        }
    }
    return errno_t::eio;
}

std::array<std::byte, xs_header_size> encode(const xs_header& header) {
    std::array<std::byte, xs_header_size> wire;
    store_le(wire.data(), header.type);
    store_le(wire.data() + 4, header.req_id);
    store_le(wire.data() + 8, header.tx_id);
    store_le(wire.data() + 12, header.len);
    return wire;
}

xs_header decode_header(std::span<const std::byte, xs_header_size> wire) {
    return {load_le<std::uint32_t>(wire.data()), load_le<std::uint32_t>(wire.data() + 4),
            load_le<std::uint32_t>(wire.data() + 8), load_le<std::uint32_t>(wire.data() + 12)};
}

std::vector<std::byte> encode(const xs_message& message) {
    const auto header = encode(xs_header{to_underlying(message.type), message.req_id, message.tx_id,
                                         static_cast<std::uint32_t>(message.payload.size())});
    std::vector<std::byte> wire(message.wire_size());
    std::copy(header.begin(), header.end(), wire.begin());
    std::memcpy(wire.data() + xs_header_size, message.payload.data(), message.payload.size());
    return wire;
}

std::optional<std::vector<std::string_view>> split_strings(std::string_view payload) {
    std::vector<std::string_view> strings;
    while (!payload.empty()) {
        const auto end = payload.find('\0');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        strings.push_back(payload.substr(0, end));
        payload.remove_prefix(end + 1);
    }
    return strings;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) {
    if (text.empty()) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (max - digit) / 10) {
            return std::nullopt;
        }
        value = value * 10 + digit;
    }
    return value;
}

}  // namespace vtwin::xen
