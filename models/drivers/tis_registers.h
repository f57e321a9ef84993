// The registers of one locality and their bits, as drivers use them. Source: TCG PC Client TIS 1.3, 11.
#pragma once

#include <cstdint>

namespace vtwin::models {

inline constexpr std::uint64_t access_at = 0x00, int_enable_at = 0x08, intf_capability_at = 0x14,
                               sts_at = 0x18, fifo_at = 0x24, did_vid_at = 0xF00, rid_at = 0xF04;
inline constexpr std::uint8_t access_valid = 0x80, access_active = 0x20, access_pending = 0x04,
                              access_request = 0x02;
inline constexpr std::uint8_t sts_valid = 0x80, sts_ready = 0x40, sts_go = 0x20, sts_data = 0x10,
                              sts_expect = 0x08;
/// Command ready, locality change, stsValid, dataAvail.
inline constexpr std::uint32_t interrupt_sources = 0x87;

}  // namespace vtwin::models
