// The tpmif protocol: the page's states, and a ledger of submissions, executions and answers.
#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

constexpr std::uint32_t page_capacity = 4088;
constexpr std::size_t header = 10;

class page_states final : public oracle, public hears<seen::page_state> {
  public:
    explicit page_states(const scene&) {}
    void hear(const seen::page_state& what) override {
        if (what.from == what.to || legal(what))
            return;
        constexpr std::array<std::string_view, 3> names = {"the frontend", "the backend", "a third domain"};
        violated(what.at, what.ring,
                 fmt::format("{} moved the page of {} from state {} to {}",
                             names[static_cast<std::size_t>(what.by)], what.ring, what.from, what.to));
    }

  private:
    static bool legal(const seen::page_state& what) {
        const bool answered = what.to == tpmif_state::finish || what.to == tpmif_state::idle;
        if (what.by == seen::writer::back)
            return (what.from == tpmif_state::submit || what.from == tpmif_state::cancel) && answered;
        if (what.by == seen::writer::front)
            return what.to == tpmif_state::submit
                       ? what.from == tpmif_state::idle || what.from == tpmif_state::finish
                   : what.to == tpmif_state::cancel ? what.from == tpmif_state::submit
                                                    : what.to == tpmif_state::idle;  // made ready again
        return false;
    }
};

class exactly_once final : public oracle,
                           public hears<seen::submission>,
                           public hears<seen::execution>,
                           public hears<seen::answer> {
  public:
    explicit exactly_once(const scene&) {}
    void hear(const seen::submission& what) override {
        auto& at = m_open[std::string(what.back)];
        at = {digest_of(what.command), 0, 0};
    }
    void hear(const seen::execution& what) override {
        const auto found = m_open.find(what.tpm);
        if (found != m_open.end() && found->second.command == digest_of(what.command) &&
            ++found->second.executions > 1)
            violated(what.at, what.tpm,
                     fmt::format("{} executed one submission of command 0x{:X} twice", what.tpm,
                                 code_of(what.command)));
    }
    void hear(const seen::answer& what) override {
        const auto found = m_open.find(what.back);
        if (what.request.empty() || found == m_open.end())
            return;
        if (found->second.command == digest_of(what.request) && ++found->second.answers > 1)
            violated(what.at, what.back,
                     fmt::format("{} answered one submission of command 0x{:X} twice", what.back,
                                 code_of(what.request)));
    }

  private:
    struct open {
        std::uint64_t command = 0;
        unsigned executions = 0, answers = 0;
    };
    std::map<std::string, open, std::less<>> m_open;  ///< by backend
};

class answers_in_order final : public oracle,
                               public hears<seen::submission>,
                               public hears<seen::execution>,
                               public hears<seen::answer> {
  public:
    explicit answers_in_order(const scene&) {}
    void hear(const seen::submission& what) override {
        auto& at = m_open[std::string(what.back)];
        at = {digest_of(what.command), std::nullopt};
    }
    void hear(const seen::execution& what) override {
        const auto found = m_open.find(what.tpm);
        if (found != m_open.end() && found->second.command == digest_of(what.command))
            found->second.response = digest_of(what.response);
    }
    void hear(const seen::answer& what) override {
        const auto found = m_open.find(what.back);
        const bool adjusted = code_of(what.request) == ordinal::get_capability;  // the stub domain's own
        const bool refusal = what.response.size() <= header;
        if (found == m_open.end() || !found->second.response || adjusted || refusal)
            return;
        if (found->second.command == digest_of(what.request) &&
            *found->second.response != digest_of(what.response))
            violated(what.at, what.ring,
                     fmt::format("the answer that {} gave to command 0x{:X} of {} is not what its execution "
                                 "gave",
                                 what.back, code_of(what.request), what.ring));
    }

  private:
    struct open {
        std::uint64_t command = 0;
        std::optional<std::uint64_t> response;
    };
    std::map<std::string, open, std::less<>> m_open;
};

class lengths_agree final : public oracle,
                            public hears<seen::submission>,
                            public hears<seen::execution>,
                            public hears<seen::answer> {
  public:
    explicit lengths_agree(const scene&) {}
    void hear(const seen::submission& what) override {
        auto& at = m_last[std::string(what.back)];
        at = {digest_of(what.command), what.length};
    }
    void hear(const seen::execution& what) override {
        if (!succeeded(what.response))
            return;
        const bool whole = size_of(what.command) == what.command.size();
        const auto found = m_last.find(what.tpm);
        const bool of_page = found != m_last.end() && found->second.command == digest_of(what.command);
        if (!whole || (of_page && found->second.length != what.command.size()))
            violated(what.at, what.tpm,
                     fmt::format("{} executed {} octets of command 0x{:X}, whose header says {}", what.tpm,
                                 what.command.size(), code_of(what.command), size_of(what.command)));
    }
    void hear(const seen::answer& what) override {
        if (what.length > page_capacity)
            violated(
                what.at, what.back,
                fmt::format("{} put a length of {} into the page of {}", what.back, what.length, what.ring));
    }

  private:
    struct asked {
        std::uint64_t command = 0;
        std::uint32_t length = 0;
    };
    std::map<std::string, asked, std::less<>> m_last;
};

class cancel_ends final : public oracle, public hears<seen::page_state>, public hears<seen::run_end> {
  public:
    explicit cancel_ends(const scene& who) : m_who(who) {}
    void hear(const seen::page_state& what) override {
        if (what.to == tpmif_state::cancel) {
            m_cancelled.try_emplace(std::string(what.ring), what.at);
            return;
        }
        if (const auto found = m_cancelled.find(what.ring); found != m_cancelled.end()) {
            judge(*found, what.at);
            m_cancelled.erase(found);
        }
    }
    void hear(const seen::run_end& what) override {
        for (const auto& each : m_cancelled)
            judge(each, what.at);
    }

  private:
    void judge(const std::pair<const std::string, sc_time>& each, const sc_time& now) {
        if (now - each.second > m_who.limits.cancel)
            violated(each.second + m_who.limits.cancel, each.first,
                     fmt::format("{} cancelled a command at {} and its backend did not react in time",
                                 each.first, each.second.to_string()));
    }
    const scene& m_who;
    std::map<std::string, sc_time, std::less<>> m_cancelled;
};

class connected_to_the_right_page final : public oracle,
                                          public hears<seen::store_message>,
                                          public hears<seen::ring_page> {
  public:
    explicit connected_to_the_right_page(const scene&) {}
    void hear(const seen::store_message& what) override {
        constexpr std::uint32_t write = 11;
        constexpr std::string_view key = "/ring-ref";
        const auto path = what.payload.substr(0, what.payload.find('\0'));
        if (what.out || what.type != write || what.domain.empty() || !path.ends_with(key) ||
            path.find("device/vtpm/") == std::string_view::npos || path.size() == what.payload.size())
            return;
        std::uint32_t value = 0;
        for (const char c : what.payload.substr(path.size() + 1))
            value = value * 10 + static_cast<std::uint32_t>(c - '0');
        m_named[std::string(what.domain)] = value;
    }
    void hear(const seen::ring_page& what) override {
        const auto named = m_named.find(what.ring);
        if (!what.mapped || named == m_named.end())
            return;
        if (named->second != what.ref)
            violated(what.at, what.ring,
                     fmt::format("{} mapped grant {} of {}, which had named grant {}", what.back, what.ref,
                                 what.ring, named->second));
        else if (!what.clean)
            violated(what.at, what.ring,
                     fmt::format("the page of {} held something when {} mapped it", what.ring, what.back));
    }

  private:
    std::map<std::string, std::uint32_t, std::less<>> m_named;
};

}  // namespace

std::vector<invariant> tpmif_protocol_invariants() {
    constexpr std::string_view part = "tpmif protocol";
    using enum outcome_class;
    return {
        {"I-P1", part,
         "The page goes from IDLE or FINISH to SUBMIT and from SUBMIT to CANCEL by the frontend, from SUBMIT "
         "or CANCEL to FINISH or IDLE by the backend.",
         silent_corruption, make_oracle<page_states>},
        {"I-P2", part, "A submission is executed at most once and answered at most once.", silent_corruption,
         make_oracle<exactly_once>},
        {"I-P3", part, "An answer is what the execution of this very submission gave.", silent_corruption,
         make_oracle<answers_in_order>},
        {"I-P4", part,
         "What executes is as long as the page and the header say, and an answer fits the page.",
         silent_corruption, make_oracle<lengths_agree>},
        {"I-P6", part, "A cancelled command ends in time.", hang, make_oracle<cancel_ends>},
        {"I-P7", part, "The page that a backend maps is the one that its frontend named, and it is blank.",
         silent_corruption, make_oracle<connected_to_the_right_page>},
    };
}

}  // namespace vtwin::scenario
