// A software TPM 1.2 or 2.0 behind engine_if: one of many that share the one libtpms of the process.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tpm/engine/libtpms_host.h"
#include "tpm/ports.h"

namespace vtwin::tpm {

struct engine_params {
    std::string name;  ///< hierarchical name of the TPM, for messages
    family version = family::tpm12;
    std::uint32_t buffer_size =
        4096;  ///< bytes; libtpms accepts 3072..4096 (1.2) and brings others into range
};

/// Which part of an engine's state. `permanent` is what a chip keeps without power; `volatile_state` holds
/// PCRs, sessions and loaded keys; `both` also holds what TPM_SaveState stored.
enum class state_kind : std::uint8_t { permanent, volatile_state, both };

/// What an engine does, for observers; nothing here may call the engine. Views are valid during the call.
class engine_observer_if {
  public:
    virtual ~engine_observer_if() = default;
    /// A command was executed with power on.
    virtual void executed(byte_view command, std::uint8_t locality, byte_view response) = 0;
    /// _TPM_Hash_End: PCRs changed that no command extends.
    virtual void launched() = 0;
    enum class power : std::uint8_t { cycled, off, erased };
    virtual void power_changed(power what) = 0;
    /// get_state gave this.
    virtual void state_taken(state_kind kind, byte_view state) = 0;
    /// set_state was given this.
    virtual void state_given(state_kind kind, byte_view state, bool accepted) = 0;
};

/// Constructed without power: power_cycle() is the first thing to call, TPM_Startup is for software to send.
/// NV lives in memory. Deterministic: same seed, commands and times give the same bytes.
class libtpms_engine final : public engine_if {
  public:
    /// `entropy` and `host` must outlive the engine. `now_ns` is simulated time in nanoseconds; it must not
    /// wait.
    libtpms_engine(libtpms_host& host, engine_params params, entropy_if& entropy,
                   std::function<std::uint64_t()> now_ns);
    ~libtpms_engine() override;
    libtpms_engine(const libtpms_engine&) = delete;
    libtpms_engine& operator=(const libtpms_engine&) = delete;

    /// An engine without power answers nothing: empty response.
    bytes execute(byte_view command, std::uint8_t locality) override;
    void hash_start() override;
    void hash_data(byte_view data) override;
    void hash_end() override;
    bool established() override;
    bool reset_established(std::uint8_t locality) override;
    void power_cycle() override;
    family version() const override { return m_params.version; }

    const std::string& name() const { return m_params.name; }
    /// One observer, nullptr for none; it must outlive the engine or be taken away.
    void observe(engine_observer_if* who) { m_observer = who; }
    /// As execute, but the observer does not hear of it: for what happens inside the chip, beside its
    /// interface.
    bytes execute_unseen(byte_view command, std::uint8_t locality);
    void power_off();

    /// The blobs themselves, as this engine keeps them.
    using blobs = std::map<std::string, bytes, std::less<>>;
    const blobs& stored() const { return m_nv.content; }
    void put_back(blobs content) { m_nv.content = std::move(content); }
    nv_if& nv() { return m_nv; }
    /// From the next access on the library's NV is reached through `wire`, which passes on to nv().
    void place_nv_behind(nv_if& wire) { m_nv_wire = &wire; }
    /// What this TPM takes for the time from now on, in nanoseconds; a result smaller than one before is a
    /// clock that goes backwards.
    void set_clock(std::function<std::uint64_t()> now_ns) { m_now_ns = std::move(now_ns); }
    const std::function<std::uint64_t()>& clock() const { return m_now_ns; }

    /// True inside a call of any engine, where only its entropy, clock and NV are asked: no engine may be
    /// called then.
    static bool in_call();

    /// Removes power and forgets all state: the next power_cycle() finds a TPM as it left its maker.
    void erase();
    bool powered() const { return m_powered; }
    /// TPM_RESULT of the last library call below the command level (MainInit, SetState, hash sequence); 0 is
    /// success.
    std::uint32_t last_result() const { return m_last_result; }
    /// Level of the physical presence pin; high at construction.
    void set_physical_presence(bool asserted) { m_physical_presence = asserted; }

    /// State in libtpms' format (`both`: three parts, each after its u32 big-endian size). Empty when there
    /// is none.
    bytes get_state(state_kind kind);
    /// Accepts what get_state(kind) returned, before power-on (removes power if there is some); takes effect
    /// at the next power_cycle(). False when the state is malformed: the engine's state is then as it was.
    [[nodiscard]] bool set_state(state_kind kind, byte_view state);
    /// The library's description of this kind of TPM, JSON; bits: 1 specification, 2 attributes, 4 features.
    std::string description(std::uint64_t what);
    /// TPM 1.2 owner secret, nullopt when there is no owner (or no TPM 1.2).
    std::optional<std::array<std::byte, 20>> owner_auth();

    /// Memory of this engine's copy of the library's data (without its heap objects), for statistics.
    std::size_t data_bytes() const { return m_data.bytes(); }

  private:
    friend class libtpms_host;
    friend struct libtpms_callbacks_glue;
    class running;

    void choose_family();
    bytes state_unseen(state_kind kind);
    bool replace_state(state_kind kind, byte_view state);
    bytes read_state(int library_kind);

    struct memory final : nv_if {
        std::optional<bytes> load(std::string_view name) override;
        bool store(std::string_view name, byte_view blob) override;
        bool remove(std::string_view name) override;
        blobs content;
    };

    libtpms_host& m_host;
    engine_params m_params;
    entropy_if& m_entropy;
    std::function<std::uint64_t()> m_now_ns;
    writable_image::snapshot m_data;
    memory m_nv;
    nv_if* m_nv_wire = &m_nv;
    std::uint8_t m_locality = 0;
    bool m_physical_presence = true;
    bool m_powered = false;
    bool m_just_started = false;  ///< since the library's data was last exchanged
    std::uint32_t m_last_result = 0;
    engine_observer_if* m_observer = nullptr;
};

}  // namespace vtwin::tpm
