// A manager with a libtpms chip below it, a disk in memory and vTPMs that are just byte strings.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "models/vtpmmgr/management_commands.h"
#include "models/vtpmmgr/vtpmmgr.h"
#include "tests/models/vtpmmgr/doubles.h"
#include "tpm/engine/firmware12.h"
#include "tpm/engine/libtpms_engine.h"

namespace vtwin::test {

/// The hardware TPM behind a driver that never fails, with a log of ordinals and a place for injected
/// answers.
struct bench_chip final : models::tpm_transport_if {
    tpm::libtpms_host host;
    models::chance_stream chance{42, "chip"};
    std::uint64_t clock_ns = 0;
    tpm::libtpms_engine engine{
        host, {"chip", tpm::family::tpm12}, chance, [this] { return clock_ns += 1000; }};
    std::uint8_t locality = 0;
    std::vector<std::uint32_t> ordinals;
    std::vector<std::size_t> sizes;
    /// Status that the chip answers in place of executing; called for each command.
    std::function<std::optional<std::uint32_t>(std::uint32_t ordinal)> refuse;

    bench_chip() { power_cycle(); }
    void power_cycle() {
        engine.power_cycle();
        sc_assert(tpm::make_ready_for_use(engine) == 0);
    }
    models::transport_result transmit(byte_view command) override {
        tpm::wire_reader in(command);
        in.view(6);
        const std::uint32_t ordinal = in.u32();
        ordinals.push_back(ordinal);
        sizes.push_back(command.size());
        if (refuse)
            if (const auto code = refuse(ordinal))
                return {models::transport_error::none,
                        tpm::wire_writer().u16(0x00C4).u32(10).u32(*code).take()};
        return {models::transport_error::none, engine.execute(command, locality)};
    }
    unsigned count(std::uint32_t ordinal) const {
        return static_cast<unsigned>(std::count(ordinals.begin(), ordinals.end(), ordinal));
    }
};

struct label_backend final : models::tpm_backend_if {
    std::map<unsigned, std::string> labels;  ///< by domid; absent: no label to be had
    std::optional<models::tpm_request> next_request() override { return std::nullopt; }
    bool is_closed() const override { return true; }
    void respond(const models::tpm_request&, byte_view) override {}
    int peer_label(xen::domid_t domid, std::uint32_t, std::size_t capacity, std::string& label) override {
        const auto found = labels.find(static_cast<unsigned>(xen::to_underlying(domid)));
        if (found == labels.end())
            return -38;
        if (found->second.size() + 1 > capacity)
            return -34;
        label = found->second;
        return 0;
    }
};

struct answer {
    std::uint16_t tag = 0;
    std::uint32_t size = 0, status = 0;
    bytes body;
    std::size_t length = 0;
};

/// The configuration authority's key, made by OpenSSL from seeded randomness.
class authority {
  public:
    authority();
    ~authority();
    bytes modulus() const;
    bytes sign(byte_view message) const;  ///< PKCS#1 v1.5 SHA-1

  private:
    struct key_holder;
    std::unique_ptr<key_holder> m_key;
};

/// base ^ exponent mod modulus on big-endian numbers, 256 bytes.
bytes power(byte_view base, byte_view exponent, byte_view modulus);
/// The 2048-bit MODP prime of RFC 3526.
bytes dh_prime();
/// True when `signature` is PKCS#1 v1.5 SHA-1 over `message` by the key with this modulus and e = 65537: bare
/// arithmetic on bytes.
bool signature_holds(byte_view modulus, byte_view signature, byte_view message);

struct manager_bench {
    models::behaviour_set behaviours;
    std::string command_line;
    bench_chip chip;
    memory_disk disk;
    quiet_services services;
    label_backend backend;
    authority saa;
    std::unique_ptr<models::vtpmmgr> manager;

    static constexpr const char* good_label = "system_u:system_r:vtpm_t";
    static models::uuid_t uuid(unsigned number) {
        models::uuid_t result;
        result.octets.fill(std::byte(number));
        return result;
    }

    /// A manager's start on the running machine.
    bool boot() {
        services.lines.clear();
        manager = std::make_unique<models::vtpmmgr>(models::vtpmmgr_params{behaviours, {}, command_line, {}},
                                                    backend, chip, disk, services);
        return manager->start();
    }
    bool reboot() {
        manager.reset();
        chip.power_cycle();
        return boot();
    }
    /// A vTPM domain: number of its UUID and of its domain.
    void connect(unsigned domid, unsigned number) {
        manager->callbacks().opened(xen::domid_t(static_cast<std::uint16_t>(domid)), 0, uuid(number));
    }
    void disconnect(unsigned domid) {
        manager->callbacks().closed(xen::domid_t(static_cast<std::uint16_t>(domid)), 0);
    }
    bytes raw(unsigned domid, byte_view command) {
        return manager->handle(
            {xen::domid_t(static_cast<std::uint16_t>(domid)), 0, 0, bytes(command.begin(), command.end())});
    }
    answer send(unsigned domid, std::uint16_t tag, std::uint32_t ordinal, byte_view body = {}) {
        const auto size = static_cast<std::uint32_t>(10 + body.size());
        const bytes response =
            raw(domid, tpm::wire_writer().u16(tag).u32(size).u32(ordinal).raw(body).take());
        tpm::wire_reader in(response);
        answer result;
        result.tag = in.u16();
        result.size = in.u32();
        result.status = in.u32();
        result.length = response.size();
        result.body = in.raw(in.remaining());
        return result;
    }
    answer save(unsigned domid, unsigned pattern) {
        return send(domid, 0x01C1, 1, bytes(52, std::byte(pattern)));
    }
    answer load(unsigned domid) { return send(domid, 0x01C1, 2); }
    answer manage(std::uint32_t ordinal, byte_view body = {}) { return send(1, 0x01C2, ordinal, body); }

    answer group_new() { return manage(0x02000102, tpm::concat({bytes(20), saa.modulus()})); }
    bytes list(std::uint64_t sequence, const std::vector<manager::sha1_digest>& composites,
               const std::vector<manager::sha1_digest>& kernels) {
        tpm::wire_writer out;
        out.u64(sequence).u32(static_cast<std::uint32_t>(composites.size()));
        for (const auto& composite : composites)
            out.raw(composite);
        out.u32(static_cast<std::uint32_t>(kernels.size()));
        for (const auto& kernel : kernels)
            out.raw(kernel);
        return out.take();
    }
    answer group_update(std::uint32_t index, byte_view cfg_list, const std::vector<std::uint32_t>& masks) {
        tpm::wire_writer body;
        body.u32(index).raw(saa.sign(cfg_list)).raw(cfg_list);
        for (const std::uint32_t mask : masks)
            body.u16(3).u8(mask & 0xFF).u8(mask >> 8 & 0xFF).u8(mask >> 16 & 0xFF);
        return manage(0x02000106, body.data());
    }
    /// What the chip's PCRs hash to.
    manager::sha1_digest composite(std::uint32_t mask);
    manager::sha1_digest label() const;
    /// Boots, makes domain 1 the administrator and group 0 a real one: the first commit.
    void provision();
};

}  // namespace vtwin::test
