// Invariants of grants and event channels under long random sequences of operations, hostile ones among them.
#include <catch2/catch.hpp>

#include "hypervisor/event/event_fabric.h"
#include "hypervisor/grant/grant_broker.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using kind = evtchn_status::kind;

namespace {
/// xorshift64: the sequence is part of the test.
class sequence {
  public:
    explicit sequence(std::uint64_t seed) : m_state(seed) {}
    std::uint32_t below(std::uint32_t limit) {
        m_state ^= m_state << 13;
        m_state ^= m_state >> 7;
        m_state ^= m_state << 17;
        return static_cast<std::uint32_t>((m_state >> 20) % limit);
    }

  private:
    std::uint64_t m_state;
};

struct crowd {
    crowd() : host("xen", {}) {
        for (const char* name : {"dom0", "a", "b", "c"})
            guests.push_back(std::make_unique<guest>(
                host.add_domain(name, guests.empty() ? small_dom0() : small()), nullptr));
        for (auto& g : guests)
            host.start(g->dom(), "");
    }
    domain_instance& life(std::size_t i) { return *guests[i]->dom().life(); }
    machine host;
    std::vector<std::unique_ptr<guest>> guests;
};

/// Pins of an entry are the parts of the live handles that name it; its in-use bits tell whether there are
/// any.
void check_conservation(crowd& t, std::uint32_t domids) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::uint32_t, std::uint32_t>> parts;
    for (std::uint32_t id = 0; id < domids; ++id) {
        auto* const mapper = t.host.instance(domid_t(id));
        for (std::uint32_t h = 0; mapper != nullptr && h < mapper->maps.size(); ++h)
            if (const auto* const m = mapper->maps.find(grant_handle{h})) {
                auto& [all, writable] = parts[{to_underlying(m->granter), to_underlying(m->ref)}];
                all += m->host + m->device;
                writable += m->read_only ? 0 : m->host + m->device;
            }
    }
    for (std::uint32_t id = 0; id < domids; ++id) {
        auto* const granter = t.host.instance(domid_t(id));
        for (std::uint32_t r = 0; granter != nullptr && r < 16; ++r) {
            const auto [all, writable] = parts[{id, r}];
            REQUIRE(granter->grants.pins(ref(r)) == all);
            const auto flags = granter->grants.flags(ref(r));
            REQUIRE(((flags & gtf::reading) != 0) == (all > 0));
            REQUIRE(((flags & gtf::writing) != 0) == (writable > 0));
            if (all > 0)
                REQUIRE(t.host.memory().references(granter->grants.pinned_frame(ref(r))) >= all);
        }
    }
}

void check_symmetry(crowd& t, std::uint32_t domids) {
    for (std::uint32_t id = 0; id < domids; ++id) {
        auto* const dom = t.host.instance(domid_t(id));
        for (std::uint32_t p = 1; dom != nullptr && p < dom->events.size(); ++p) {
            const auto& channel = *dom->events.find(evtchn_port{p});
            if (channel.state != kind::interdomain)
                continue;
            auto* const peer = t.host.instance(channel.remote);
            REQUIRE(peer != nullptr);
            const auto& other = *peer->events.find(channel.remote_port);
            REQUIRE(other.state == kind::interdomain);
            REQUIRE(other.remote == domid_t(id));
            REQUIRE(other.remote_port == evtchn_port{p});
        }
    }
}
}  // namespace

TEST_CASE("invariants: pins bits and handles agree through maps unmaps and deaths") {
    crowd t;
    sequence chance(0x1234567);
    std::map<std::uint32_t, std::vector<gnttab_map_grant_ref>> held;  // by mapper's domid
    std::uint32_t domids = 4, mapped = 0, refused = 0, deaths = 0;
    for (int step = 0; step < 20000; ++step) {
        const auto i = chance.below(4);
        auto& g = *t.guests[i];
        const auto action = chance.below(100);
        const auto r = ref(8 + chance.below(8));
        if (action < 20) {
            // Only entries not in use are written, as an honest owner does.
            if (t.life(i).grants.pins(r) == 0)
                g.grant(r, t.guests[chance.below(4)]->id(), page(chance.below(18)), chance.below(3) == 0);
        } else if (action < 65) {
            gnttab_map_grant_ref op{
                .flags = chance.below(8), .ref = r, .dom = t.guests[chance.below(4)]->id()};
            t.host.grant_operations().map(t.life(i), op);
            op.status == gntst::okay ? ++mapped : ++refused;
            if (op.status == gntst::okay)
                held[to_underlying(g.id())].push_back(op);
        } else if (action < 98) {
            auto& mine = held[to_underlying(g.id())];
            if (mine.empty())
                continue;
            const auto& op = mine[chance.below(static_cast<std::uint32_t>(mine.size()))];
            gnttab_unmap_grant_ref undo{.host_addr = chance.below(4) ? op.host_addr : guest_addr{},
                                        .handle = op.handle,
                                        .dev_bus_addr = chance.below(4) ? op.dev_bus_addr : 0};
            t.host.grant_operations().unmap(t.life(i), {&undo, 1});
        } else if (i != 0 && chance.below(4) == 0) {
            held.erase(to_underlying(g.id()));
            t.host.destroy(g.dom());
            ++deaths;
            CHECK(t.host.start(g.dom(), "") == domid_t(domids++));
        }
        if (step % 50 == 0)
            check_conservation(t, domids);
    }
    CHECK(mapped > 1000);
    CHECK(refused > 1000);
    CHECK(deaths > 20);
    for (std::size_t i = 4; i-- > 0;)
        t.host.destroy(t.guests[i]->dom());
    for (std::uint32_t id = 0; id < domids; ++id)
        REQUIRE(t.host.instance(domid_t(id)) == nullptr);
    CHECK(t.host.memory().allocated() == 0);
}

TEST_CASE("invariants: interdomain channels stay symmetric whatever is opened and closed") {
    crowd t;
    sequence chance(0x7654321);
    std::uint32_t domids = 4, bound = 0, deaths = 0;
    auto& events = t.host.events();
    for (int step = 0; step < 20000; ++step) {
        const auto i = chance.below(4);
        const auto peer = t.guests[chance.below(4)]->id();
        const evtchn_port some{chance.below(70)};
        evtchn_port out{};
        switch (chance.below(12)) {
            case 0:
            case 1:
            case 2:
                events.alloc_unbound(t.life(i), domid_self, peer, out);
                break;
            case 3:
            case 4:
            case 5:
            case 6:
                bound += events.bind_interdomain(t.life(i), peer, some, out) == 0;
                break;
            case 7:
            case 8:
                events.close(t.life(i), some);
                break;
            case 9:
                events.send(t.life(i), some);
                break;
            case 10:
                events.unmask(t.life(i), some);
                break;
            default:
                if (i != 0 && chance.below(20) == 0) {
                    t.host.destroy(t.guests[i]->dom());
                    t.host.start(t.guests[i]->dom(), "");
                    ++domids;
                    ++deaths;
                }
        }
        if (step % 20 == 0)
            check_symmetry(t, domids);
    }
    CHECK(bound > 500);
    CHECK(deaths > 20);
}
