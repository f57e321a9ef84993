// Time-outs and periods that the drivers carry in their own sources: protocol constants, not costs.
#pragma once

#include <systemc>

namespace vtwin::models {

struct driver_params {
    static sc_core::sc_time ms(double value) { return {value, sc_core::SC_MS}; }

    // Linux xen-tpmfront and TPM core
    sc_core::sc_time linux_status_poll = ms(5);            ///< TPM_TIMEOUT: 4.7 to 5 ms between looks
    sc_core::sc_time linux_core_poll = ms(1);              ///< TPM_TIMEOUT_POLL: 0.7 to 1 ms
    sc_core::sc_time linux_default_duration = ms(120000);  ///< ordinal without a class
    unsigned linux_hz = 250;                               ///< time-outs are rounded up to this tick
    bool linux_hwrng = true;                               ///< the chip feeds the kernel's random pool
    sc_core::sc_time linux_hwrng_interval = ms(6000);      ///< between two refills (3 to 10 s seen)
    sc_core::sc_time linux_self_test_poll = ms(100);       ///< TPM 1.2: between two looks at a self test

    sc_core::sc_time linux_unread_kept =
        ms(120000);  ///< /dev/tpm0: a response that nobody reads is forgotten

    // Linux TPM core with a TPM 2.0 (TPM2_TIMEOUT_x, TPM2_DURATION_x)
    bool linux_probes_tpm20 =
        false;  ///< xen-tpmfront asks for the family first, as tpm_tis does; Xen's does not
    sc_core::sc_time linux_tpm20_timeout_a = ms(750), linux_tpm20_timeout_b = ms(4000),
                     linux_tpm20_timeout_c = ms(200), linux_tpm20_timeout_d = ms(30);
    sc_core::sc_time linux_tpm20_short = ms(20), linux_tpm20_medium = ms(750), linux_tpm20_long = ms(2000),
                     linux_tpm20_long_long = ms(300000);
    bool linux_space_flushed_on_failure =
        true;  ///< /dev/tpmrm0: a command that failed on its way leaves nothing loaded; before 6.1.110 it did

    // Linux tpm_tis
    sc_core::sc_time linux_tis_poll = ms(0.5);       ///< TPM_TIMEOUT_USECS: 100 to 500 us between looks
    sc_core::sc_time linux_tis_poll_atmel = ms(15);  ///< TIS_TIMEOUT_ATML: 14.7 to 15 ms, TPM 1.2 of Atmel
    sc_core::sc_time linux_tis_timeout_a = ms(750), linux_tis_timeout_b = ms(4000),
                     linux_tis_timeout_c = ms(750),
                     linux_tis_timeout_d = ms(750);  ///< TIS_TIMEOUT_x_MAX, until the chip has answered
    unsigned linux_tis_send_attempts = 50;  ///< TPM_RETRY: a command that goes in wrong is sent again
    sc_core::sc_time linux_tis_st_duration = ms(120000);  ///< for ST's 1.2.8.28, which tells wrong ones

    // mini-os tpm_tis
    bool tis_keeps_locality = true;     ///< release_locality(force = 0): given up only when somebody asks
    sc_core::sc_time tis_poll = ms(5);  ///< msleep(5)
    sc_core::sc_time tis_timeout_a = ms(750), tis_timeout_b = ms(2000), tis_timeout_c = ms(750),
                     tis_timeout_d = ms(750);  ///< least values, used until the chip has answered

    // mini-os
    sc_core::sc_time minios_main_sleep = ms(2000);  ///< at the start of both stub domains' main

    // hardened variants of drivers that wait for ever
    sc_core::sc_time hardened_wait = ms(120000);  ///< for an answer or a peer's state
    unsigned hardened_attempts = 16;              ///< for a transaction in conflict
};

}  // namespace vtwin::models
