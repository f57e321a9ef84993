// The vTPM's program over a real engine, between doubles: a client, a manager that keeps the record, a disk.
#pragma once

#include <catch2/catch.hpp>
#include <functional>

#include "models/chance.h"
#include "models/hex.h"
#include "models/vtpm/vtpm_stubdom.h"
#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/wire.h"

namespace vtwin::models::vtpm_test {

namespace tpm12 = tpm::tpm12;

struct memory_file : block_file_if {
    bytes content = bytes(2 << 20);
    std::uint64_t size() const override { return content.size(); }
    std::uint32_t sector_size() const override { return 512; }
    bool read(std::uint64_t offset, std::span<std::byte> out) override {
        std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
        return true;
    }
    bool write(std::uint64_t offset, byte_view data) override {
        std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
        return true;
    }
    bool flush() override { return true; }
};

/// A manager that keeps the record, gives random bytes and answers GET_QUOTE with a recognisable body.
struct fake_manager : tpm_transport_if {
    bytes record;
    std::uint32_t save_status = 0, quote_status = 0;
    std::vector<bytes> seen;
    chance_stream random{1, "manager"};
    bytes quote_body = bytes(276, std::byte{0x5A});

    transport_result transmit(byte_view command) override {
        seen.emplace_back(command.begin(), command.end());
        tpm::wire_reader in(command);
        const auto tag = in.u16();
        in.u32();
        const auto ordinal = in.u32();
        tpm::wire_writer out;
        const auto answer = [&](std::uint16_t reply_tag, std::uint32_t status, byte_view body) {
            out.u16(reply_tag).u32(static_cast<std::uint32_t>(10 + body.size())).u32(status).raw(body);
        };
        if (tag == 0x00C1 && ordinal == 70) {
            bytes given(4 + in.u32());
            random.fill(given);
            tpm::store_be32(given, static_cast<std::uint32_t>(given.size() - 4));
            answer(0x00C4, 0, given);
        } else if (tag == 0x01C1 && ordinal == 2) {
            answer(0x01C4, record.empty() ? 3 : 0, record);
        } else if (tag == 0x01C1 && ordinal == 1) {
            if (save_status == 0)
                record = in.raw(in.remaining());
            answer(0x01C4, save_status, {});
        } else if (tag == 0x01C1 && ordinal == 4) {
            answer(0x01C4, quote_status, quote_status == 0 ? quote_body : bytes{});
        } else {
            answer(static_cast<std::uint16_t>(tag + 3), 8, {});
        }
        return {transport_error::none, out.take()};
    }
    const bytes& last() const { return seen.back(); }
};

struct fake_services : stubdom_services_if {
    void charge(const sc_core::sc_time&) override {}
    void sleep(const sc_core::sc_time&) override {}
    void yield() override {}
    sc_core::sc_time now() const override { return sc_core::sc_time_stamp(); }
    void log(level, const std::string&) override {}
};

/// One client: hands commands to the program and takes its answers.
struct fake_clients : tpm_backend_if {
    sc_core::sc_event submitted, finished;
    std::optional<tpm_request> pending;
    bytes answer;
    bool closed = false;
    int label_result = 0;

    std::optional<tpm_request> next_request() override {
        while (!pending && !closed)
            sc_core::wait(submitted);
        return closed ? std::nullopt : pending;
    }
    bool is_closed() const override { return closed; }
    void respond(const tpm_request&, byte_view response) override {
        answer.assign(response.begin(), response.end());
        pending.reset();
        finished.notify(sc_core::SC_ZERO_TIME);
    }
    int peer_label(xen::domid_t, std::uint32_t, std::size_t, std::string& label) override {
        label = "system_u:system_r:domU_t";
        return label_result;
    }
    bytes command(byte_view text, std::uint8_t locality = 0) {
        pending = tpm_request{xen::domid_t{5}, 0, locality, {text.begin(), text.end()}};
        submitted.notify(sc_core::SC_ZERO_TIME);
        sc_core::wait(finished);
        return answer;
    }
    void close() {
        closed = true;
        submitted.notify(sc_core::SC_ZERO_TIME);
        sc_core::wait(sc_core::SC_ZERO_TIME);
    }
};

struct bench {
    explicit bench(tpm::family version)
        : engine{library,
                 {"vtpm", version, version == tpm::family::tpm20 ? vtpm20::buffer_size : 4096},
                 entropy,
                 [] { return 0; }} {}

    tpm::libtpms_host library;
    entropy_relay entropy;
    tpm::libtpms_engine engine;
    memory_file disk;
    fake_manager manager;
    fake_services services;
    chance_stream guest_random{2, "guest"};

    /// Runs the program once against `client`, which may talk to it until it returns.
    void run(const std::function<void(fake_clients&, vtpm_stubdom&)>& client, const std::string& options = "",
             const vtpm_params& params = {}) {
        auto clients = std::make_shared<fake_clients>();
        vtpm_stubdom program(params, options, engine, entropy, *clients, manager, disk, services);
        auto body = sc_core::sc_spawn([&] { program.run(); });
        client(*clients, program);
        if (!body.terminated()) {
            clients->close();
            if (!body.terminated())
                sc_core::wait(body.terminated_event());
        }
    }
    tpm12::client guest(fake_clients& clients) {
        return {[&clients](byte_view text) { return clients.command(text); }, guest_random};
    }
    unsigned saves() const {
        return static_cast<unsigned>(std::ranges::count_if(manager.seen, [](const bytes& seen) {
            return tpm::load_be16(seen) == 0x01C1 && seen.size() > 10 &&
                   tpm::load_be32(byte_view(seen).subspan(6)) == 1;
        }));
    }
};

/// Runs a test body as a simulation thread.
inline void simulate(const std::function<void(bench&)>& body, tpm::family version = tpm::family::tpm12) {
    bench bench(version);
    bool done = false;
    sc_core::sc_spawn([&] {
        body(bench);
        done = true;
    });
    sc_core::sc_start();
    CHECK(done);
}

inline std::uint32_t code_of(const bytes& response) {
    return tpm::load_be32(byte_view(response).subspan(6));
}

}  // namespace vtwin::models::vtpm_test
