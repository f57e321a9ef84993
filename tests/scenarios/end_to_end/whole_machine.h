// The machine of deep_attestation inside the test's own process, where a test may take an operator's or a
// guest's place. One per process.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/drivers/tpmif_page.h"
#include "models/hex.h"
#include "models/kernel/xenbus_client.h"
#include "models/platform/platform.h"
#include "scenarios/config/scenario.h"

namespace vtwin::scenario::test {

using lines = std::vector<std::string>;
using models::byte_view;
using models::bytes;

inline sc_core::sc_time ms(double value) {
    return {value, sc_core::SC_MS};
}

/// One store to the state octet of a tpmif page, or the mapping of a page that says SUBMIT already.
struct page_event {
    std::string frontend, backend;  ///< names of the domains
    xen::mfn_t frame;
    int state;
    std::string packet;  ///< octets of the packet in hexadecimal, as the length field counts them
};

class whole_machine : private tlm::tlm_analysis_if<xen::grant_map_change>,
                      private tlm::tlm_analysis_if<xen::xenstore_message> {
  public:
    /// `wires`: what stands on the machine's wires; outlives it.
    explicit whole_machine(const std::vector<override_text>& overrides = {},
                           models::wire_inserter* wires = nullptr)
        : m_scenario(load_scenario("deep_attestation", overrides)),
          platform(
              "machine", m_scenario.config,
              [this](const models::timeline_entry& entry) {
                  timeline.push_back(entry.domain + ": " + entry.text);
              },
              wires) {
        platform.hypervisor().grants.bind(*this);
        platform.store().messages.bind(*this);
        platform.hypervisor().on_stopped([this](xen::domain& which, xen::shutdown_reason why) {
            stopped.push_back(which.basename() + std::string(" ") + std::to_string(static_cast<int>(why)));
        });
    }

    /// The machine lets go of its mappings when it goes; nobody may listen any more by then.
    ~whole_machine() override {
        platform.hypervisor().grants.unbind(*this);
        platform.store().messages.unbind(*this);
    }

    const models::platform::outcome& run() { return platform.run(); }
    const models::run_config& config() const { return m_scenario.config; }

    models::guest_domain& guest(const std::string& name) {
        for (const auto& each : platform.guests())
            if (each->config().name == name)
                return *each;
        FAIL("no guest " << name);
        return *platform.guests().front();
    }
    /// "trusted", the checks that failed, or why there was no verdict.
    std::string verdict(const std::string& guest, const models::platform::outcome& outcome) const {
        for (const auto& each : outcome.attestations) {
            if (each.guest != guest)
                continue;
            if (!each.completed)
                return each.problem;
            std::string failed;
            for (const auto& reason : each.result.reasons)
                failed += reason.passed ? "" : " " + reason.check;
            return each.result.trusted ? "trusted" + failed : "untrusted" + failed;
        }
        return "no verdict";
    }
    bool has_said(const std::string& part) const { return times_said(part) != 0; }
    std::ptrdiff_t times_said(const std::string& part) const {
        return std::ranges::count_if(timeline,
                                     [&](const auto& line) { return line.find(part) != std::string::npos; });
    }

  private:
    loaded_scenario m_scenario;

  public:
    models::platform platform;
    lines timeline, stopped;
    std::vector<page_event> pages;
    lines store_requests;  ///< "dom3 WRITE device/vtpm/0/state 3", in the server's order
    std::function<void(const page_event&)> on_page = [](const page_event&) {};

  private:
    void write(const xen::grant_map_change& what) override {
        const auto watched = m_watches.find(what.frame);
        if (!what.mapped) {
            if (watched != m_watches.end()) {
                platform.hypervisor().memory().unwatch(watched->second);
                m_watches.erase(watched);
            }
            return;
        }
        if (watched != m_watches.end() || what.mapper == xen::dom0)
            return;  // dom0 maps disk and console rings
        page_event event{platform.name_of(what.granter), platform.name_of(what.mapper), what.frame, 0, ""};
        m_watches[what.frame] =
            platform.hypervisor().memory().watch(what.frame, [this, event](const xen::frame_write& store) {
                if (store.offset <= 4 && store.offset + store.data.size() > 4)
                    see(event);
            });
        if (std::to_integer<int>(platform.hypervisor().memory().page(what.frame)[4]) == 1)
            see(event);
    }
    void see(page_event event) {
        const std::byte* page = platform.hypervisor().memory().page(event.frame);
        std::uint32_t length = 0;
        for (int i = 3; i >= 0; --i)
            length = length << 8 | std::to_integer<std::uint32_t>(page[i]);
        event.state = std::to_integer<int>(page[4]);
        event.packet = models::to_hex(byte_view(page + 8, std::min<std::size_t>(length, 4088)));
        pages.push_back(event);
        on_page(event);
    }
    void write(const xen::xenstore_message& what) override {
        if (what.out)
            return;
        std::string line = std::string(what.connection) + ' ' + std::string(to_string(what.type));
        std::string payload(what.payload);
        while (!payload.empty() && payload.back() == '\0')
            payload.pop_back();
        std::ranges::replace(payload, '\0', ' ');
        store_requests.push_back(payload.empty() ? line : line + ' ' + payload);
    }

    std::map<xen::mfn_t, xen::machine_memory::watch_id> m_watches;
};

/// A frontend by hand in a guest's place: it has the page and the port, and does with them what the test
/// says. `program` runs in the guest's main thread; the guest powers off after it.
class hand_made_frontend {
  public:
    explicit hand_made_frontend(models::guest_domain& guest) : os(guest.os) {
        os.set_main([this] {
            program();
            os.shut_down(xen::shutdown_reason::poweroff);
        });
    }
    void open() {
        auto& store = os.xenbus();
        const auto backend = static_cast<xen::domid_t>(*store.read_integer("device/vtpm/0/backend-id"));
        const auto frame = os.alloc_page();
        os.zero_page(frame);
        page = models::tpmif_page(os, xen::address_of(frame));
        const auto ref = os.grants().grant_access(backend, frame);
        os.ports.hypercall->evtchn_alloc_unbound(xen::domid_self, backend, port);
        os.bind_handler(port, [] {});
        os.unmask(port);
        store.write("device/vtpm/0/ring-ref", std::to_string(xen::to_underlying(*ref)));
        store.write("device/vtpm/0/event-channel", std::to_string(xen::to_underlying(port)));
        store.write("device/vtpm/0/feature-protocol-v2", "1");
        store.write("device/vtpm/0/state", "3");
        for (int i = 0; i < 1000 && backend_state() != 4; ++i)
            os.sleep(ms(10));
    }
    int backend_state() {
        const auto path = os.xenbus().read("device/vtpm/0/backend");
        return static_cast<int>(os.xenbus().read_state(path.value + "/state"));
    }
    void submit(const std::string& hex, std::optional<std::uint32_t> length = {}) {
        const bytes command = *models::from_hex(hex);
        page.copy_out(page.data_offset(), command);
        page.set_length(length.value_or(static_cast<std::uint32_t>(command.size())));
        page.set_state(models::tpmif_state::submit);
        os.notify(port);
    }
    /// The response in hexadecimal; "" when none came within ten seconds.
    std::string answer() {
        for (int i = 0; i < 10000 && page.state() != models::tpmif_state::finish; ++i)
            os.sleep(ms(1));
        if (page.state() != models::tpmif_state::finish)
            return "";
        bytes packet(std::min<std::uint32_t>(page.length(), 4088));
        page.copy_in(page.data_offset(), packet);
        return models::to_hex(packet);
    }

    models::kernel& os;
    std::function<void()> program = [] {};
    models::tpmif_page page;
    xen::evtchn_port port{};
};

}  // namespace vtwin::scenario::test
