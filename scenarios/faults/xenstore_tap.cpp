#include "scenarios/faults/xenstore_tap.h"

#include <algorithm>
#include <array>

namespace vtwin::scenario {
namespace {

using xen::xs_message;
using xen::xs_op;

struct operation_names {
    xs_op what;
    std::string_view request, reply;
};

constexpr std::array<operation_names, 17> names = {{
    {xs_op::directory, "directory", "directory_reply"},
    {xs_op::directory_part, "directory_part", "directory_part_reply"},
    {xs_op::read, "read", "read_reply"},
    {xs_op::get_perms, "get_perms", "get_perms_reply"},
    {xs_op::watch, "watch", "watch_reply"},
    {xs_op::unwatch, "unwatch", "unwatch_reply"},
    {xs_op::reset_watches, "reset_watches", "reset_watches_reply"},
    {xs_op::transaction_start, "transaction_start", "transaction_start_reply"},
    {xs_op::transaction_end, "transaction_end", "transaction_end_reply"},
    {xs_op::get_domain_path, "get_domain_path", "get_domain_path_reply"},
    {xs_op::write, "write", "write_reply"},
    {xs_op::mkdir, "mkdir", "mkdir_reply"},
    {xs_op::rm, "rm", "rm_reply"},
    {xs_op::set_perms, "set_perms", "set_perms_reply"},
    {xs_op::is_domain_introduced, "is_domain_introduced", "is_domain_introduced_reply"},
    {xs_op::introduce, "introduce", "introduce_reply"},
    {xs_op::control, "other", "other_reply"},  // and all that are not named here
}};

const operation_names& names_of(xs_op what) {
    const auto found = std::ranges::find(names, what, &operation_names::what);
    return found == names.end() ? names.back() : *found;
}

std::string_view first_string(std::string_view payload) {
    return payload.substr(0, payload.find('\0'));
}

std::string_view behind_first_string(std::string_view payload) {
    const auto end = payload.find('\0');
    return end == std::string_view::npos ? std::string_view() : payload.substr(end + 1);
}

}  // namespace

std::vector<std::string_view> xenstore_operations() {
    std::vector<std::string_view> all;
    all.reserve(2 * std::size(names) + 1);
    for (const auto& each : names)
        all.push_back(each.request);
    for (const auto& each : names)
        all.push_back(each.reply);
    all.push_back("event");
    return all;
}

void make_error(xs_message& message, xen::errno_t error) {
    message.type = xs_op::error;
    message.payload = std::string(xen::xs_error_name(error)) + '\0';
}

wire* xenstore_tap::wire_of(xen::domid_t domid) const {
    const auto found = m_wires.find(m_name_of(domid));
    return found == m_wires.end() ? nullptr : found->second;
}

void xenstore_tap::request(xen::domid_t domid, xen::store_request_passage& passage) {
    auto* const on = wire_of(domid);
    if (on == nullptr)
        return;
    const auto what = passage.message.type;
    const std::string payload = passage.message.payload;
    crossing asked(names_of(what).request);
    asked.put(field::path, first_string(payload));
    if (what == xs_op::write)
        asked.put(field::value, behind_first_string(payload));
    store_question question{passage};
    for (auto* effect : on->cross(asked))
        static_cast<xenstore_effect*>(effect)->act(question);
    m_pending[{domid, passage.message.req_id}] = {what, std::string(first_string(payload)), question.answer};
}

void xenstore_tap::reply(xen::domid_t domid, xen::store_output_passage& passage) {
    auto* const on = wire_of(domid);
    const auto open = m_pending.extract({domid, passage.message.req_id});
    if (on == nullptr || open.empty())
        return;
    const auto& request = open.mapped();
    if (request.answer)
        make_error(passage.message, *request.answer);
    const std::string payload = passage.message.payload;
    const bool failed = passage.message.type == xs_op::error;
    crossing answered(names_of(request.what).reply);
    answered.put(field::path, request.path);
    answered.put(field::code, failed ? first_string(payload) : std::string_view("OK"));
    if (!failed && request.what == xs_op::read)
        answered.put(field::value, payload);
    store_answer answer{passage};
    for (auto* effect : on->cross(answered))
        static_cast<xenstore_effect*>(effect)->act(answer);
}

void xenstore_tap::event(xen::domid_t domid, xen::store_output_passage& passage) {
    auto* const on = wire_of(domid);
    if (on == nullptr)
        return;
    const std::string payload = passage.message.payload;
    crossing seen("event");
    seen.put(field::path, first_string(payload));
    seen.put(field::value, first_string(behind_first_string(payload)));
    store_news news{passage};
    for (auto* effect : on->cross(seen))
        static_cast<xenstore_effect*>(effect)->act(news);
}

}  // namespace vtwin::scenario
