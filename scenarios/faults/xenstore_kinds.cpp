// What can go wrong between a domain and XenStore. Source: the fault catalogue's rows on XenStore.
#include <algorithm>

#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/xenstore_tap.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;
using xen::xs_op;

constexpr std::string_view requests =
    "directory|directory_part|read|get_perms|watch|unwatch|reset_watches|transaction_start|transaction_end|"
    "get_domain_path|write|mkdir|rm|set_perms|is_domain_introduced|introduce|other";

class store_refused final : public xenstore_effect {
  public:
    explicit store_refused(xen::errno_t code) : m_code(code) {}
    void act(store_question& question) override { question.passage.refused = m_code; }

  private:
    xen::errno_t m_code;
};

/// Carried out; the domain is told otherwise.
class misreported final : public xenstore_effect {
  public:
    explicit misreported(xen::errno_t code) : m_code(code) {}
    void act(store_answer& answer) override { make_error(answer.passage.message, m_code); }

  private:
    xen::errno_t m_code;
};

/// As if somebody else had written what the transaction read: it is dropped and EAGAIN answered.
class conflict final : public xenstore_effect {
  public:
    void act(store_question& question) override {
        auto& payload = question.passage.message.payload;
        if (payload != std::string("T\0", 2))
            return;
        payload = std::string("F\0", 2);
        question.answer = xen::errno_t::eagain;
    }
};

class store_slow final : public xenstore_effect {
  public:
    explicit store_slow(const sc_core::sc_time& by) : m_by(by) {}
    void act(store_question& question) override { question.passage.delay += m_by; }

  private:
    sc_core::sc_time m_by;
};

/// A value in place of the one that is read or written.
class other_value final : public xenstore_effect {
  public:
    explicit other_value(const fault& what) {
        const fault_parameters given(what);
        for (std::uint64_t i = 0; i < given.number("repeat"); ++i)
            m_value += given.word("value");
    }
    void act(store_answer& answer) override {
        if (answer.passage.message.type == xs_op::read)
            answer.passage.message.payload = m_value.substr(0, xen::xs_payload_max);
    }
    void act(store_question& question) override {
        auto& payload = question.passage.message.payload;
        payload.resize(std::min(payload.size(), payload.find('\0') + 1));
        payload.append(m_value, 0, xen::xs_payload_max - payload.size());
    }

  private:
    std::string m_value;
};

class event_copies final : public xenstore_effect {
  public:
    explicit event_copies(std::uint64_t copies) : m_copies(static_cast<std::uint32_t>(copies)) {}
    void act(store_news& news) override { news.passage.copies = m_copies; }

  private:
    std::uint32_t m_copies;
};

/// The event names a child of the node that changed.
class event_for_child final : public xenstore_effect {
  public:
    explicit event_for_child(std::string name) : m_name(std::move(name)) {}
    void act(store_news& news) override {
        auto& payload = news.passage.message.payload;
        if (payload.size() + m_name.size() + 1 <= xen::xs_payload_max)
            payload.insert(std::min(payload.size(), payload.find('\0')), "/" + m_name);
    }

  private:
    std::string m_name;
};

using effect_maker = std::function<std::unique_ptr<fault_effect>(const fault&)>;

kind_declaration on_store(std::string_view name, std::string_view rows, std::string_view operations,
                          std::string_view doc, std::vector<parameter_declaration> parameters,
                          effect_maker make) {
    kind_declaration kind;
    kind.name = name;
    kind.target = wire_class::xenstore;
    kind.rows = rows;
    kind.doc = doc;
    kind.parameters = std::move(parameters);
    kind.operations = operations;
    kind.make = [make = std::move(make)](const fault& what, const fault_services&) { return make(what); };
    return kind;
}

parameter_declaration errno_parameter(std::string_view standard) {
    return {"code",
            type::choice,
            standard,
            "errno of the answer",
            0,
            0,
            {"EAGAIN", "EBUSY", "EIO", "ENOENT", "EACCES", "EINVAL", "ENOMEM", "ENOSPC", "E2BIG", "EEXIST"}};
}

template <typename Effect>
effect_maker with_errno() {
    return [](const fault& what) {
        return std::make_unique<Effect>(xen::xs_error_value(fault_parameters(what).word("code")));
    };
}

effect_maker with_errno(xen::errno_t code) {
    return [code](const fault&) { return std::make_unique<store_refused>(code); };
}

std::vector<kind_declaration> value_kinds() {
    const std::vector<parameter_declaration> value = {
        {"value", type::word, "", "the other value"},
        {"repeat", type::number, "1", "how many times over, for long values", 1, xen::xs_payload_max}};
    const effect_maker other = [](const fault& what) { return std::make_unique<other_value>(what); };
    return {
        on_store("xenstore.read_replaced", "XST-02 XST-10 XST-12", "read_reply",
                 "a key that is read has another value", value, other),
        on_store("xenstore.write_replaced", "XST-02 XST-11 XST-12", "write",
                 "another value is stored than was written", value, other),
        on_store("xenstore.key_missing", "XST-15", "read|directory|get_perms", "a key is not there", {},
                 with_errno(xen::errno_t::enoent)),
    };
}

std::vector<kind_declaration> event_kinds() {
    return {
        on_store("xenstore.event_lost", "XST-04", "event", "a watch event does not come", {},
                 [](const fault&) { return std::make_unique<event_copies>(0); }),
        on_store("xenstore.event_repeated", "XST-05", "event", "a watch event comes several times",
                 {{"copies", type::number, "2", "how often", 2, 1000}},
                 [](const fault& what) {
                     return std::make_unique<event_copies>(fault_parameters(what).number("copies"));
                 }),
        on_store("xenstore.event_for_child", "XST-05", "event", "a watch event names a child of the node",
                 {{"name", type::word, "child", "of the child"}},
                 [](const fault& what) {
                     return std::make_unique<event_for_child>(fault_parameters(what).word("name"));
                 }),
    };
}

}  // namespace

std::vector<kind_declaration> xenstore_kinds() {
    std::vector<kind_declaration> all = {
        on_store("xenstore.refused", "XST-06 XST-03", requests, "a request fails and has no effect",
                 {errno_parameter("EIO")}, with_errno<store_refused>()),
        on_store("xenstore.misreported", "XST-06", "write_reply|mkdir_reply|rm_reply|transaction_end_reply",
                 "a request is carried out and answered with an error", {errno_parameter("EIO")},
                 with_errno<misreported>()),
        on_store("xenstore.conflict", "XST-07", "transaction_end",
                 "a transaction is dropped with EAGAIN, as after a conflict; a storm with `count` and "
                 "`probability`",
                 {}, [](const fault&) { return std::make_unique<conflict>(); }),
        on_store("xenstore.quota_exceeded", "XST-08", "write|mkdir|set_perms|watch|transaction_start",
                 "what would need more of the domain's quota fails with ENOSPC", {},
                 with_errno(xen::errno_t::enospc)),
        on_store("xenstore.slow", "XST-14 XST-09", requests,
                 "the daemon needs longer, for all; a long time is a restart",
                 {{"by", type::time, "", "time added to the request", 1, one_day}},
                 [](const fault& what) {
                     return std::make_unique<store_slow>(fault_parameters(what).duration("by"));
                 }),
    };
    for (const auto part : {value_kinds, event_kinds})
        for (auto& kind : part())
            all.push_back(std::move(kind));
    return all;
}

}  // namespace vtwin::scenario
