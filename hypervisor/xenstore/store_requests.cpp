// The handlers of XenStore's request types.
#include <algorithm>
#include <array>

#include "hypervisor/xenstore/store_server.h"

namespace vtwin::xen {

struct store_server::request {
    store_connection& from;
    const xs_message& message;
    std::vector<std::string_view> strings;  ///< NUL-terminated ones, leading; WRITE's value is not among them
    store_view& view;
    std::string path = {};       ///< absolute, of the handlers that take one
    bool initial_event = false;  ///< a new watch fires once after its reply

    const store_caller& caller() const { return from.caller; }
};

namespace {

std::string terminated(std::string_view text) {
    return std::string(text) + '\0';
}

const std::string ok_text = terminated("OK");

bool needs_privilege(xs_op op) {
    switch (op) {
        case xs_op::control:
        case xs_op::introduce:
        case xs_op::release:
        case xs_op::is_domain_introduced:
        case xs_op::resume:
        case xs_op::set_target:
            return true;
        default:
            return false;
    }
}

bool ignores_transaction(xs_op op) {
    return op == xs_op::watch || op == xs_op::unwatch;
}

std::optional<domid_t> parse_domid(std::string_view text) {
    const auto number = parse_decimal(text, to_underlying(domid_self) - 1u);
    return number ? std::optional{static_cast<domid_t>(*number)} : std::nullopt;
}

std::string child_list(const store_node& node) {
    std::string list;
    for (const auto& child : node.children) {
        list += child;
        list += '\0';
    }
    return list;
}

}  // namespace

store_server::handler store_server::handler_of(xs_op op) {
    switch (op) {
        case xs_op::control:
            return &store_server::on_control;
        case xs_op::directory:
            return &store_server::on_directory;
        case xs_op::read:
            return &store_server::on_read;
        case xs_op::get_perms:
            return &store_server::on_get_perms;
        case xs_op::watch:
            return &store_server::on_watch;
        case xs_op::unwatch:
            return &store_server::on_unwatch;
        case xs_op::transaction_start:
            return &store_server::on_transaction_start;
        case xs_op::transaction_end:
            return &store_server::on_transaction_end;
        case xs_op::introduce:
            return &store_server::on_introduce;
        case xs_op::release:
            return &store_server::on_release;
        case xs_op::get_domain_path:
            return &store_server::on_get_domain_path;
        case xs_op::write:
            return &store_server::on_write;
        case xs_op::mkdir:
            return &store_server::on_mkdir;
        case xs_op::rm:
            return &store_server::on_rm;
        case xs_op::set_perms:
            return &store_server::on_set_perms;
        case xs_op::is_domain_introduced:
            return &store_server::on_is_introduced;
        case xs_op::resume:
            return &store_server::on_resume;
        case xs_op::set_target:
            return &store_server::on_set_target;
        case xs_op::reset_watches:
            return &store_server::on_reset_watches;
        case xs_op::directory_part:
            return &store_server::on_directory_part;
        case xs_op::watch_event:
        case xs_op::error:
            break;
    }
    return nullptr;
}

std::size_t store_server::handle(store_connection& from, const xs_message& message) {
    store_view* view = &m_tree;
    reply out;
    if (message.tx_id != 0 && !ignores_transaction(message.type)) {
        const auto at = from.transactions.find(message.tx_id);
        view = at == from.transactions.end() ? nullptr : at->second.get();
    }
    bool initial_event = false;
    std::string watched;
    if (view == nullptr) {
        out.error = errno_t::enoent;
    } else {
        request in{from, message, {}, *view};
        out = dispatch(in);
        initial_event = in.initial_event && out.error == errno_t::ok;
        watched = in.path;
    }
    if (out.error == errno_t::ok && out.text.size() > xs_payload_max) {
        out.error = errno_t::e2big;
    }
    const bool ok = out.error == errno_t::ok;
    queue(from, {ok ? message.type : xs_op::error, message.req_id, message.tx_id,
                 ok ? std::move(out.text) : terminated(xs_error_name(out.error))});
    const auto reply_size = from.out.back().message.wire_size();
    if (initial_event) {
        const auto strings = split_strings(message.payload);
        const std::size_t prefix = watched.size() - (*strings)[0].size();
        queue_event(from, {from.id, watched, std::string((*strings)[1]), prefix, {}, 0}, watched);
    }
    return reply_size;
}

std::size_t store_server::refuse(store_connection& from, const xs_message& message, errno_t error) {
    queue(from, {xs_op::error, message.req_id, message.tx_id, terminated(xs_error_name(error))});
    return from.out.back().message.wire_size();
}

store_server::reply store_server::dispatch(request& in) {
    const auto op = in.message.type;
    const auto run = handler_of(op);
    if (run == nullptr) {
        return {errno_t::enosys};
    }
    if (needs_privilege(op) && !in.caller().privileged) {
        return {errno_t::eacces};
    }
    std::string_view text = in.message.payload;
    if (op == xs_op::write) {
        const auto end = text.find('\0');
        text = end == std::string_view::npos ? text : text.substr(0, end + 1);
    }
    auto strings = split_strings(text);
    if (!strings || (strings->empty() && op != xs_op::transaction_start && op != xs_op::reset_watches)) {
        return {errno_t::einval};
    }
    in.strings = std::move(*strings);
    return (this->*run)(in);
}

store_server::reply store_server::on_directory(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, false);
    if (in.path.empty() || in.strings.size() != 1) {
        return {errno_t::einval};
    }
    const auto found = find_node(in.view, in.caller(), in.path, xs_right::read);
    return found.node ? reply{errno_t::ok, child_list(*found.node)} : reply{found.error};
}

store_server::reply store_server::on_directory_part(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, false);
    const auto offset =
        in.strings.size() == 2 ? parse_decimal(in.strings[1], ~std::uint32_t{0}) : std::nullopt;
    if (in.path.empty() || !offset) {
        return {errno_t::einval};
    }
    const auto found = find_node(in.view, in.caller(), in.path, xs_right::read);
    if (!found.node) {
        return {found.error};
    }
    const auto list = child_list(*found.node);
    if (*offset > list.size()) {
        return {errno_t::einval};
    }
    auto text = terminated(std::to_string(found.node->generation));
    auto part = std::string_view(list).substr(*offset);
    const auto room = xs_payload_max - text.size() - 1;
    if (part.size() > room) {
        part = part.substr(0, part.rfind('\0', room - 1) + 1);  // whole names only
        return {errno_t::ok, text + std::string(part)};
    }
    return {errno_t::ok, text + terminated(part)};  // the extra NUL marks the end of the list
}

store_server::reply store_server::on_read(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, false);
    if (in.path.empty() || in.strings.size() != 1) {
        return {errno_t::einval};
    }
    const auto found = find_node(in.view, in.caller(), in.path, xs_right::read);
    return found.node ? reply{errno_t::ok, found.node->value} : reply{found.error};
}

store_server::reply store_server::on_get_perms(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, true);
    if (in.path.empty() || in.strings.size() != 1) {
        return {errno_t::einval};
    }
    const auto found = find_node(in.view, in.caller(), in.path, xs_right::read);
    if (!found.node) {
        return {found.error};
    }
    std::string text;
    for (const auto& perm : found.node->perms) {
        text += terminated(to_string(perm));
    }
    return {errno_t::ok, text};
}

store_server::reply store_server::on_set_perms(request& in) {
    std::vector<xs_perm> perms;
    for (std::size_t i = 1; i < in.strings.size(); ++i) {
        const auto perm = parse_perm(in.strings[i]);
        if (!perm) {
            return {errno_t::einval};
        }
        perms.push_back(*perm);
    }
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, true);
    if (in.path.empty() || perms.empty()) {
        return {errno_t::einval};
    }
    if (!m_environment.domain_exists(perms.front().domid)) {
        return {errno_t::enoent};
    }
    return {set_node_perms(in.view, in.caller(), m_quotas, in.path, std::move(perms)), ok_text};
}

store_server::reply store_server::on_write(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, false);
    if (in.path.empty()) {
        return {errno_t::einval};
    }
    const auto value = std::string_view(in.message.payload).substr(in.strings[0].size() + 1);
    return {write_node(in.view, in.caller(), m_quotas, in.path, value), ok_text};
}

store_server::reply store_server::on_mkdir(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, false);
    if (in.path.empty() || in.strings.size() != 1) {
        return {errno_t::einval};
    }
    return {make_dir(in.view, in.caller(), m_quotas, in.path), ok_text};
}

store_server::reply store_server::on_rm(request& in) {
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, false);
    if (in.path.empty() || in.strings.size() != 1) {
        return {errno_t::einval};
    }
    return {remove_node(in.view, in.caller(), in.path), ok_text};
}

store_server::reply store_server::on_watch(request& in) {
    if (in.strings.size() < 2 || in.strings.size() > 3) {
        return {errno_t::einval};
    }
    std::optional<std::uint64_t> depth;
    if (in.strings.size() == 3) {
        depth = parse_decimal(in.strings[2], ~std::uint32_t{0});
        if (!depth) {
            return {errno_t::einval};
        }
    }
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, true);
    if (in.path.empty()) {
        return {errno_t::einval};
    }
    if (!in.caller().privileged && m_watches.count(in.from.id) + 1 >= m_quotas.watches) {
        return {errno_t::enospc};
    }
    const std::size_t prefix = in.path.size() - in.strings[0].size();
    if (!m_watches.add({in.from.id, in.path, std::string(in.strings[1]), prefix, depth, 0})) {
        return {errno_t::eexist};
    }
    in.initial_event = true;
    return {errno_t::ok, ok_text};
}

store_server::reply store_server::on_unwatch(request& in) {
    if (in.strings.size() != 2) {
        return {errno_t::einval};
    }
    in.path = absolute_path(in.strings[0], in.caller(), m_quotas, true);
    if (in.path.empty()) {
        return {errno_t::einval};
    }
    return {m_watches.remove(in.from.id, in.path, in.strings[1]) ? errno_t::ok : errno_t::enoent, ok_text};
}

store_server::reply store_server::on_reset_watches(request& in) {
    if (in.message.tx_id != 0) {
        return {errno_t::einval};  // it would pull the view from under its own request
    }
    m_watches.remove_all(in.from.id);
    in.from.transactions.clear();
    return {errno_t::ok, ok_text};
}

store_server::reply store_server::on_transaction_start(request& in) {
    auto& open = in.from.transactions;
    if (in.message.tx_id != 0) {
        return {errno_t::ebusy};
    }
    if (!in.caller().privileged && open.size() + 1 >= m_quotas.transactions) {
        return {errno_t::enospc};
    }
    do {
        ++in.from.next_transaction;
    } while (in.from.next_transaction == 1 || open.contains(in.from.next_transaction - 1));
    const auto id = in.from.next_transaction - 1;
    open.emplace(id, std::make_unique<transaction>(m_tree, m_quotas.transaction_nodes));
    return {errno_t::ok, terminated(std::to_string(id))};
}

store_server::reply store_server::on_transaction_end(request& in) {
    if (in.strings.size() != 1 || (in.strings[0] != "T" && in.strings[0] != "F")) {
        return {errno_t::einval};
    }
    auto open = in.from.transactions.extract(in.message.tx_id);
    if (open.empty()) {
        return {errno_t::enoent};
    }
    if (in.strings[0] == "F") {
        return {errno_t::ok, ok_text};
    }
    return {open.mapped()->commit(in.caller(), m_quotas.nodes), ok_text};
}

store_server::reply store_server::on_introduce(request& in) {
    if (in.strings.size() != 3) {
        return {errno_t::einval};
    }
    const auto domid = parse_domid(in.strings[0]);
    const auto gfn = parse_decimal(in.strings[1], ~std::uint64_t{0});
    const auto port = parse_decimal(in.strings[2], ~std::uint32_t{0});
    if (!domid || !gfn || !port || *port == 0) {
        return {errno_t::einval};
    }
    const bool again = m_environment.introduced(*domid);
    const auto error =
        m_environment.introduce(*domid, static_cast<gfn_t>(*gfn), static_cast<evtchn_port>(*port));
    if (error == errno_t::ok && !again && *domid != dom0) {
        announce_introduced();
    }
    return {error, ok_text};
}

store_server::reply store_server::on_release(request& in) {
    const auto domid = parse_domid(in.strings[0]);
    if (!domid || *domid == dom0) {
        return {errno_t::einval};
    }
    const auto error = m_environment.release(*domid);
    if (error == errno_t::ok) {
        announce_released(*domid);
    }
    return {error, ok_text};
}

store_server::reply store_server::on_get_domain_path(request& in) {
    const auto domid = parse_domid(in.strings[0]);
    if (!domid) {
        return {errno_t::einval};
    }
    return {errno_t::ok, terminated("/local/domain/" + std::to_string(to_underlying(*domid)))};
}

store_server::reply store_server::on_is_introduced(request& in) {
    const auto domid = parse_domid(in.strings[0]);
    if (!domid) {
        return {errno_t::einval};
    }
    return {errno_t::ok, terminated(*domid == dom0 || m_environment.introduced(*domid) ? "T" : "F")};
}

store_server::reply store_server::on_resume(request& in) {
    const auto domid = parse_domid(in.strings[0]);
    if (!domid || *domid == dom0) {
        return {errno_t::einval};
    }
    return {m_environment.introduced(*domid) ? errno_t::ok : errno_t::enoent, ok_text};
}

store_server::reply store_server::on_set_target(request& in) {
    const auto domid = parse_domid(in.strings[0]);
    const auto target = in.strings.size() == 2 ? parse_domid(in.strings[1]) : std::nullopt;
    if (!domid || !target) {
        return {errno_t::einval};
    }
    for (const auto& [id, connection] : m_connections) {
        if (connection->caller.domid == *domid && !connection->caller.privileged) {
            connection->caller.target = *target;
            return {errno_t::ok, ok_text};
        }
    }
    return {errno_t::enoent};
}

// No control command is offered; xenstored answers EINVAL to one it does not know.
store_server::reply store_server::on_control(request&) {
    return {errno_t::einval};
}

}  // namespace vtwin::xen
