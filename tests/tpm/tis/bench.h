// The bench of the TIS tests: a host with a socket, a bus, a device, an engine that answers by script.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <systemc>
#include <vector>

#include "tpm/bus/lpc_bus.h"
#include "tpm/bus/special_cycle.h"
#include "tpm/tis/tis_device.h"

namespace vtwin::tpm::testing {

using sc_core::SC_MS;
using sc_core::SC_NS;
using sc_core::SC_PS;
using sc_core::sc_time;
using sc_core::SC_US;

/// SplitMix64: a stream whose values a reader can check elsewhere.
class splitmix final : public entropy_if {
  public:
    explicit splitmix(std::uint64_t seed) : m_state(seed) {}
    void fill(std::span<std::byte> out) override {
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (i % 8 == 0) {
                next();
            }
            out[i] = std::byte(m_word >> (8 * (i % 8)));
        }
        drawn += out.size();
    }
    std::size_t drawn = 0;

  private:
    void next() {
        m_state += 0x9E3779B97F4A7C15ULL;
        m_word = m_state;
        m_word = (m_word ^ (m_word >> 30)) * 0xBF58476D1CE4E5B9ULL;
        m_word = (m_word ^ (m_word >> 27)) * 0x94D049BB133111EBULL;
        m_word ^= m_word >> 31;
    }
    std::uint64_t m_state, m_word = 0;
};

inline bytes be32(std::uint32_t value) {
    return {std::byte(value >> 24), std::byte(value >> 16), std::byte(value >> 8), std::byte(value)};
}

/// A TPM 1.2 message: tag, size, code, then a body that counts up from 0x10.
inline bytes message(std::uint16_t tag, std::size_t size, std::uint32_t code) {
    bytes out{std::byte(tag >> 8), std::byte(tag)};
    for (const std::uint32_t word : {static_cast<std::uint32_t>(size), code}) {
        const bytes field = be32(word);
        out.insert(out.end(), field.begin(), field.end());
    }
    for (std::size_t i = out.size(); i < size; ++i) {
        out.push_back(std::byte(0x10 + i));
    }
    return out;
}
inline bytes request(std::size_t size, std::uint32_t ordinal) {
    return message(0x00C1, size, ordinal);
}
inline bytes reply(std::size_t size, std::uint32_t result = 0) {
    return message(0x00C4, size, result);
}

/// Records what reaches it. PCR 17 is a toy: hash data is summed, HASH_END turns the sum into the PCR.
class fake_engine final : public engine_if {
  public:
    struct call {
        bytes command;
        std::uint8_t locality;
        sc_time at;
    };
    bytes execute(byte_view command, std::uint8_t locality) override {
        calls.push_back({bytes(command.begin(), command.end()), locality, sc_core::sc_time_stamp()});
        return next_reply;
    }
    void hash_start() override {
        log += 'S';
        flag = true;
        pcr17 = 0;
        sum = 0;
    }
    void hash_data(byte_view data) override {
        log += 'D';
        for (const auto value : data) {
            sum = sum * 31 + std::to_integer<std::uint32_t>(value);
        }
    }
    void hash_end() override {
        log += 'E';
        pcr17 = sum;
    }
    bool established() override { return flag; }
    bool reset_established(std::uint8_t locality) override {
        log += 'R';
        flag = false;
        return true;
    }
    void power_cycle() override {
        log += 'P';
        pcr17 = 0xFFFFFFFF;
    }
    family version() const override { return kind; }

    family kind = family::tpm12;
    bytes next_reply = reply(10);
    std::vector<call> calls;
    std::string log;
    bool flag = false;
    std::uint32_t sum = 0, pcr17 = 0xFFFFFFFF;
};

inline chip_profile plain_profile() {
    chip_profile profile;
    profile.name = "bench";
    profile.did_vid = 0x000B15D1;
    profile.rid = 0x10;
    profile.interface_capability = 0x97;
    profile.bus = "lpc";
    profile.bus_mhz = 33.333333;
    profile.burst_count = 8;
    profile.buffer_size = 1024;
    return profile;
}

/// Collects what a port publishes.
template <typename T>
struct collector : tlm::tlm_analysis_if<T> {
    void write(const T& value) override { seen.push_back(value); }
    std::vector<T> seen;
};

class host : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<host> socket;
    explicit host(sc_core::sc_module_name name) : sc_module(name), socket("socket") {
        SC_HAS_PROCESS(host);
        SC_THREAD(run);
    }
    std::function<void()> program;
    sc_time extra;          ///< paid after each access, as chipset and CPU would
    bool decouple = false;  ///< keep bus time as a local delay instead of waiting for it
    sc_time local;
    std::optional<std::uint32_t> master;  ///< told with each access

    tlm::tlm_response_status transfer(tlm::tlm_command command, std::uint64_t address, unsigned char* data,
                                      unsigned length, bool special = false) {
        tlm::tlm_generic_payload payload;
        payload.set_command(command);
        payload.set_address(address);
        payload.set_data_ptr(data);
        payload.set_data_length(length);
        payload.set_streaming_width(length);
        special_cycle mark;
        if (special) {
            payload.set_extension(&mark);
        }
        bus_master made_by;
        if (master) {
            made_by.number = *master;
            payload.set_extension(&made_by);
        }
        socket->b_transport(payload, local);
        payload.clear_extension<special_cycle>();
        payload.clear_extension<bus_master>();
        local += extra;
        if (!decouple) {
            sc_core::wait(local);
            local = sc_core::SC_ZERO_TIME;
        }
        return payload.get_response_status();
    }
    std::uint32_t read(std::uint32_t address, unsigned length = 1) {
        std::array<unsigned char, 4> data{};
        transfer(tlm::TLM_READ_COMMAND, lpc_bus::window_base + address, data.data(), length);
        return data[0] | data[1] << 8 | data[2] << 16 | static_cast<std::uint32_t>(data[3]) << 24;
    }
    void write(std::uint32_t address, std::uint32_t value, unsigned length = 1, bool special = false) {
        std::array<unsigned char, 4> data{};
        for (unsigned i = 0; i < length; ++i) {
            data[i] = static_cast<unsigned char>(value >> (8 * i));
        }
        transfer(tlm::TLM_WRITE_COMMAND, lpc_bus::window_base + address, data.data(), length, special);
    }
    void special(std::uint32_t address, std::uint32_t value = 0, unsigned length = 1) {
        write(address, value, length, true);
    }
    void send(const bytes& data, std::uint32_t page = 0) {
        for (const auto value : data) {
            write(page + tis_device::data_fifo, std::to_integer<std::uint32_t>(value));
        }
    }
    bytes receive(std::size_t size, std::uint32_t page = 0) {
        bytes out;
        for (std::size_t i = 0; i < size; ++i) {
            out.push_back(std::byte(read(page + tis_device::data_fifo)));
        }
        return out;
    }

  private:
    void run() {
        if (program) {
            program();
            finished = true;
        }
    }

  public:
    bool finished = false;
};

struct bench {
    /// `real`: an engine to use instead of the scripted one.
    explicit bench(chip_profile chosen = plain_profile(), engine_if* real = nullptr)
        : profile(std::move(chosen)),
          chance(1),
          cpu("cpu"),
          bus("bus", profile),
          tpm("tpm", profile, real != nullptr ? *real : engine, chance) {
        cpu.socket.bind(bus.host);
        bus.device.bind(tpm.socket);
        bus.cycles.bind(cycles);
        tpm.states.bind(states);
        tpm.commands.bind(commands);
        engine.kind = profile.version;
    }
    /// Runs a program on the host until it ends; false when it never did.
    bool run(std::function<void()> program, sc_time limit = sc_time(100, sc_core::SC_SEC)) {
        cpu.program = [this, program = std::move(program)] {
            program();
            sc_core::wait(cpu.local);
            sc_core::sc_stop();
        };
        sc_core::sc_start(limit);
        return cpu.finished;
    }
    std::uint8_t access(unsigned locality) { return static_cast<std::uint8_t>(cpu.read(locality << 12)); }
    void set_access(unsigned locality, std::uint8_t value) { cpu.write(locality << 12, value); }
    std::uint8_t sts(unsigned locality = 0) {
        return static_cast<std::uint8_t>(cpu.read((locality << 12) + tis_device::sts));
    }
    void set_sts(std::uint8_t value, unsigned locality = 0) {
        cpu.write((locality << 12) + tis_device::sts, value);
    }

    chip_profile profile;
    splitmix chance;
    fake_engine engine;
    host cpu;
    lpc_bus bus;
    tis_device tpm;
    collector<lpc_cycle> cycles;
    collector<tis_state> states;
    collector<chip_command> commands;
};

}  // namespace vtwin::tpm::testing
