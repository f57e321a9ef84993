// A machine with xenstored, and a guest that handles its own ring page by hand.
#pragma once

#include <string>
#include <vector>

#include "hypervisor/xenstore/store_client.h"
#include "hypervisor/xenstore/xenstored.h"
#include "tests/hypervisor/bench.h"

namespace vtwin::xen::test {

inline cost_profile store_costs() {
    auto costs = distinct_costs();
    costs.upcall_running = us(3);
    costs.upcall_blocked = us(4);
    costs.context_switch = us(5);
    costs.xenstore_wakeup = us(7);
    costs.xenstore_request = us(50);
    costs.xenstore_per_byte = sc_time(10, sc_core::SC_NS);
    costs.blk_read = us(100);
    costs.blk_write = us(200);
    costs.blk_per_sector = us(1);
    costs.blk_flush = us(1000);
    costs.blk_backend = us(11);
    costs.domain_create = ms(100);
    return costs;
}

/// Line of the observed traffic: "dom1 IN WRITE (device/vtpm 0)", NULs shown as spaces as xenstored's trace
/// does.
inline std::string trace_line(const xenstore_message& what) {
    std::string line(what.connection);
    line += what.out ? " OUT " : " IN ";
    line += to_string(what.type);
    line += " (";
    for (const char c : what.payload)
        line += c == '\0' ? ' ' : c;
    return line + ")";
}

struct store_recorder : tlm::tlm_analysis_if<xenstore_message> {
    void write(const xenstore_message& what) override {
        lines.push_back(trace_line(what));
        times.push_back(what.time);
    }
    std::vector<std::string> lines;
    std::vector<sc_time> times;
};

struct store_machine {
    explicit store_machine(const cost_profile& costs = store_costs())
        : host("machine", {.pcpus = 4, .costs = costs}),
          store("xenstored", host),
          home(host.add_domain("dom0", small_dom0())) {
        store.messages.bind(recorder);
    }
    /// Runs as a thread of dom0's user space once dom0 is up.
    void run(std::function<void()> body) {
        sc_core::sc_spawn([this, body = std::move(body)] {
            host.start(home, "");
            body();
        });
    }
    /// Creates a domain, gives it a home that it may read and makes xenstored serve its ring.
    domid_t introduce(store_client& client, domain& which) {
        const auto id = host.create(which, "");
        const auto number = std::to_string(to_underlying(id));
        client.mkdir("/local/domain/" + number);
        client.set_perms("/local/domain/" + number, {"n" + number});
        const std::string port = std::to_string(to_underlying(which.info().store_port));
        introduced = client.request(xs_op::introduce, number + '\0' + "2" + '\0' + port + '\0').error;
        return id;
    }

    store_recorder recorder;
    machine host;
    xenstored store;
    domain& home;
    errno_t introduced = errno_t::eio;
};

/// The guest's end of the ring.
struct hand_ring {
    guest& me;
    guest_addr page() const { return me.dom().info().store_page; }
    std::uint32_t index(std::size_t at) { return me.load<std::uint32_t>(page() + at); }
    void set_index(std::size_t at, std::uint32_t value) { me.store(page() + at, value); }
    void ring_doorbell() { me.call().evtchn_send(me.dom().info().store_port); }

    void put(std::span<const std::byte> bytes) {
        const auto prod = index(xs_ring::req_prod);
        for (std::uint32_t i = 0; i < bytes.size(); ++i)
            me.store(page() + xs_ring::req + ((prod + i) & 1023), std::to_integer<std::uint8_t>(bytes[i]));
        set_index(xs_ring::req_prod, prod + static_cast<std::uint32_t>(bytes.size()));
    }
    /// Sleeps until `count` response bytes are there and takes them; fewer when nothing comes within a
    /// second.
    std::vector<std::byte> get(std::size_t count) {
        std::vector<std::byte> bytes;
        const auto deadline = sc_time_stamp() + ms(1000);
        while (bytes.size() < count && sc_time_stamp() < deadline) {
            const auto cons = index(xs_ring::rsp_cons);
            if (index(xs_ring::rsp_prod) == cons) {
                me.cpu().block(sc_time_stamp() + ms(1));
                continue;
            }
            bytes.push_back(
                static_cast<std::byte>(me.load<std::uint8_t>(page() + xs_ring::rsp + (cons & 1023))));
            set_index(xs_ring::rsp_cons, cons + 1);
            if (index(xs_ring::rsp_prod) == cons + 1)
                ring_doorbell();
        }
        return bytes;
    }
    void send(xs_op op, const std::string& payload, std::uint32_t req_id = 1) {
        put(encode(xs_message{op, req_id, 0, payload}));
        ring_doorbell();
    }
    xs_message receive() {
        const auto head = get(xs_header_size);
        if (head.size() < xs_header_size)
            return {};
        const auto header = decode_header(std::span(head).first<xs_header_size>());
        const auto body = get(header.len);
        return {static_cast<xs_op>(header.type), header.req_id, header.tx_id,
                std::string(reinterpret_cast<const char*>(body.data()), body.size())};
    }
};

}  // namespace vtwin::xen::test
