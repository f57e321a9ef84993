// vtpm-stubdom: one guest's software TPM in its own stub domain. Source: stubdom/vtpm/vtpm.c, vtpm_cmd.c. Its
// TPM is of the engine's family: 1.2 as Xen has it, or 2.0 (vtpm20.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "models/behaviours/behaviours.h"
#include "models/costs.h"
#include "models/ports.h"
#include "models/vtpm/deep_quote.h"
#include "models/vtpm/entropy_relay.h"
#include "models/vtpm/options.h"
#include "models/vtpm/session_tracker.h"
#include "models/vtpm/vtpm20.h"
#include "models/vtpm/vtpmblk.h"
#include "models/vtpmmgr/ctr_drbg.h"
#include "tpm/engine/libtpms_engine.h"

namespace vtwin::models {

struct vtpm_params {
    behaviour_set behaviours;
    software_costs costs;
    bool save_after_command = true;   ///< false only for measuring the path without its saves
    std::function<bool()> open_disk;  ///< called between seeding and the first read; false: the domain ends
    /// For an observer: a client's command that the TPM has executed. It began when its cost was charged and
    /// took what was charged.
    std::function<void(const tpm::chip_command&)> on_executed;
};

/// The program of the domain, above its drivers. `engine` must draw its entropy from `entropy`, which run()
/// connects to the domain's own generator.
class vtpm_stubdom {
  public:
    vtpm_stubdom(const vtpm_params& params, std::string_view command_line, tpm::libtpms_engine& engine,
                 entropy_relay& entropy, tpm_backend_if& clients, tpm_transport_if& manager,
                 block_file_if& disk, stubdom_services_if& services);

    /// Seeds the generator, restores or makes the TPM, then serves clients until the backend closes.
    void run();

    /// The TPM is powered anew behind the program's back.
    void tpm_init();

    bool started_fresh() const { return m_fresh; }

  private:
    struct client {
        std::bitset<256> localities;
    };

    bytes gather_entropy(std::size_t wanted);
    bool start_tpm();
    bool restore(const bytes& image);
    bool make_fresh_tpm();
    void make_endorsement_key();
    bool power_on_and_start();
    bytes execute_by_engine(const tpm_request& request, std::uint8_t locality);
    void serve();
    bytes handle(const tpm_request& request);
    std::optional<bytes> refuse_by_locality(const tpm_request& request);
    bytes forward_to_manager(bytes command, std::uint16_t tag);
    bytes execute(const tpm_request& request);
    void adjust_capability_answer(byte_view command, bytes& response) const;
    bool save();
    bytes error_reply(byte_view request, std::uint32_t code) const;
    bytes engine_command(byte_view command, std::uint8_t locality);
    sc_core::sc_time charge_command(std::uint32_t ordinal);
    sc_core::sc_time public_key_cost(std::uint32_t ordinal) const;
    void log(stubdom_services_if::level level, const std::string& text) { m_services.log(level, text); }

    vtpm_params m_params;
    std::string m_command_line;
    vtpm_options m_options;
    tpm::libtpms_engine& m_engine;
    entropy_relay& m_entropy;
    tpm_backend_if& m_clients;
    tpm_transport_if& m_manager;
    stubdom_services_if& m_services;
    manager::ctr_drbg m_random;
    /// What the engine draws from. Real ones reseed in the middle of a command; libtpms cannot be left there,
    /// so that the manager is asked when the command is done.
    class engine_random final : public tpm::entropy_if {
      public:
        explicit engine_random(manager::ctr_drbg& random) : m_random(random) {}
        void fill(std::span<std::byte> out) override { m_random.fill_at_once(out); }

      private:
        manager::ctr_drbg& m_random;
    };
    engine_random m_engine_random{m_random};
    vtpmblk m_image;
    session_tracker m_sessions;
    deep_quoter m_deep_quoter;
    std::optional<vtpm20> m_two;  ///< what is otherwise with a TPM 2.0; nullopt with a TPM 1.2
    std::map<std::pair<std::uint16_t, std::uint32_t>, client> m_localities;  ///< by (domid, handle)
    bool m_fresh = false;
    bool m_store_failed = false;
};

}  // namespace vtwin::models
