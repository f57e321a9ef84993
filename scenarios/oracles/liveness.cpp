// Liveness: everything ends in time, with explicit deadlines.
#include <map>
#include <set>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

class commands_end final : public oracle,
                           public hears<seen::submission>,
                           public hears<seen::page_state>,
                           public hears<seen::ring_page>,
                           public hears<seen::domain_life>,
                           public hears<seen::run_end> {
  public:
    explicit commands_end(const scene& who) : m_who(who) {}
    void hear(const seen::submission& what) override {
        m_open.insert_or_assign(std::string(what.ring), open{what.at, code_of(what.command)});
    }
    void hear(const seen::page_state& what) override {
        if (what.to != tpmif_state::submit && what.to != tpmif_state::cancel)
            close(what.ring, what.at);
    }
    void hear(const seen::ring_page& what) override {
        if (!what.mapped)  // the frontend sees its backend go
            close(what.ring, what.at);
    }
    void hear(const seen::domain_life& what) override {
        if (what.now != seen::domain_life::what::created)
            close(what.domain, what.at);  // nobody waits any more
    }
    void hear(const seen::run_end& what) override {
        for (const auto& each : m_open)
            judge(each, what.at);
    }

  private:
    struct open {
        sc_time since;
        std::uint32_t ordinal = 0;
    };
    void close(std::string_view ring, const sc_time& now) {
        if (const auto found = m_open.find(ring); found != m_open.end()) {
            judge(*found, now);
            m_open.erase(found);
        }
    }
    void judge(const std::pair<const std::string, open>& each, const sc_time& now) {
        const auto deadline = each.second.since + m_who.limits.answer;
        if (now > deadline)
            violated(deadline, each.first,
                     fmt::format("{} got no answer to its command 0x{:X} of {} in time", each.first,
                                 each.second.ordinal, each.second.since.to_string()));
    }
    const scene& m_who;
    std::map<std::string, open, std::less<>> m_open;
};

/// When all faults are over, every guest that lives is served again.
class service_recovers final : public oracle,
                               public hears<seen::guest_command>,
                               public hears<seen::guest_asks>,
                               public hears<seen::domain_life>,
                               public hears<seen::run_end> {
  public:
    explicit service_recovers(const scene& who) : m_who(who) {}
    void hear(const seen::guest_asks& what) override { of(what.domain).asked = what.at; }
    void hear(const seen::guest_command& what) override {
        if (what.result >= 0 && succeeded(what.response))
            of(what.domain).served = what.at;
    }
    void hear(const seen::domain_life& what) override {
        if (m_who.guests.contains(what.domain))
            of(what.domain) = {what.now == seen::domain_life::what::created, {}, {}};
    }
    void hear(const seen::run_end& what) override {
        const auto deadline = what.last_fault_over + m_who.limits.recovery;
        if (what.last_fault_over == sc_core::SC_ZERO_TIME || what.at <= deadline || what.finished)
            return;
        for (const auto& [name, each] : m_guests)
            if (each.alive && each.asked > each.served && each.served < deadline)
                violated(deadline, name,
                         fmt::format("{} is not served again, {} after the last fault was over", name,
                                     m_who.limits.recovery.to_string()));
    }

  private:
    struct guest {
        bool alive = true;
        sc_time asked, served;
    };
    guest& of(std::string_view name) { return m_guests[std::string(name)]; }
    const scene& m_who;
    std::map<std::string, guest> m_guests;
};

class time_advances final : public oracle, public hears<seen::no_progress> {
  public:
    explicit time_advances(const scene&) {}
    void hear(const seen::no_progress& what) override {
        violated(what.at, what.where,
                 fmt::format("{} made {} steps without getting anywhere", what.where, what.steps));
    }
};

/// A domain's mappings of others go with it, and so do those that others have of it.
class teardown_ends final : public oracle,
                            public hears<seen::grant_mapping>,
                            public hears<seen::domain_life>,
                            public hears<seen::run_end> {
  public:
    explicit teardown_ends(const scene& who) : m_who(who) {}
    void hear(const seen::grant_mapping& what) override {
        const auto key = std::pair(std::string(what.granter), std::string(what.mapper));
        auto& live = m_live[key];
        live += what.mapped ? 1 : live > 0 ? -1 : 0;
        if (live == 0) {
            m_live.erase(key);
            close(key, what.at);
        }
    }
    void hear(const seen::domain_life& what) override {
        if (what.now == seen::domain_life::what::destroyed)
            for (const auto& [key, live] : m_live)
                if (key.first == what.domain)
                    m_gone.try_emplace(key, what.at);
        // A mapper that is stopped cannot let go; that ends with its own destruction.
        if (what.now != seen::domain_life::what::created)
            std::erase_if(m_gone, [&](const auto& each) { return each.first.second == what.domain; });
    }
    void hear(const seen::run_end& what) override {
        for (const auto& each : m_gone)
            judge(each.first, each.second, what.at);
    }

  private:
    using pair_of_names = std::pair<std::string, std::string>;  // granter, mapper
    void close(const pair_of_names& key, const sc_time& now) {
        if (const auto found = m_gone.find(key); found != m_gone.end()) {
            judge(key, found->second, now);
            m_gone.erase(found);
        }
    }
    void judge(const pair_of_names& key, const sc_time& since, const sc_time& now) {
        const auto deadline = since + m_who.limits.teardown;
        if (now > deadline)
            violated(deadline, key.second,
                     fmt::format("{} still holds pages of {}, which is gone", key.second, key.first));
    }
    const scene& m_who;
    std::map<pair_of_names, std::uint64_t> m_live;
    std::map<pair_of_names, sc_time> m_gone;
};

/// A domain that was created serves, is served, says what is wrong or stops.
class start_up_ends final : public oracle,
                            public hears<seen::domain_life>,
                            public hears<seen::answer>,
                            public hears<seen::submission>,
                            public hears<seen::log_line>,
                            public hears<seen::run_end> {
  public:
    explicit start_up_ends(const scene& who) : m_who(who) {}
    void hear(const seen::domain_life& what) override {
        if (what.now == seen::domain_life::what::created && m_who.is_backend(what.domain))
            m_starting.insert_or_assign(std::string(what.domain), what.at);
        else
            close(what.domain, what.at);
    }
    void hear(const seen::answer& what) override { close(what.back, what.at); }
    void hear(const seen::submission& what) override { m_asked.insert(std::string(what.back)); }
    void hear(const seen::log_line& what) override {
        if (what.error)
            close(what.domain, what.at);
    }
    void hear(const seen::run_end& what) override {
        for (const auto& [name, since] : m_starting)
            if (m_asked.contains(name))
                judge(name, since, what.at);
    }

  private:
    void close(std::string_view domain, const sc_time& now) {
        if (const auto found = m_starting.find(domain); found != m_starting.end()) {
            if (m_asked.contains(found->first))
                judge(found->first, found->second, now);
            m_starting.erase(found);
            m_asked.erase(std::string(domain));
        }
    }
    void judge(const std::string& name, const sc_time& since, const sc_time& now) {
        const auto deadline = since + m_who.limits.start_up;
        if (now > deadline)
            violated(deadline, name,
                     fmt::format("{} was created at {} and neither served nor said why not", name,
                                 since.to_string()));
    }
    const scene& m_who;
    std::map<std::string, sc_time, std::less<>> m_starting;
    std::set<std::string> m_asked;
};

class store_answers final : public oracle,
                            public hears<seen::store_message>,
                            public hears<seen::domain_life>,
                            public hears<seen::run_end> {
  public:
    explicit store_answers(const scene& who) : m_who(who) {}
    void hear(const seen::store_message& what) override {
        constexpr std::uint32_t event = 15;
        const auto key = std::pair(std::string(what.connection), what.request);
        if (!what.out) {
            m_open.insert_or_assign(key, std::pair(what.at, std::string(what.domain)));
            return;
        }
        if (const auto found = m_open.find(key); what.type != event && found != m_open.end()) {
            judge(*found, what.at);
            m_open.erase(found);
        }
    }
    void hear(const seen::domain_life& what) override {
        if (what.now != seen::domain_life::what::created)
            std::erase_if(m_open, [&](const auto& each) { return each.second.second == what.domain; });
    }
    void hear(const seen::run_end& what) override {
        for (const auto& each : m_open)
            judge(each, what.at);
    }

  private:
    using request = std::pair<const std::pair<std::string, std::uint32_t>, std::pair<sc_time, std::string>>;
    void judge(const request& each, const sc_time& now) {
        const auto deadline = each.second.first + m_who.limits.store;
        if (now > deadline)
            violated(deadline, each.first.first,
                     fmt::format("XenStore did not answer request {} of {} in time", each.first.second,
                                 each.first.first));
    }
    const scene& m_who;
    std::map<std::pair<std::string, std::uint32_t>, std::pair<sc_time, std::string>> m_open;
};

}  // namespace

std::vector<invariant> liveness_invariants() {
    constexpr std::string_view part = "liveness";
    using enum outcome_class;
    return {
        {"L-1", part, "Every command that is submitted is answered, cancelled or cut off in time.", hang,
         make_oracle<commands_end>},
        {"L-4", part, "After the last fault is over, every guest that lives is served again in time.", hang,
         make_oracle<service_recovers>},
        {"L-5", part, "No component makes steps without end while nothing changes.", hang,
         make_oracle<time_advances>},
        {"L-6", part, "When a domain is gone, others let go of its pages in time.", hang,
         make_oracle<teardown_ends>},
        {"L-7", part, "A stub domain that is created and asked serves, says what is wrong or stops, in time.",
         hang, make_oracle<start_up_ends>},
        {"L-8", part, "XenStore answers every request in time.", hang, make_oracle<store_answers>},
    };
}

}  // namespace vtwin::scenario
