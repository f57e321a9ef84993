// The one owner of libtpms in the process: exchanges the library's writable data between its engines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tpm/engine/rsa_calls.h"
#include "tpm/engine/writable_image.h"

namespace vtwin::tpm {

class libtpms_engine;

/// libtpms has no instance handle, its state is static data. The host gives each engine its own copy of that
/// data and makes it the live one when the engine is addressed. Construct it before any engine and destroy it
/// after the last; a second host in the process is an assertion. Survives fork(): parent and child go
/// separate ways.
class libtpms_host {
  public:
    explicit libtpms_host(rsa_keys keys = rsa_keys::drawn);
    ~libtpms_host();
    libtpms_host(const libtpms_host&) = delete;
    libtpms_host& operator=(const libtpms_host&) = delete;

    std::uint64_t exchanges() const { return m_exchanges; }  ///< how often the live engine changed
    std::size_t written_pages() const { return m_image.written_page_count(); }
    std::size_t engines() const { return m_engines; }
    rsa_keys keys() const { return m_keys; }  ///< where the keys of all engines come from

  private:
    friend class libtpms_engine;
    friend struct libtpms_callbacks_glue;

    void enter(libtpms_engine& engine);
    void leave(libtpms_engine& engine);
    void address(libtpms_engine& engine);

    rsa_keys m_keys;
    writable_image m_image;
    libtpms_engine* m_live = nullptr;  ///< whose data lies in the library
    std::size_t m_engines = 0;
    std::uint64_t m_exchanges = 0;
    // libtpms fills one response buffer that its caller owns; it may grow.
    unsigned char* m_response = nullptr;
    std::uint32_t m_response_capacity = 0;
};

}  // namespace vtwin::tpm
