// Identity, authority, authenticity: who a TPM is, who may command it.
#include <map>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/state_ledger.h"

namespace vtwin::scenario {
namespace {

bool manager_call(const scene& who, const seen::answer& what, std::uint16_t tag, std::uint32_t code) {
    return what.back == who.manager && tag_of(what.request) == tag && code_of(what.request) == code;
}

/// The hash in a record that passed between a vTPM and the manager; "" when none did.
std::string record_in(const scene& who, const seen::answer& what) {
    if (!succeeded(what.response))
        return "";
    const bool saved = manager_call(who, what, tag_vtpm, ordinal::save_hash_key);
    const bool loaded = manager_call(who, what, tag_vtpm, ordinal::load_hash_key);
    const auto body = body_of(saved ? what.request : what.response);
    return (saved || loaded) && body.size() >= record_hash ? text_of_octets(body.first(record_hash)) : "";
}

bool zero(const std::string& record) {
    return record.find_first_not_of('\0') == std::string::npos;
}

class one_holder final : public oracle, public hears<seen::answer>, public hears<seen::domain_life> {
  public:
    explicit one_holder(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        const auto record = record_in(m_who, what);
        if (record.empty() || zero(record))
            return;
        const auto [held, fresh] = m_holder.try_emplace(record, what.ring);
        if (!fresh && held->second != what.ring)
            violated(what.at, what.ring,
                     fmt::format("{} was given the record that {} holds at the same time", what.ring,
                                 held->second));
    }
    void hear(const seen::domain_life& what) override {
        if (what.now != seen::domain_life::what::created)
            std::erase_if(m_holder, [&](const auto& each) { return each.second == what.domain; });
    }

  private:
    const scene& m_who;
    std::map<std::string, std::string> m_holder;  ///< of live domains
};

class own_record_only final : public oracle, public hears<seen::answer> {
  public:
    explicit own_record_only(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        const auto record = record_in(m_who, what);
        if (record.empty() || zero(record))
            return;
        if (code_of(what.request) == ordinal::save_hash_key) {
            m_owner[record] = what.ring;
            return;
        }
        if (const auto owner = m_owner.find(record); owner != m_owner.end() && owner->second != what.ring)
            violated(what.at, what.ring,
                     fmt::format("{} was given the hash and key that {} saved", what.ring, owner->second));
    }

  private:
    const scene& m_who;
    std::map<std::string, std::string> m_owner;
};

class stable_identity final : public oracle,
                              public hears<seen::state_taken>,
                              public hears<seen::tpm_power>,
                              public hears<seen::disk_done>,
                              public hears<seen::domain_life>,
                              public hears<seen::log_line> {
  public:
    explicit stable_identity(const scene& who)
        : m_who(who), m_ledger(who), m_manager_known(who.manager_has_state) {}
    void hear(const seen::state_taken& what) override { m_ledger.taken(what); }
    void hear(const seen::tpm_power& what) override {
        if (what.now != seen::tpm_power::what::erased || !m_who.is_vtpm(what.tpm))
            return;
        const auto* of = m_ledger.find(what.tpm);
        if (of != nullptr && of->any())
            violated(what.at, what.tpm,
                     fmt::format("{} started as a new TPM with a new endorsement key although it had a state "
                                 "before, and nobody had ordered that",
                                 what.tpm));
        m_ledger.erased(what.tpm);
    }
    void hear(const seen::disk_done& what) override {
        m_wrote = m_wrote || (what.write && what.status == 0 && what.domain == m_who.manager);
    }
    void hear(const seen::domain_life& what) override {
        if (what.domain == m_who.manager && what.now != seen::domain_life::what::created)
            m_manager_known = m_manager_known || m_wrote;
    }
    void hear(const seen::log_line& what) override {
        if (what.domain == m_who.manager && m_manager_known &&
            what.text.find("Assuming first time initialization") != std::string_view::npos)
            violated(what.at, what.domain,
                     fmt::format("{} started as a new manager that knows no vTPM although its disk held one",
                                 what.domain));
    }

  private:
    const scene& m_who;
    state_ledger m_ledger;
    bool m_manager_known, m_wrote = false;
};

class management_by_administrator final : public oracle, public hears<seen::answer> {
  public:
    explicit management_by_administrator(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        if (what.back != m_who.manager || what.ring == m_who.administrator || !succeeded(what.response))
            return;
        const bool management = tag_of(what.request) == tag_management;
        const bool extend = tag_of(what.request) == tag_plain && code_of(what.request) == ordinal::extend;
        if (management || extend)
            violated(
                what.at, what.ring,
                fmt::format("{} had the manager execute {} 0x{:X} without being the administrator", what.ring,
                            management ? "management command" : "hardware command", code_of(what.request)));
    }

  private:
    const scene& m_who;
};

class locality_of_the_page final : public oracle,
                                   public hears<seen::submission>,
                                   public hears<seen::execution> {
  public:
    explicit locality_of_the_page(const scene&) {}
    void hear(const seen::submission& what) override {
        auto& at = m_last[std::string(what.back)];
        at = {digest_of(what.command), what.locality};
    }
    void hear(const seen::execution& what) override {
        const auto found = m_last.find(what.tpm);
        if (found == m_last.end() || found->second.command != digest_of(what.command) ||
            found->second.locality == what.locality)
            return;
        violated(what.at, what.tpm,
                 fmt::format("{} executed command 0x{:X} at locality {}, asked for at locality {}", what.tpm,
                             code_of(what.command), what.locality, found->second.locality));
    }

  private:
    struct asked {
        std::uint64_t command = 0;
        std::uint8_t locality = 0;
    };
    std::map<std::string, asked, std::less<>> m_last;
};

class unaltered_answers final : public oracle, public hears<seen::answer>, public hears<seen::guest_command> {
  public:
    explicit unaltered_answers(const scene&) {}
    void hear(const seen::answer& what) override {
        m_answers[std::string(what.ring)] = digest_of(what.response);
    }
    void hear(const seen::guest_command& what) override {
        const auto found = m_answers.find(what.domain);
        if (what.result < 0 || found == m_answers.end() || found->second == digest_of(what.response))
            return;
        violated(what.at, what.domain,
                 fmt::format("{} took an answer to command 0x{:X} for good that is not what its vTPM gave",
                             what.domain, code_of(what.command)));
    }

  private:
    std::map<std::string, std::uint64_t, std::less<>> m_answers;
};

}  // namespace

std::vector<invariant> identity_invariants() {
    constexpr std::string_view part = "identity and authority";
    using enum outcome_class;
    return {
        {"I-A1", part, "At most one live domain holds the manager's record of a vTPM.", security_violation,
         make_oracle<one_holder>},
        {"I-A2", part, "The manager gives a record only to the vTPM domain that saved it.",
         security_violation, make_oracle<own_record_only>},
        {"I-A3", part,
         "A vTPM or manager that had a state becomes a new one, with a new identity, only when an operator "
         "orders it.",
         silent_corruption, make_oracle<stable_identity>},
        {"I-A4", part,
         "Management commands and extends of the hardware's PCRs succeed only for the administrator's vTPM.",
         security_violation, make_oracle<management_by_administrator>},
        {"I-A5", part, "A command executes at the locality that its frontend asked for.", security_violation,
         make_oracle<locality_of_the_page>},
        {"I-A6", part,
         "An answer that a guest takes for good is, octet by octet, the one that its vTPM gave.",
         silent_corruption, make_oracle<unaltered_answers>},
    };
}

}  // namespace vtwin::scenario
