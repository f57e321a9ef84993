// A chip with two domains that drive it: the manager's driver, and Linux' at a locality of its own.
#pragma once

#include "models/drivers/linux_tpm_tis.h"
#include "models/drivers/minios_tpm_tis.h"
#include "models/platform/tpm_hardware.h"
#include "tests/models/drivers/world.h"
#include "tpm/engine/firmware12.h"

namespace vtwin::models::test {

inline driver_params quiet() {
    driver_params params;
    params.linux_hwrng = false;
    return params;
}

struct chip_log : tlm::tlm_analysis_if<tpm::chip_command> {
    void write(const tpm::chip_command& what) override { seen.push_back(what); }
    std::vector<tpm::chip_command> seen;
};

/// A chip with the manager's driver at locality 0 and Linux at another.
struct shared_chip {
    explicit shared_chip(unsigned locality, const driver_params& of_manager = {})
        : hardware("tpm", library, profile(), 1, sc_core::SC_ZERO_TIME, wires),
          manager(w.host, "manager", w.software, kernel_flavour::mini_os, at(0)),
          dom(w.host, "linux", w.software, kernel_flavour::linux_pv, at(locality)),
          minios(manager.os, w.behaviours, tpm::family::tpm12, of_manager),
          tis(dom.os, locality, quiet()) {
        w.host.mmio_socket.bind(hardware.host());
        hardware.tis().commands.bind(log);
        hardware.engine().power_cycle();
        REQUIRE(tpm::make_ready_for_use(hardware.engine()) == 0);
    }
    static const tpm::chip_profile& profile() {
        static const tpm::chip_profile chip = [] {
            tpm::chip_profile made;
            made.did_vid = 0x000B15D1;
            made.bus = "lpc";
            made.bus_mhz = 33.333333;
            made.burst_count = 8;
            made.buffer_size = 1024;
            made.default_duration.base = ms(10);
            return made;
        }();
        return chip;
    }
    static xen::domain_params at(unsigned locality) {
        xen::domain_params params = world::params();
        params.iomem = {0xFED40u + locality};
        return params;
    }
    /// `ended`: how many of both are to come to the end of their programs.
    void run(std::function<void()> of_manager, std::function<void()> of_linux, int ended = 2) {
        manager.os.set_main([this, of_manager] {
            of_manager();
            ++done;
        });
        dom.os.set_main([this, of_linux] {
            of_linux();
            ++done;
        });
        w.run([&](xen::store_client& client) {
            w.create(client, manager);
            w.create(client, dom);
            w.unpause(manager);
            w.unpause(dom);
            sc_core::wait(ms(60000));
        });
        REQUIRE(done == ended);
    }
    std::string ask(const std::string& hex) {
        bytes response;
        const int length = tis.chip().transmit_from_user(from_hex(hex), response);
        return length < 0 ? std::to_string(length) : to_text(response);
    }
    tpm::libtpms_host library;
    world w;
    wire_inserter wires;
    tpm_hardware hardware;
    guest_domain manager, dom;
    minios_tpm_tis minios;
    linux_tpm_tis tis;
    chip_log log;
    int done = 0;
};

}  // namespace vtwin::models::test
