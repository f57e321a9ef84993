// A TIS chip as far as one driver sees it: what a test wants it to say, and how often it was asked.
#pragma once

#include "tests/models/drivers/world.h"

namespace vtwin::models::test {

/// Every access is one byte cycle and takes no time.
struct scripted_chip : sc_core::sc_module, xen::mmio_if {
    explicit scripted_chip(sc_core::sc_module_name name) : sc_module(name) {}

    bool read(std::uint64_t address, std::span<std::byte> out) override {
        cycles += static_cast<int>(out.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<std::byte>(load((address & 0xFFF) + i));
        }
        return permitted;
    }
    bool write(std::uint64_t address, std::span<const std::byte> data) override {
        cycles += static_cast<int>(data.size());
        if (data.size() == 1) {
            store(address & 0xFFF, std::to_integer<std::uint8_t>(data[0]));
        }
        return permitted;
    }
    std::uint8_t load(std::uint64_t at) {
        switch (at) {
            case 0x00:
                return absent ? 0xFF : active ? 0xA1 : 0x81;
            case 0x18:
                return status();
            case 0x19:
                return static_cast<std::uint8_t>(burst_left());
            case 0x24:
                return taken < response.size() ? std::to_integer<std::uint8_t>(response[taken++]) : 0xFF;
            case 0xF00:
            case 0xF01:
            case 0xF02:
            case 0xF03:
                return static_cast<std::uint8_t>(did_vid >> 8 * (at & 3));
            case 0xF04:
                return 0x10;
            default:
                return 0;
        }
    }
    void store(std::uint64_t at, std::uint8_t value) {
        if (at == 0x00 && value == 0x02) {
            active = granted;
            ++requests;
        } else if (at == 0x00 && value == 0x20) {
            active = false;
            ++releases;
        } else if (at == 0x18 && value == 0x40) {
            aborts += phase == executing && taken < response.size();
            ready = phase == idle;
            phase = ready ? receiving : idle;
            begun += ready;
            command.clear();
        } else if (at == 0x18 && value == 0x20) {
            seen.push_back(to_text(command));
            response = answer(command);
            taken = 0;
            done_at = sc_time_stamp() + execution;
            phase = executing;
        } else if (at == 0x24) {
            ready = false;
            command.push_back(static_cast<std::byte>(value));
        }
    }
    std::uint8_t status() {
        if (phase == executing) {
            return sc_time_stamp() < done_at ? 0x00 : (taken < response.size() || keeps_data ? 0x90 : 0x80);
        }
        if (phase == receiving) {
            return static_cast<std::uint8_t>((ready ? 0x40 : 0x00) | 0x80 | (expects_more() ? 0x08 : 0x00));
        }
        return 0x80;
    }
    bool expects_more() const {
        if (lowers_early) {
            return command.size() < 6 || command.size() + 1 < std::to_integer<std::size_t>(command[5]);
        }
        return expects_too_much || command.size() < 6 ||
               command.size() < std::to_integer<std::size_t>(command[5]);
    }
    std::size_t burst_left() const { return burst_zero ? 0 : burst; }

    enum { idle, receiving, executing } phase = idle;
    std::function<bytes(byte_view)> answer = vtpm_answer;
    bytes command, response;
    std::size_t taken = 0, burst = 8;
    sc_time execution, done_at;
    bool active = false, ready = false, permitted = true, burst_zero = false;
    bool lowers_early = false, granted = true, absent = false, expects_too_much = false, keeps_data = false;
    std::uint32_t did_vid = 0xD1;
    int cycles = 0, requests = 0, releases = 0, aborts = 0, begun = 0;
    lines seen;
};

}  // namespace vtwin::models::test
