#include "models/drivers/linux_tpm_space.h"

#include <algorithm>

#include "models/drivers/linux_errno.h"
#include "tpm/codec/tpm20_frame.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

using xen::errno_t;

namespace t20 = tpm::tpm20;

namespace {

constexpr std::size_t handle_size = 4;
constexpr std::uint32_t unlisted_command = 0x000B0000 | t20::rc::command_code;  // TSS2_RESMGR_TPM_RC_LAYER
constexpr std::uint32_t type_mask = 0xFF000000, type_transient = 0x80000000, type_hmac_session = 0x02000000,
                        type_policy_session = 0x03000000, last_index = 0x00FFFFFF;

// TPMS_CONTEXT: sequence, handle, hierarchy, and the size of the blob that follows
constexpr std::size_t context_head = 18, blob_size_at = 16;

// TPMA_CC
unsigned handles_in_command(std::uint32_t attributes) {
    return attributes >> 25 & 7;
}
bool handle_in_response(std::uint32_t attributes) {
    return (attributes >> 28 & 1) != 0;
}

// A code of format 1 without the number of the parameter, handle or session that it is about.
int base_of(int code) {
    constexpr int format_one = 0x80, meaning = 0xBF;
    return (code & format_one) != 0 ? code & meaning : code;
}

bytes command20(std::uint32_t code, byte_view body) {
    return t20::framed(t20::tag_no_sessions, code, body);
}

}  // namespace

linux_tpm_space::linux_tpm_space(linux_tpm_chip& chip, kernel& owner, driver_params params)
    : m_chip(chip), m_kernel(owner), m_params(std::move(params)), m_exchange(linux_tpm_chip::buffer_size) {}

std::uint32_t linux_tpm_space::get(std::size_t at) const {
    return tpm::load_be32(byte_view(m_exchange).subspan(at, 4));
}
void linux_tpm_space::put(std::size_t at, std::uint32_t value) {
    tpm::store_be32(std::span(m_exchange).subspan(at, 4), value);
}

// ---- the file

int linux_tpm_space::transmit_from_user(byte_view written, bytes& response) {
    m_kernel.charge(m_kernel.costs().syscall);
    response.clear();
    if (const int refused = linux_tpm_chip::check_written(written); refused < 0) {
        return refused;
    }
    std::ranges::copy(written, m_exchange.begin());
    if (const int refused = m_chip.get_ops(); refused < 0) {
        return refused;
    }
    const int result = transmit_held(std::max(written.size(), tpm::packet::body_at));
    m_chip.put_ops();
    if (result > 0) {
        const auto end = m_exchange.begin() + result;
        response.assign(m_exchange.begin(), end);
        std::fill(m_exchange.begin(), end, std::byte{0});
    }
    return result;
}

int linux_tpm_space::transmit_held(std::size_t written) {
    const std::uint32_t code = get(tpm::packet::code_at);
    if (m_chip.listed_commands() == 0) {
        return error(errno_t::einval);
    }
    if (!m_chip.attributes_of(code)) {
        const bytes answer = command20(unlisted_command, {});
        std::ranges::copy(answer, m_exchange.begin());
        return static_cast<int>(answer.size());
    }
    if (const int result = prepare(code); result != 0) {
        return result;
    }
    bytes response;
    if (const int sent = m_chip.transmit_held(byte_view(m_exchange).first(written), response); sent < 0) {
        if (m_params.linux_space_flushed_on_failure) {
            flush_all();
        }
        return sent;
    }
    std::ranges::copy(response, m_exchange.begin());
    std::size_t length = response.size();
    const int result = commit(code, length);
    return result != 0 ? result : static_cast<int>(length);
}

void linux_tpm_space::close() {
    if (m_chip.get_ops() == 0) {
        flush_sessions(m_kept);
        m_chip.put_ops();
    }
    m_kept = {};
    std::ranges::fill(m_exchange, std::byte{0});
}

// ---- around a command

int linux_tpm_space::prepare(std::uint32_t code) {
    m_work = m_kept;
    int result = load_all();
    if (result == 0) {
        result = map_command(*m_chip.attributes_of(code));
    }
    if (result != 0) {
        flush_all();
    }
    return result;
}

int linux_tpm_space::commit(std::uint32_t code, std::size_t& length) {
    int result = 0;
    if (get(tpm::packet::code_at) == t20::rc::success) {
        result = map_response_handle(*m_chip.attributes_of(code));
        if (result == 0 && code == t20::cc::get_capability) {
            result = map_handle_list(length);
        }
    }
    if (result == 0) {
        result = save_all();
    }
    if (result != 0) {
        flush_all();
        m_kernel.log(kernel::level::error, fmt::format("tpmrm: the space is not kept: error {}", result));
        return result;
    }
    m_kept = m_work;
    return 0;
}

// ---- contexts

int linux_tpm_space::judged(const std::string& what, int result) {
    if (result < 0) {
        m_kernel.log(kernel::level::warning, fmt::format("tpmrm: {}: system error {}", what, result));
    } else if (result > 0) {
        m_kernel.log(kernel::level::warning, fmt::format("tpmrm: {}: TPM error {:#06x}", what, result));
    }
    return result == 0 ? 0 : error(errno_t::efault);
}

// A context that the TPM refuses leaves the offset where it was: the next one is then read from the same
// place.
int linux_tpm_space::load(byte_view buffer, std::size_t& offset, std::uint32_t& handle) {
    if (offset + context_head > buffer.size()) {
        return error(errno_t::efault);
    }
    // The blob's size is what the TPM wrote. Linux does not look whether the buffer goes so far; what lies
    // behind it is nothing that this model has.
    const std::size_t size = context_head + tpm::load_be16(buffer.subspan(offset + blob_size_at, 2));
    if (offset + size > buffer.size()) {
        return error(errno_t::efault);
    }
    const bool fits = tpm::packet::body_at + size <= xen::page_size;
    bytes response;
    const int result = m_chip.command_held(
        command20(t20::cc::context_load, fits ? buffer.subspan(offset, size) : byte_view{}), response,
        handle_size);
    if (result > 0 && (base_of(result) == t20::rc::handle || result == t20::rc::reference_h0)) {
        handle = 0;
        return error(errno_t::enoent);
    }
    if (result != 0) {
        return judged("ContextLoad", result);
    }
    handle = tpm::load_be32(byte_view(response).subspan(tpm::packet::body_at, handle_size));
    offset += size;
    return 0;
}

int linux_tpm_space::save(std::uint32_t handle, bytes& buffer, std::size_t& offset) {
    bytes response;
    const int result =
        m_chip.command_held(command20(t20::cc::context_save, t20::one_handle(handle)), response);
    if (result > 0 && base_of(result) == t20::rc::reference_h0) {
        return error(errno_t::enoent);
    }
    if (result != 0) {
        return judged("ContextSave", result);
    }
    const byte_view context = byte_view(response).subspan(tpm::packet::body_at);
    if (offset + context.size() > buffer.size()) {
        m_kernel.log(kernel::level::warning, "tpmrm: no room for another context");
        return error(errno_t::enomem);
    }
    std::ranges::copy(context, buffer.begin() + static_cast<std::ptrdiff_t>(offset));
    offset += context.size();
    return 0;
}

int linux_tpm_space::load_all() {
    std::size_t offset = 0;
    for (std::uint32_t& object : m_work.objects) {
        if (object == 0) {
            continue;
        }
        if (const int result = load(m_work.object_buffer, offset, object); result != 0) {
            return result;
        }
    }
    offset = 0;
    for (std::uint32_t& session : m_work.sessions) {
        if (session == 0) {
            continue;
        }
        std::uint32_t loaded = 0;
        int result = load(m_work.session_buffer, offset, loaded);
        if (result == error(errno_t::enoent)) {
            session = 0;  // flushed by somebody else: forgotten
            result = 0;
        }
        if (result == 0 && loaded != session) {
            m_kernel.log(kernel::level::warning, "tpmrm: a session came back under another handle");
            result = error(errno_t::efault);
        }
        if (result != 0) {
            flush_all();
            return result;
        }
    }
    return 0;
}

int linux_tpm_space::save_all() {
    std::size_t offset = 0;
    for (std::uint32_t& object : m_work.objects) {
        if (object == 0 || object == saved) {
            continue;
        }
        const int result = save(object, m_work.object_buffer, offset);
        if (result == error(errno_t::enoent)) {
            object = 0;
            continue;
        }
        if (result != 0) {
            return result;
        }
        flush(object);
        object = saved;
    }
    offset = 0;
    for (std::uint32_t& session : m_work.sessions) {
        if (session == 0) {
            continue;
        }
        const int result = save(session, m_work.session_buffer, offset);
        if (result == error(errno_t::enoent)) {
            session = 0;
        } else if (result != 0) {
            flush_all();
            return result;
        }
    }
    return 0;
}

void linux_tpm_space::flush(std::uint32_t handle) {
    bytes response;
    (void)judged("FlushContext", m_chip.command_held(t20::flush_context(handle), response));
}

void linux_tpm_space::flush_sessions(const contents& of) {
    for (const std::uint32_t session : of.sessions) {
        if (session != 0) {
            flush(session);
        }
    }
}

void linux_tpm_space::flush_all() {
    for (const std::uint32_t object : m_work.objects) {
        if (object != 0 && object != saved) {
            flush(object);
        }
    }
    flush_sessions(m_work);
}

// ---- handles

int linux_tpm_space::map_command(std::uint32_t attributes) {
    for (unsigned i = 0; i < handles_in_command(attributes); ++i) {
        const std::size_t at = tpm::packet::body_at + i * handle_size;
        const std::uint32_t handle = get(at);
        if ((handle & type_mask) != type_transient) {
            continue;
        }
        const std::uint32_t place = last_index - (handle & last_index);
        if (place >= most_objects || m_work.objects[place] == 0) {
            return error(errno_t::einval);
        }
        put(at, m_work.objects[place]);
    }
    return 0;
}

std::uint32_t linux_tpm_space::virtual_of(std::uint32_t handle) const {
    const auto found = std::ranges::find(m_work.objects, handle);
    return found == m_work.objects.end()
               ? 0
               : type_transient | (last_index - static_cast<std::uint32_t>(found - m_work.objects.begin()));
}

// A response that is too short for its handle has what the command left at that place.
int linux_tpm_space::map_response_handle(std::uint32_t attributes) {
    if (!handle_in_response(attributes)) {
        return 0;
    }
    const std::uint32_t handle = get(tpm::packet::body_at);
    const std::uint32_t type = handle & type_mask;
    if (type == type_transient) {
        const auto place = std::ranges::find(m_work.objects, 0u);
        if (place != m_work.objects.end()) {
            *place = handle;
            put(tpm::packet::body_at,
                type_transient | (last_index - static_cast<std::uint32_t>(place - m_work.objects.begin())));
            return 0;
        }
    } else if (type == type_hmac_session || type == type_policy_session) {
        const auto place = std::ranges::find(m_work.sessions, 0u);
        if (place != m_work.sessions.end()) {
            *place = handle;
            return 0;
        }
    } else {
        m_kernel.log(kernel::level::error, fmt::format("tpmrm: unknown handle {:#010x}", handle));
        return 0;
    }
    flush(handle);
    m_kernel.log(kernel::level::warning, fmt::format("tpmrm: no place for {:#010x}", handle));
    return error(errno_t::enomem);
}

// TPM_CAP_HANDLES: objects of others are left out, the space's own get its handles.
int linux_tpm_space::map_handle_list(std::size_t& length) {
    constexpr std::size_t list_head = 9, capability_at = tpm::packet::body_at + 1,
                          count_at = tpm::packet::body_at + 5, list_at = tpm::packet::body_at + list_head;
    if (length < list_at) {
        return error(errno_t::efault);
    }
    if (get(capability_at) != t20::cap::handles) {
        return 0;
    }
    const std::uint64_t count = get(count_at);
    if (length != list_at + handle_size * count) {
        return error(errno_t::efault);
    }
    std::size_t out = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t handle = get(list_at + handle_size * i);
        if ((handle & type_mask) == type_transient) {
            handle = virtual_of(handle);
            if (handle == 0) {
                continue;
            }
        }
        put(list_at + handle_size * out++, handle);
    }
    length = list_at + handle_size * out;
    put(tpm::packet::size_at, static_cast<std::uint32_t>(length));
    put(count_at, static_cast<std::uint32_t>(out));
    return 0;
}

}  // namespace vtwin::models
