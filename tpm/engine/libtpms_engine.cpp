#include "tpm/engine/libtpms_engine.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <systemc>
#include <utility>

#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <libtpms/tpm_nvfilename.h>
#include <libtpms/tpm_tis.h>

#include "tpm/codec/wire.h"
#include "tpm/engine/openssl_entropy.h"
#include "tpm/engine/permanent_state12.h"
#include "tpm/engine/self_test_key.h"
#include "tpm/engine/simulated_clock.h"

namespace vtwin::tpm {

namespace {

constexpr std::size_t header_size = 10;
constexpr std::uint16_t tag_response_12 = 0x00C4;
constexpr std::uint16_t tag_no_sessions_20 = 0x8001;
constexpr std::uint16_t tag_sessions_20 = 0x8002;
constexpr std::uint32_t rc_failure_20 = 0x101, rc_bad_tag_20 = 0x1E;
constexpr std::uint32_t ord_self_test_full = 80, ord_certify_self_test = 82, ord_continue_self_test = 83;

// libtpms' callbacks take no context: this is the engine that is running.
libtpms_engine* s_running = nullptr;

bool has_tag_20(byte_view command) {
    const std::uint16_t tag = wire_reader(command).u16();
    return tag == tag_no_sessions_20 || tag == tag_sessions_20;
}

bool is_self_test_12(byte_view command) {
    wire_reader reader(command);
    reader.view(6);
    const std::uint32_t ordinal = reader.u32();
    return ordinal == ord_self_test_full || ordinal == ord_certify_self_test ||
           ordinal == ord_continue_self_test;
}

bytes header_only(std::uint16_t tag, std::uint32_t result) {
    return wire_writer().u16(tag).u32(header_size).u32(result).take();
}

const unsigned char* raw(byte_view view) {
    return reinterpret_cast<const unsigned char*>(view.data());
}

}  // namespace

/// libtpms' way out: NV, locality and physical presence of the running engine.
struct libtpms_callbacks_glue {
    static TPM_RESULT nvram_init() { return TPM_SUCCESS; }

    static TPM_RESULT nvram_load(unsigned char** data, std::uint32_t* length, std::uint32_t,
                                 const char* name) {
        const auto blob = s_running->m_nv_wire->load(name);
        if (!blob)
            return TPM_RETRY;
        *data = static_cast<unsigned char*>(std::malloc(std::max<std::size_t>(blob->size(), 1)));
        if (*data == nullptr)
            return TPM_FAIL;
        std::memcpy(*data, blob->data(), blob->size());
        *length = static_cast<std::uint32_t>(blob->size());
        return TPM_SUCCESS;
    }

    static TPM_RESULT nvram_store(const unsigned char* data, std::uint32_t length, std::uint32_t,
                                  const char* name) {
        const auto* begin = reinterpret_cast<const std::byte*>(data);
        return s_running->m_nv_wire->store(name, {begin, length}) ? TPM_SUCCESS : TPM_FAIL;
    }

    static TPM_RESULT nvram_delete(std::uint32_t, const char* name, TPM_BOOL must_exist) {
        const bool existed = s_running->m_nv_wire->remove(name);
        return existed || !must_exist ? TPM_SUCCESS : TPM_FAIL;
    }

    static TPM_RESULT io_init() { return TPM_SUCCESS; }

    static TPM_RESULT locality(TPM_MODIFIER_INDICATOR* locality, std::uint32_t) {
        *locality = s_running->m_locality;
        return TPM_SUCCESS;
    }

    static TPM_RESULT physical_presence(TPM_BOOL* asserted, std::uint32_t) {
        *asserted = s_running->m_physical_presence;
        return TPM_SUCCESS;
    }

    static libtpms_callbacks table() {
        return {
            sizeof(libtpms_callbacks), nvram_init, nvram_load, nvram_store, nvram_delete, io_init, locality,
            physical_presence};
    }
};

bool libtpms_engine::in_call() {
    return s_running != nullptr;
}

std::optional<bytes> libtpms_engine::memory::load(std::string_view name) {
    const auto found = content.find(name);
    return found == content.end() ? std::nullopt : std::optional(found->second);
}

bool libtpms_engine::memory::store(std::string_view name, byte_view blob) {
    content[std::string(name)].assign(blob.begin(), blob.end());
    return true;
}

bool libtpms_engine::memory::remove(std::string_view name) {
    return content.erase(std::string(name)) > 0;
}

/// The engine's data is live, its randomness and its clock are in force.
class libtpms_engine::running {
  public:
    explicit running(libtpms_engine& engine)
        : m_entropy(engine.m_entropy), m_keys(engine.m_host.keys()), m_clock(engine.m_now_ns) {
        sc_assert(s_running == nullptr && "libtpms does not call back into an engine");
        s_running = &engine;
        engine.m_host.address(engine);
    }
    ~running() { s_running = nullptr; }

  private:
    openssl_entropy_scope m_entropy;
    rsa_keys_scope m_keys;
    simulated_clock_scope m_clock;
};

libtpms_engine::libtpms_engine(libtpms_host& host, engine_params params, entropy_if& entropy,
                               std::function<std::uint64_t()> now_ns)
    : m_host(host), m_params(std::move(params)), m_entropy(entropy), m_now_ns(std::move(now_ns)) {
    m_host.enter(*this);
    const running scope(*this);
    choose_family();
}

libtpms_engine::~libtpms_engine() {
    power_off();
    m_host.leave(*this);
}

void libtpms_engine::choose_family() {
    const auto family_12 = m_params.version == family::tpm12;
    sc_assert(TPMLIB_ChooseTPMVersion(family_12 ? TPMLIB_TPM_VERSION_1_2 : TPMLIB_TPM_VERSION_2) ==
              TPM_SUCCESS);
    auto callbacks = libtpms_callbacks_glue::table();
    sc_assert(TPMLIB_RegisterCallbacks(&callbacks) == TPM_SUCCESS);
    TPMLIB_SetBufferSize(m_params.buffer_size, nullptr, nullptr);
}

bytes libtpms_engine::execute_unseen(byte_view command, std::uint8_t locality) {
    if (!m_powered)
        return {};
    const bool family_12 = m_params.version == family::tpm12;
    // TPM 2.0 Part 3, 5.2: an unknown tag is answered in TPM 1.2 form. libtpms 0.9 answers TPM_RC_VALUE.
    if (!family_12 && !has_tag_20(command))
        return header_only(tag_response_12, rc_bad_tag_20);
    const running scope(*this);
    m_locality = locality;
    std::optional<self_test_key_scope> self_test;
    if (family_12 && is_self_test_12(command))
        self_test.emplace();
    // libtpms decrypts parameters in place, so it gets a copy.
    bytes copy(command.begin(), command.end());
    std::uint32_t size = 0;
    const TPM_RESULT result = TPMLIB_Process(&m_host.m_response, &size, &m_host.m_response_capacity,
                                             reinterpret_cast<unsigned char*>(copy.data()),
                                             static_cast<std::uint32_t>(copy.size()));
    if (result != TPM_SUCCESS)
        return family_12 ? header_only(tag_response_12, result)
                         : header_only(tag_no_sessions_20, rc_failure_20);
    const auto* begin = reinterpret_cast<const std::byte*>(m_host.m_response);
    return bytes(begin, begin + size);
}

bytes libtpms_engine::execute(byte_view command, std::uint8_t locality) {
    bytes response = execute_unseen(command, locality);
    if (m_observer != nullptr && m_powered)
        m_observer->executed(command, locality, response);
    return response;
}

void libtpms_engine::hash_start() {
    if (!m_powered)
        return;
    const running scope(*this);
    m_locality = 4;
    m_last_result = TPM_IO_Hash_Start();
}

void libtpms_engine::hash_data(byte_view data) {
    if (!m_powered)
        return;
    const running scope(*this);
    m_last_result = TPM_IO_Hash_Data(raw(data), static_cast<std::uint32_t>(data.size()));
}

void libtpms_engine::hash_end() {
    if (!m_powered)
        return;
    const running scope(*this);
    m_last_result = TPM_IO_Hash_End();
    if (m_observer != nullptr && m_last_result == 0)
        m_observer->launched();
}

bool libtpms_engine::established() {
    if (!m_powered)
        return false;
    const running scope(*this);
    TPM_BOOL established = 0;
    m_last_result = TPM_IO_TpmEstablished_Get(&established);
    return established != 0;
}

bool libtpms_engine::reset_established(std::uint8_t locality) {
    if (!m_powered)
        return false;
    const running scope(*this);
    m_locality = locality;
    m_last_result = TPM_IO_TpmEstablished_Reset();
    return m_last_result == TPM_SUCCESS;
}

void libtpms_engine::power_cycle() {
    power_off();
    const running scope(*this);
    const self_test_key_scope self_test;
    m_last_result = TPMLIB_MainInit();
    m_powered = m_last_result == TPM_SUCCESS;
    m_just_started = true;
    // A volatile state is resumed once; the next power cycle loses it as it should.
    m_nv.content.erase(TPM_VOLATILESTATE_NAME);
    if (m_observer != nullptr)
        m_observer->power_changed(engine_observer_if::power::cycled);
}

void libtpms_engine::power_off() {
    if (!m_powered)
        return;
    const running scope(*this);
    TPMLIB_Terminate();
    m_powered = false;
    if (m_observer != nullptr)
        m_observer->power_changed(engine_observer_if::power::off);
}

void libtpms_engine::erase() {
    power_off();
    m_nv.content.clear();
    if (m_observer != nullptr)
        m_observer->power_changed(engine_observer_if::power::erased);
}

bytes libtpms_engine::read_state(int library_kind) {
    unsigned char* buffer = nullptr;
    std::uint32_t size = 0;
    m_last_result = TPMLIB_GetState(static_cast<TPMLIB_StateType>(library_kind), &buffer, &size);
    if (m_last_result != TPM_SUCCESS || buffer == nullptr)
        return {};
    const auto* begin = reinterpret_cast<const std::byte*>(buffer);
    bytes state(begin, begin + size);
    std::free(buffer);
    return state;
}

bytes libtpms_engine::state_unseen(state_kind kind) {
    const running scope(*this);
    if (kind == state_kind::permanent)
        return read_state(TPMLIB_STATE_PERMANENT);
    if (kind == state_kind::volatile_state)
        return m_powered ? read_state(TPMLIB_STATE_VOLATILE) : bytes{};
    const auto saved = m_nv.content.find(TPM_SAVESTATE_NAME);
    wire_writer state;
    state.sized32(read_state(TPMLIB_STATE_PERMANENT));
    state.sized32(m_powered ? read_state(TPMLIB_STATE_VOLATILE) : bytes{});
    state.sized32(saved != m_nv.content.end() ? saved->second : bytes{});
    return state.take();
}

bool libtpms_engine::replace_state(state_kind kind, byte_view state) {
    bytes permanent, volatile_part, saved;
    if (kind == state_kind::both) {
        wire_reader reader(state);
        permanent = reader.sized32();
        volatile_part = reader.sized32();
        saved = reader.sized32();
        if (!reader.ok() || !reader.at_end() || permanent.empty())
            return false;
    } else {
        (kind == state_kind::permanent ? permanent : volatile_part).assign(state.begin(), state.end());
        if (state.empty())
            return false;
    }
    power_off();
    auto previous = m_nv.content;
    int kinds = 0;
    const auto place = [&](const char* name, bytes& blob, int library_kind) {
        if (blob.empty())
            return;
        m_nv.content[name] = std::move(blob);
        kinds |= library_kind;
    };
    if (kind == state_kind::both)
        m_nv.content.clear();
    place(TPM_PERMANENT_ALL_NAME, permanent, TPMLIB_STATE_PERMANENT);
    place(TPM_VOLATILESTATE_NAME, volatile_part, TPMLIB_STATE_VOLATILE);
    place(TPM_SAVESTATE_NAME, saved, TPMLIB_STATE_SAVE_STATE);
    const running scope(*this);
    m_last_result = TPMLIB_ValidateState(static_cast<TPMLIB_StateType>(kinds), 0);
    if (m_last_result == TPM_SUCCESS)
        return true;
    m_nv.content = std::move(previous);
    return false;
}

bytes libtpms_engine::get_state(state_kind kind) {
    bytes state = state_unseen(kind);
    if (m_observer != nullptr)
        m_observer->state_taken(kind, state);
    return state;
}

bool libtpms_engine::set_state(state_kind kind, byte_view state) {
    const bool accepted = replace_state(kind, state);
    if (m_observer != nullptr)
        m_observer->state_given(kind, state, accepted);
    return accepted;
}

std::string libtpms_engine::description(std::uint64_t what) {
    constexpr std::uint64_t known =
        TPMLIB_INFO_TPMSPECIFICATION | TPMLIB_INFO_TPMATTRIBUTES | TPMLIB_INFO_TPMFEATURES;
    const running scope(*this);
    char* text = TPMLIB_GetInfo(static_cast<TPMLIB_InfoFlags>(what & known));
    std::string copy = text != nullptr ? text : "{}";
    std::free(text);
    return copy;
}

std::optional<std::array<std::byte, 20>> libtpms_engine::owner_auth() {
    if (m_params.version != family::tpm12)
        return std::nullopt;
    return owner_auth_of_permanent_state(state_unseen(state_kind::permanent));
}

}  // namespace vtwin::tpm
