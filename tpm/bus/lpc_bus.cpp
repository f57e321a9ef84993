#include "tpm/bus/lpc_bus.h"

#include <algorithm>
#include <cmath>

namespace vtwin::tpm {

namespace {

sc_core::sc_time period_of(double mhz) {
    if (mhz <= 0) {
        return sc_core::SC_ZERO_TIME;
    }
    return sc_core::sc_time(std::round(1e6 / mhz), sc_core::SC_PS);
}

}  // namespace

lpc_bus::lpc_bus(sc_core::sc_module_name name, const chip_profile& profile)
    : sc_module(name),
      host("host"),
      device("device"),
      cycles("cycles"),
      m_period(period_of(profile.bus_mhz)),
      m_wait_clocks(profile.lpc_wait_clocks) {
    host.register_b_transport(this, &lpc_bus::b_transport);
}

void lpc_bus::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    if (payload.get_byte_enable_ptr() != nullptr) {
        payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        return;
    }
    if (payload.get_data_length() == 0 || payload.get_streaming_width() < payload.get_data_length()) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return;
    }
    if (!payload.is_read() && !payload.is_write()) {
        payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
        return;
    }
    m_free_at = std::max(m_free_at, sc_core::sc_time_stamp() + delay);
    for (unsigned i = 0; i < payload.get_data_length(); ++i) {
        transfer_byte(payload.get_address() + i, payload.get_data_ptr()[i], payload);
    }
    delay = m_free_at - sc_core::sc_time_stamp();
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void lpc_bus::transfer_byte(std::uint64_t address, unsigned char& data,
                            const tlm::tlm_generic_payload& payload) {
    const sc_core::sc_time start = m_free_at;
    if (address < window_base || address >= window_base + window_size) {
        m_free_at = start + m_period * clocks_per_byte;
        if (payload.is_read()) {
            data = 0xFF;
        }
        return;
    }
    tlm::tlm_generic_payload cycle;
    cycle.set_command(payload.get_command());
    cycle.set_address(address - window_base);
    cycle.set_data_ptr(&data);
    cycle.set_data_length(1);
    cycle.set_streaming_width(1);
    if (payload.get_extension<special_cycle>() != nullptr) {
        cycle.set_extension(&m_special);
    }
    const auto* master = payload.get_extension<bus_master>();
    if (master != nullptr) {
        m_master.number = master->number;
        cycle.set_extension(&m_master);
    }
    const sc_core::sc_time sync = start + m_period * (clocks_to_sync + m_wait_clocks);
    sc_core::sc_time delay = sync - sc_core::sc_time_stamp();
    device->b_transport(cycle, delay);
    cycle.clear_extension<special_cycle>();
    cycle.clear_extension<bus_master>();
    if (cycle.is_response_error() && payload.is_read()) {
        data = 0xFF;
    }
    m_free_at = start + byte_time();
    cycles.write({.start = start,
                  .end = m_free_at,
                  .write = payload.is_write(),
                  .address = static_cast<std::uint16_t>(address - window_base),
                  .data = data,
                  .wait_clocks = m_wait_clocks,
                  .master = master != nullptr ? std::optional(master->number) : std::nullopt});
}

}  // namespace vtwin::tpm
