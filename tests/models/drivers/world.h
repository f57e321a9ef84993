// A small world for drivers: a machine with xenstored, a toolstack of a few lines, domains that run the real
// kernel, and a TPM engine that answers from a table.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "hypervisor/machine.h"
#include "hypervisor/xenstore/store_client.h"
#include "hypervisor/xenstore/xenstored.h"
#include "models/behaviours/behaviours.h"
#include "models/drivers/linux_tpmfront.h"
#include "models/drivers/linux_xenbus.h"
#include "models/drivers/minios_tpmback.h"
#include "models/drivers/minios_tpmfront.h"
#include "models/kernel/kernel.h"
#include "models/kernel/xenbus_client.h"

namespace vtwin::models::test {

using sc_core::sc_time;
using sc_core::sc_time_stamp;
using lines = std::vector<std::string>;

/// What Linux returns, as negative errno values.
constexpr int io_error = -5, busy = -16, no_device = -19, invalid = -22, broken_pipe = -32;

inline sc_time us(double value) {
    return {value, sc_core::SC_US};
}
inline sc_time ms(double value) {
    return {value, sc_core::SC_MS};
}

inline bytes from_hex(std::string_view text) {
    bytes out;
    int high = -1;
    for (const char c : text) {
        const auto digit = std::string_view("0123456789abcdef").find(c);
        if (digit == std::string_view::npos) {
            continue;
        }
        if (high < 0) {
            high = static_cast<int>(digit);
        } else {
            out.push_back(static_cast<std::byte>(high * 16 + static_cast<int>(digit)));
            high = -1;
        }
    }
    return out;
}
inline std::string to_text(byte_view data) {
    std::string text;
    for (const std::byte b : data) {
        text += fmt::format("{:02x}", std::to_integer<int>(b));
    }
    return text;
}

inline xen::cost_profile machine_costs() {
    xen::cost_profile costs;
    costs.hypercall = us(0.5);
    costs.grant_map = us(1);
    costs.grant_unmap = us(1);
    costs.evtchn_op = us(0.5);
    costs.evtchn_send = us(0.5);
    costs.upcall_running = us(1);
    costs.upcall_blocked = us(3);
    costs.context_switch = us(2);
    costs.timeslice = ms(30);
    costs.ratelimit = ms(1);
    costs.xenstore_request = us(30);
    costs.xenstore_wakeup = us(5);
    return costs;
}
inline software_costs guest_costs() {
    software_costs costs;
    costs.irq_handler = us(1);
    costs.thread_switch = us(1);
    costs.command_dispatch = us(5);
    return costs;
}

/// A TPM 1.2 with the properties that a vTPM has; GetRandom answers with a counter.
inline bytes vtpm_answer(byte_view command) {
    const std::string text = to_text(command);
    if (text.ends_with("0000000400000115")) {
        return from_hex("00c40000001e0000000000000010 000b71b0 001e8480 000b71b0 000b71b0");
    }
    if (text.ends_with("0000000400000120")) {
        return from_hex("00c40000001a000000000000000c 002dc6c0 002dc6c0 23c34600");
    }
    if (text.size() >= 20 && text.substr(12, 8) == "00000046") {
        const auto count = std::to_integer<std::uint8_t>(command.back());
        bytes response = from_hex("00c4000000000000000000000000");
        response[5] = static_cast<std::byte>(14 + count);
        response[13] = static_cast<std::byte>(count);
        response.resize(14 + count, std::byte{0x5A});
        return response;
    }
    return from_hex("00c40000000a00000000");
}

/// A domain that runs the kernel.
struct guest_domain {
    guest_domain(xen::machine& host, const std::string& name, const software_costs& costs,
                 kernel_flavour flavour, xen::domain_params params)
        : domain(host.add_domain(name, std::move(params))), os((name + "_kernel").c_str(), costs, flavour) {
        os.ports.hypercall(domain.hypercall);
        os.ports.memory(domain.memory);
        os.ports.mmio(domain.mmio);
        os.ports.vcpu(domain.vcpu);
        domain.on_boot([this](const xen::start_info& info) { os.boot(info); });
        os.set_log_sink([this](kernel::level, const std::string& text) { console.push_back(text); });
    }
    xen::domid_t id() const { return domain.domid(); }
    bool has_logged(std::string_view part) const {
        return std::ranges::any_of(console, [=](const auto& l) { return l.find(part) != std::string::npos; });
    }
    xen::domain& domain;
    kernel os;
    lines console;
};

struct world : tlm::tlm_analysis_if<xen::xenstore_message> {
    explicit world(const xen::cost_profile& costs = machine_costs())
        : host("machine", {.pcpus = 4, .costs = costs}),
          store("xenstored", host),
          home(host.add_domain("dom0", params(true))) {
        store.messages.bind(*this);
        host.on_stopped([this](xen::domain& which, xen::shutdown_reason why) {
            stopped.emplace_back(fmt::format("{} {}", which.basename(), static_cast<int>(why)));
        });
    }

    static xen::domain_params params(bool privileged = false) {
        xen::domain_params p;
        p.label = "system_u:system_r:domU_t";
        p.nr_pages = 64;
        p.privileged = privileged;
        return p;
    }
    guest_domain& add(const std::string& name, kernel_flavour flavour) {
        return *guests.emplace_back(std::make_unique<guest_domain>(host, name, software, flavour, params()));
    }

    /// Runs the toolstack's part and the simulation.
    void run(std::function<void(xen::store_client&)> toolstack, const sc_time& limit = ms(600000)) {
        sc_core::sc_spawn([this, toolstack = std::move(toolstack)] {
            host.start(home, "");
            xen::store_client client(store, "toolstack");
            toolstack(client);
            finished = true;
            sc_core::sc_stop();
        });
        sc_core::sc_start(limit);
        REQUIRE(finished);
    }
    xen::domid_t create(xen::store_client& client, guest_domain& which) {
        const xen::domid_t id = host.create(which.domain, "");
        const std::string number = std::to_string(xen::to_underlying(id));
        const std::string path = "/local/domain/" + number;
        client.mkdir(path);
        client.set_perms(path, {"n" + number});
        const auto& info = which.domain.info();
        client.request(xen::xs_op::introduce,
                       number + '\0' + std::to_string(xen::to_underlying(info.store_page) / xen::page_size) +
                           '\0' + std::to_string(xen::to_underlying(info.store_port)) + '\0');
        return id;
    }
    void unpause(guest_domain& which) { host.unpause(which.domain); }

    static std::string front(const guest_domain& fe) {
        return fmt::format("/local/domain/{}/device/vtpm/0", xen::to_underlying(fe.id()));
    }
    static std::string back(const guest_domain& fe, const guest_domain& be) {
        return fmt::format("/local/domain/{}/backend/vtpm/{}/0", xen::to_underlying(be.id()),
                           xen::to_underlying(fe.id()));
    }
    /// What libxl writes for one vtpm device, without its own directory.
    void attach(xen::store_client& client, const guest_domain& fe, const guest_domain& be,
                const std::string& uuid = "11111111-2222-3333-4444-555555555555") {
        const std::string f = front(fe), b = back(fe, be);
        const std::string fid = std::to_string(xen::to_underlying(fe.id()));
        const std::string bid = std::to_string(xen::to_underlying(be.id()));
        client.in_transaction([&](std::uint32_t tx) {
            client.mkdir(f, tx);
            client.set_perms(f, {"n" + fid, "r" + bid}, tx);
            client.write(f + "/backend", b, tx);
            client.write(f + "/backend-id", bid, tx);
            client.write(f + "/state", "1", tx);
            client.write(f + "/handle", "0", tx);
            client.mkdir(b, tx);
            client.set_perms(b, {"n" + bid, "r" + fid}, tx);
            client.write(b + "/frontend", f, tx);
            client.write(b + "/frontend-id", fid, tx);
            client.write(b + "/online", "1", tx);
            client.write(b + "/state", "1", tx);
            client.write(b + "/handle", "0", tx);
            client.write(b + "/uuid", uuid, tx);
            client.write(b + "/resume", "False", tx);
            return true;
        });
    }
    /// Polls a key every millisecond until it has the value; false after ten seconds.
    bool await(xen::store_client& client, const std::string& path, const std::string& value) {
        for (int i = 0; i < 10000; ++i) {
            if (client.read(path).text == value) {
                return true;
            }
            sc_core::wait(ms(1));
        }
        return false;
    }

    /// Requests of one connection in the server's order: "WRITE device/vtpm/0/state 3".
    lines requests(const guest_domain& of) const {
        lines out;
        const std::string prefix = fmt::format("dom{} ", xen::to_underlying(of.id()));
        for (const std::string& line : traffic) {
            if (line.starts_with(prefix)) {
                out.push_back(line.substr(prefix.size()));
            }
        }
        return out;
    }
    void write(const xen::xenstore_message& what) override {
        if (what.out) {
            return;
        }
        std::string line = fmt::format("{} {}", what.connection, to_string(what.type));
        std::string payload(what.payload);
        while (!payload.empty() && payload.back() == '\0') {
            payload.pop_back();
        }
        std::ranges::replace(payload, '\0', ' ');
        traffic.push_back(payload.empty() ? line : line + " " + payload);
    }

    software_costs software = guest_costs();
    behaviour_set behaviours;
    lines traffic, stopped;
    xen::machine host;
    xen::xenstored store;
    xen::domain& home;
    std::vector<std::unique_ptr<guest_domain>> guests;
    bool finished = false;
};

/// A stub domain that answers TPM commands, as vtpm-stubdom does: its program is a loop over tpmback.
struct vtpm_domain {
    explicit vtpm_domain(world& w, const std::string& name = "vtpm")
        : guest(w.add(name, kernel_flavour::mini_os)), back(guest.os, w.behaviours) {
        guest.os.set_main([this] {
            back.start({.opened = [this](xen::domid_t, std::uint32_t, const uuid_t&) { ++opened; },
                        .closed = [this](xen::domid_t, std::uint32_t) { ++closed; }});
            serve();
        });
    }
    void serve() {
        while (true) {
            auto request = back.next_request();
            if (!request) {
                if (back.is_closed() || ++null_requests >= give_up_after) {
                    return;
                }
                continue;
            }
            seen.push_back(to_text(request->command));
            localities.push_back(request->locality);
            if (execution != sc_core::SC_ZERO_TIME) {
                guest.os.sleep(execution);
            }
            back.respond(*request, answer(request->command));
        }
    }
    guest_domain& guest;
    minios_tpmback back;
    std::function<bytes(byte_view)> answer = vtpm_answer;
    sc_time execution;
    int opened = 0, closed = 0, null_requests = 0, give_up_after = 1;
    lines seen;
    std::vector<int> localities;
};

/// A Linux guest with xen-tpmfront; `user` runs when the device is there.
struct linux_guest {
    explicit linux_guest(world& w, const std::string& name = "guest")
        : guest(w.add(name, kernel_flavour::linux_pv)),
          bus(guest.os),
          front(guest.os, bus, w.behaviours, tuned()) {
        guest.os.set_main([this] {
            bus.start();
            bus.register_driver(front);
            front.wait_until_present();
            if (user) {
                user();
            }
            done = true;
        });
    }
    static driver_params tuned() {
        driver_params params;
        params.linux_hwrng_interval = ms(1000000);
        return params;
    }
    guest_domain& guest;
    linux_xenbus bus;
    linux_tpmfront front;
    std::function<void()> user;
    bool done = false;
};

}  // namespace vtwin::models::test
