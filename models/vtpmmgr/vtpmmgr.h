// vtpmmgr-stubdom's program: opens its disk with the hardware TPM, then serves vTPMs until it is shut down.
// Source: stubdom/vtpmmgr/vtpmmgr.c, init.c.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "models/behaviours/behaviours.h"
#include "models/costs.h"
#include "models/ports.h"
#include "models/vtpmmgr/manager_context.h"
#include "models/vtpmmgr/options.h"

namespace vtwin::models {

struct vtpmmgr_params {
    behaviour_set behaviours;
    software_costs costs;
    std::string command_line;
    manager::manager_options defaults;  ///< what the command line does not say
};

/// The manager. It begins where the drivers stand: its domain's wrapper sleeps the two seconds, connects
/// disk, backend (with `callbacks`) and TPM driver, then calls run(). TPM 1.2 hardware only.
class vtpmmgr {
  public:
    enum class exit_reason : std::uint8_t {
        shut_down,    ///< the backend was closed: orderly end
        init_failed,  ///< wrong option, TPM unusable, or (hardened) a disk that must not be overwritten
    };

    vtpmmgr(const vtpmmgr_params& params, tpm_backend_if& backend, tpm_transport_if& tpm, block_file_if& disk,
            stubdom_services_if& services);
    ~vtpmmgr();

    /// For tpmback: connections come and go, also while run() is busy or has not begun.
    tpm_backend_if::callbacks callbacks();

    /// Initialisation and main loop. Throws domain_crash when upstream's code would bring the domain down.
    exit_reason run();

    /// The two halves of run(), for tests: start-up up to the main loop; one request.
    bool start();
    bytes handle(const tpm_request& request);

    const manager::manager_tree& tree() const { return m_tree; }

  private:
    void opened(xen::domid_t domid, std::uint32_t handle, const uuid_t& uuid);
    void closed(xen::domid_t domid, std::uint32_t handle);
    void serve();
    bytes dispatch(manager::connection& client, byte_view command);

    bool start_hardware();
    bool open_disk();
    std::uint32_t make_new_manager();
    /// Hardened: the loaded root must be where the hardware counter is, or one ahead after a crash.
    bool check_counter();
    void count_with(std::uint32_t value);
    void say(stubdom_services_if::level severity, const std::string& text);

    vtpmmgr_params m_params;
    tpm_backend_if& m_backend;
    stubdom_services_if& m_services;
    manager::manager_options m_options;
    manager::work_meter m_meter;
    manager::tpm_link m_link;
    manager::ctr_drbg m_drbg;
    manager::hardware_tpm m_hardware;
    manager::sector_store m_store;
    manager::manager_tree m_tree;
    manager::disk_writer m_writer;
    std::map<manager::manager_context::connection_key, std::shared_ptr<manager::connection>> m_connections;
    manager::manager_context m_context;
};

}  // namespace vtwin::models
