#include "tpm/engine/libtpms_host.h"

#include <cstdlib>
#include <systemc>
#include <utility>

#include <libtpms/tpm_library.h>

#include "tpm/engine/libtpms_engine.h"
#include "tpm/engine/rsa_calls.h"

namespace vtwin::tpm {

namespace {

/// The library's path, with its messages turned off: what it says about a damaged state comes back as a
/// result. Done before the image is taken, so that it is part of every engine's data without costing each a
/// page.
const char* quiet_library() {
    TPMLIB_SetDebugFD(0);
    return "libtpms.so";
}

}  // namespace

libtpms_host::libtpms_host(rsa_keys keys) : m_keys(keys), m_image(quiet_library()) {
    use_own_rsa_calls();
}

libtpms_host::~libtpms_host() {
    sc_assert(m_engines == 0 && "engines are destroyed before their host");
    std::free(m_response);
}

void libtpms_host::enter(libtpms_engine&) {
    ++m_engines;
}

void libtpms_host::leave(libtpms_engine& engine) {
    --m_engines;
    if (m_live == &engine) {
        m_image.exchange(nullptr, nullptr);
        m_live = nullptr;
    }
    m_image.drop(engine.m_data);
}

void libtpms_host::address(libtpms_engine& engine) {
    if (m_live == &engine)
        return;
    m_image.exchange(m_live != nullptr ? &m_live->m_data : nullptr, &engine.m_data);
    if (m_live != nullptr && std::exchange(m_live->m_just_started, false))
        m_image.retire_unchanged_pages();
    m_live = &engine;
    ++m_exchanges;
}

}  // namespace vtwin::tpm
