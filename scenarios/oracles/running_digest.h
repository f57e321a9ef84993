// A digest over a long run of small values: order counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <systemc>
#include <type_traits>

namespace vtwin::scenario {

class running_digest {
  public:
    running_digest();
    ~running_digest();
    running_digest(const running_digest&) = delete;
    running_digest& operator=(const running_digest&) = delete;

    running_digest& add(std::span<const std::byte> data);  ///< with its length
    running_digest& add(std::string_view text) { return add(std::as_bytes(std::span(text))); }
    template <typename Number>
    requires(std::is_integral_v<Number> || std::is_enum_v<Number>) running_digest& add(Number value) {
        return add_number(static_cast<std::uint64_t>(value));
    }
    running_digest& add(const sc_core::sc_time& at) { return add_number(at.value()); }

    /// 32 hexadecimal digits; adding may go on.
    std::string text() const;

  private:
    running_digest& add_number(std::uint64_t value);
    struct state;
    std::unique_ptr<state> m_state;
};

}  // namespace vtwin::scenario
