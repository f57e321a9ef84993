// Grants, event channels, XenStore: conservation and permissions, from a ledger of their own.
#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

namespace store {
constexpr std::uint32_t watch = 4, write = 11, mkdir = 12, rm = 13, set_perms = 14, event = 15, error = 16;
}

class mappings_are_granted final : public oracle, public hears<seen::grant_mapping> {
  public:
    explicit mappings_are_granted(const scene&) {}
    void hear(const seen::grant_mapping& what) override {
        if (what.mapped && !(what.owned && what.permitted))
            violated(
                what.at, what.mapper,
                fmt::format("{} mapped frame {} through grant {} of {}, which {}", what.mapper, what.frame,
                            what.ref, what.granter, what.owned ? "does not let it" : "does not own it"));
    }
};

class mapped_frames_stay final : public oracle, public hears<seen::grant_mapping> {
  public:
    explicit mapped_frames_stay(const scene&) {}
    void hear(const seen::grant_mapping& what) override {
        auto& use = m_frames[what.frame];
        if (!what.mapped) {
            if (use.count != 0 && --use.count == 0)
                m_frames.erase(what.frame);
            return;
        }
        if (use.count++ != 0 && use.granter != what.granter)
            violated(what.at, use.granter,
                     fmt::format("frame {} of {} became one of {} while it was still mapped", what.frame,
                                 use.granter, what.granter));
        use.granter = what.granter;
    }

  private:
    struct use {
        std::string granter;
        unsigned count = 0;
    };
    std::map<std::uint64_t, use> m_frames;
};

/// Names are compared by their digests: there are many mappings.
using mapping_key = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>;  // mapper, granter, reference
mapping_key key_of(const seen::grant_mapping& what) {
    const auto digest = [](std::string_view name) { return digest_of(std::as_bytes(std::span(name))); };
    return {digest(what.mapper), digest(what.granter), what.ref};
}

class mappings_balance final : public oracle, public hears<seen::grant_mapping> {
  public:
    explicit mappings_balance(const scene&) {}
    void hear(const seen::grant_mapping& what) override {
        auto& live = m_live[key_of(what)];
        if (what.mapped)
            ++live;
        else if (live == 0)
            violated(what.at, what.mapper,
                     fmt::format("{} let go grant {} of {} more often than it had mapped it", what.mapper,
                                 what.ref, what.granter));
        else
            --live;
    }

  private:
    std::map<mapping_key, unsigned> m_live;
};

class nothing_left_behind final : public oracle,
                                  public hears<seen::grant_mapping>,
                                  public hears<seen::domain_life> {
  public:
    explicit nothing_left_behind(const scene&) {}
    void hear(const seen::grant_mapping& what) override {
        auto found = m_live.find(what.mapper);
        if (found == m_live.end())
            found = m_live.emplace(what.mapper, 0).first;
        auto& live = found->second;
        live += what.mapped ? 1 : live > 0 ? -1 : 0;
    }
    void hear(const seen::domain_life& what) override {
        if (what.now != seen::domain_life::what::destroyed)
            return;
        const auto left = m_live[std::string(what.domain)] + what.mappings;
        if (left != 0)
            violated(what.at, what.domain,
                     fmt::format("{} is gone and still has {} grant mappings", what.domain, left));
        m_live.erase(std::string(what.domain));
    }

  private:
    std::map<std::string, std::uint64_t, std::less<>> m_live;
};

class ring_writers final : public oracle, public hears<seen::foreign_store> {
  public:
    explicit ring_writers(const scene&) {}
    void hear(const seen::foreign_store& what) override {
        violated(
            what.at, what.ring,
            fmt::format("{} stored into the page of {}, which is not its own and which it has not mapped",
                        what.domain, what.ring));
    }
};

class events_arrive final : public oracle,
                            public hears<seen::event_bit>,
                            public hears<seen::domain_life>,
                            public hears<seen::run_end> {
  public:
    explicit events_arrive(const scene& who) : m_who(who) {}
    void hear(const seen::event_bit& what) override {
        const auto key = std::pair(std::string(what.domain), what.port);
        if (what.pending) {
            if (!m_stopped.contains(key.first))
                m_pending.try_emplace(key, what.at);
            return;
        }
        if (const auto found = m_pending.find(key); found != m_pending.end()) {
            judge(*found, what.at);
            m_pending.erase(found);
        }
    }
    void hear(const seen::domain_life& what) override {
        std::erase_if(m_pending, [&](const auto& each) { return each.first.first == what.domain; });
        if (what.now == seen::domain_life::what::created)
            m_stopped.erase(std::string(what.domain));
        else
            m_stopped.insert(std::string(what.domain));
    }
    void hear(const seen::run_end& what) override {
        for (const auto& each : m_pending)
            judge(each, what.at);
    }

  private:
    void judge(const std::pair<const std::pair<std::string, std::uint32_t>, sc_time>& each,
               const sc_time& now) {
        if (now - each.second > m_who.limits.event)
            violated(each.second + m_who.limits.event, each.first.first,
                     fmt::format("an event for port {} of {} stayed pending", each.first.second,
                                 each.first.first));
    }
    const scene& m_who;
    std::map<std::pair<std::string, std::uint32_t>, sc_time> m_pending;
    std::set<std::string> m_stopped;
};

class events_have_a_channel final : public oracle, public hears<seen::event_bit> {
  public:
    explicit events_have_a_channel(const scene&) {}
    void hear(const seen::event_bit& what) override {
        if (what.pending && !what.open)
            violated(
                what.at, what.domain,
                fmt::format("an event came to {} through port {}, which is closed", what.domain, what.port));
    }
};

/// Requests of some types by connection and number, until their replies come.
class open_requests {
  public:
    /// `types`: one bit per type of request.
    explicit open_requests(std::uint32_t types) : m_types(types) {}

    struct request {
        std::uint32_t type = 0;
        std::string path, rest;
    };
    /// The request when this is the successful reply to it.
    std::optional<request> succeeded(const seen::store_message& what) {
        const auto key = std::pair(digest_of(std::as_bytes(std::span(what.connection))), what.request);
        if (!what.out) {
            if ((m_types >> what.type & 1) == 0)
                return std::nullopt;
            const auto cut = what.payload.find('\0');
            const auto path = what.payload.substr(0, cut);
            m_open[key] = {what.type, std::string(path),
                           std::string(cut == std::string_view::npos ? "" : what.payload.substr(cut + 1))};
            return std::nullopt;
        }
        const auto found = m_open.find(key);
        if (found == m_open.end() || what.type == store::event)
            return std::nullopt;
        auto done = std::move(found->second);
        m_open.erase(found);
        return what.type == store::error ? std::nullopt : std::optional(std::move(done));
    }

  private:
    std::uint32_t m_types;
    std::map<std::pair<std::uint64_t, std::uint32_t>, request> m_open;
};

/// Follows who was given which node, and looks at every change that a domain without privileges made.
class store_permissions final : public oracle, public hears<seen::store_message> {
  public:
    explicit store_permissions(const scene&) {}
    void hear(const seen::store_message& what) override {
        if (what.type == store::event)
            return;
        const auto done = m_requests.succeeded(what);
        if (!done)
            return;
        const auto path = absolute(done->path, what.domid);
        // Removing what is not there succeeds without changing anything.
        const bool changes = done->type != store::rm || std::ranges::any_of(m_granted, [&](const auto& each) {
                                 return below(each.first, path);
                             });
        if (changes && what.domid > 0 && !may(path, what.domid))
            violated(what.at, what.connection,
                     fmt::format("{} changed {} in XenStore, which nobody had given to it",
                                 what.domain.empty() ? what.connection : what.domain, path));
        if (done->type == store::rm)
            std::erase_if(m_granted, [&](const auto& each) { return below(each.first, path); });
        if (done->type == store::set_perms)
            grant(path, done->rest);
    }

  private:
    static std::string absolute(const std::string& path, int domid) {
        if (path.starts_with('/') || domid < 0)
            return path;
        return fmt::format("/local/domain/{}/{}", domid, path);
    }
    static bool below(std::string_view path, std::string_view root) {
        return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
    }
    /// "n5\0b0": the first names the owner, with what all others may do.
    void grant(const std::string& path, std::string_view rest) {
        auto& writers = m_granted[path];
        writers.clear();
        for (bool first = true; !rest.empty(); first = false) {
            const auto entry = rest.substr(0, rest.find('\0'));
            rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
            int id = -1;
            if (entry.size() < 2)
                continue;
            std::from_chars(entry.data() + 1, entry.data() + entry.size(), id);
            const bool writes = entry[0] == 'w' || entry[0] == 'b';
            if (first || writes)
                writers.insert(id);
            if (first && writes)
                writers.insert(everybody);
        }
    }
    bool may(std::string path, int domid) const {
        while (!path.empty()) {
            if (const auto found = m_granted.find(path);
                found != m_granted.end() &&
                (found->second.contains(domid) || found->second.contains(everybody)))
                return true;
            const auto cut = path.rfind('/');
            path.resize(cut == std::string::npos ? 0 : cut);
        }
        return false;
    }

    static constexpr int everybody = -2;
    open_requests m_requests{1u << store::write | 1u << store::mkdir | 1u << store::rm |
                             1u << store::set_perms};
    std::map<std::string, std::set<int>> m_granted;
};

class watches_fire final : public oracle, public hears<seen::store_message>, public hears<seen::run_end> {
  public:
    explicit watches_fire(const scene& who) : m_who(who) {}
    void hear(const seen::store_message& what) override {
        if (what.out && what.type == store::event) {
            const auto cut = what.payload.find('\0');
            auto token = cut == std::string_view::npos ? what.payload : what.payload.substr(cut + 1);
            m_waiting.erase({std::string(what.connection), plain(token)});
        } else if (const auto done = m_requests.succeeded(what); done && done->type == store::watch) {
            m_waiting.try_emplace({std::string(what.connection), plain(done->rest)}, what.at, done->path);
        }
    }
    void hear(const seen::run_end& what) override {
        for (const auto& [watch, since] : m_waiting)
            if (what.at - since.first > m_who.limits.store)
                violated(since.first + m_who.limits.store, watch.first,
                         fmt::format("{} watches {} and was never told of it", watch.first, since.second));
    }

  private:
    static std::string plain(std::string_view token) {
        return std::string(token.substr(0, token.find('\0')));
    }
    const scene& m_who;
    open_requests m_requests{1u << store::watch};
    std::map<std::pair<std::string, std::string>, std::pair<sc_time, std::string>> m_waiting;
};

class xenbus_states final : public oracle, public hears<seen::store_message> {
  public:
    explicit xenbus_states(const scene&) {}
    void hear(const seen::store_message& what) override {
        const auto cut = what.payload.find('\0');
        const auto path = what.payload.substr(0, cut);
        const bool vtpm = path.find("/vtpm/") != std::string_view::npos && path.ends_with("/state");
        if (what.out || what.type != store::write || !vtpm || cut == std::string_view::npos ||
            what.domid <= 0)
            return;
        auto value = what.payload.substr(cut + 1);
        value = value.substr(0, value.find('\0'));
        const int to = value.size() == 1 ? value[0] - '0' : -1;
        auto& state = m_states.try_emplace({what.domid, std::string(path)}, 1).first->second;
        const bool back_end = path.find("backend/vtpm/") != std::string_view::npos;
        if (to < 1 || to > 8 || !(legal(state, to) || (back_end && to == init_wait)))
            violated(what.at, what.domain.empty() ? what.connection : what.domain,
                     fmt::format("{} moved {} from {} to \"{}\"", what.domain, path, state, value));
        state = to;
    }

  private:
    /// Initialising 1, InitWait 2, Initialised 3, Connected 4, Closing 5, Closed 6. A back end whose frontend
    /// has closed waits for the next one: any state to InitWait.
    static constexpr int init_wait = 2;
    static bool legal(int from, int to) {
        constexpr int closing = 5, closed = 6;
        if (from == to || to == closing || to == closed)
            return true;
        return from >= closing ? to <= 3 : to > from;
    }
    std::map<std::pair<int, std::string>, int> m_states;
};

}  // namespace

std::vector<invariant> plumbing_invariants() {
    constexpr std::string_view part = "grants, events, XenStore, hypervisor";
    using enum outcome_class;
    return {
        {"I-G1", part, "A domain maps a frame only through an entry of its owner that names the mapper.",
         security_violation, make_oracle<mappings_are_granted>},
        {"I-G2", part, "A frame does not change its owner while somebody has it mapped.", security_violation,
         make_oracle<mapped_frames_stay>},
        {"I-G3", part, "A mapping is let go exactly as often as it was made.", security_violation,
         make_oracle<mappings_balance>},
        {"I-G4", part, "A domain that is gone holds no grant mapping.", silent_corruption,
         make_oracle<nothing_left_behind>},
        {"I-H1", part, "Only its owner and those who have it mapped store into a page.", security_violation,
         make_oracle<ring_writers>},
        {"I-E1", part, "A pending event is seen by a live receiver in time.", hang,
         make_oracle<events_arrive>},
        {"I-E2", part, "Events come through open channels only.", silent_corruption,
         make_oracle<events_have_a_channel>},
        {"I-X1", part, "A domain changes only nodes of XenStore that were given to it.", security_violation,
         make_oracle<store_permissions>},
        {"I-X3", part, "Who sets a watch is told of it at least once.", hang, make_oracle<watches_fire>},
        {"I-X5", part, "The two states of a vTPM device move forward, close, or begin anew.",
         silent_corruption, make_oracle<xenbus_states>},
    };
}

}  // namespace vtwin::scenario
