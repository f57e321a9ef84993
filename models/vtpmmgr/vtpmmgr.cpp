#include "models/vtpmmgr/vtpmmgr.h"

#include <fmt/format.h>

#include "models/domain_crash.h"
#include "models/vtpmmgr/disk_loader.h"
#include "models/vtpmmgr/management_commands.h"
#include "models/vtpmmgr/passthrough.h"
#include "models/vtpmmgr/vtpm_commands.h"

namespace vtwin::models {

using namespace manager;
using level = stubdom_services_if::level;

vtpmmgr::vtpmmgr(const vtpmmgr_params& params, tpm_backend_if& backend, tpm_transport_if& tpm,
                 block_file_if& disk, stubdom_services_if& services)
    : m_params(params),
      m_backend(backend),
      m_services(services),
      m_options(params.defaults),
      m_meter(m_params.costs, services),
      m_link(tpm, m_params.behaviours, services),
      m_drbg([this](std::size_t wanted) { return m_link.get_random(wanted); }),
      m_hardware(m_link, m_drbg, m_options, m_params.behaviours,
                 [this](const std::string& text) { say(level::warning, text); }),
      m_store(disk, m_params.behaviours, m_meter, m_drbg),
      m_writer(m_tree, m_store, m_hardware, m_params.behaviours, m_meter, m_drbg),
      m_context{m_params.behaviours,
                m_options,
                m_tree,
                m_writer,
                m_hardware,
                m_drbg,
                m_meter,
                m_backend,
                m_connections,
                [this](const std::string& text) { say(level::warning, text); }} {
    m_link.set_entropy(m_drbg);
}

vtpmmgr::~vtpmmgr() = default;

void vtpmmgr::say(level severity, const std::string& text) {
    m_services.log(severity, "vtpmmgr: " + text);
}

tpm_backend_if::callbacks vtpmmgr::callbacks() {
    return {
        [this](xen::domid_t domid, std::uint32_t handle, const uuid_t& uuid) { opened(domid, handle, uuid); },
        [this](xen::domid_t domid, std::uint32_t handle) { closed(domid, handle); }};
}

void vtpmmgr::opened(xen::domid_t domid, std::uint32_t handle, const uuid_t& uuid) {
    auto client = std::make_shared<connection>();
    client->domid = domid;
    client->handle = handle;
    client->uuid = uuid.octets;
    m_connections[{domid, handle}] = std::move(client);
}

void vtpmmgr::closed(xen::domid_t domid, std::uint32_t handle) {
    const auto found = m_connections.find({domid, handle});
    if (found == m_connections.end())
        return;
    connection& client = *found->second;
    if (client.vtpm != nullptr)  // also when another connection set it (W-01)
        client.vtpm->flags &= ~vtpm_record::open;
    client.closed = true;
    m_connections.erase(found);
}

vtpmmgr::exit_reason vtpmmgr::run() {
    if (!start())
        return exit_reason::init_failed;
    serve();
    m_hardware.close();
    return exit_reason::shut_down;
}

bool vtpmmgr::start() {
    auto parsed = parse_options(m_params.command_line, m_params.defaults, m_params.behaviours);
    if (const auto* problem = std::get_if<std::string>(&parsed)) {
        say(level::error, *problem);
        return false;
    }
    m_options = std::get<manager_options>(std::move(parsed));
    if (m_options.tpm2) {
        say(level::error, "TPM 2.0 hardware is not supported");
        return false;
    }
    if (!start_hardware() || !open_disk())
        return false;
    say(level::info, "Waiting for commands from vTPM's:");
    return true;
}

bool vtpmmgr::start_hardware() {
    if (const std::uint32_t status = m_hardware.read_version(); status != status::success) {
        say(level::error, fmt::format("the hardware TPM does not tell its version: {}", status));
        return false;
    }
    m_hardware.flush_handles();
    if (!m_drbg.seed()) {
        say(level::error, "no entropy from the hardware TPM");
        if (m_params.behaviours.hardened(behaviour::vtpmmgr_rng_seed_errors_ignored))
            return false;
    }
    if (const std::uint32_t status = m_hardware.open_srk_session(); status != status::success) {
        say(level::error, fmt::format("no session for the storage root key: {}", status));
        return false;
    }
    m_hardware.cache_pcrs();
    return true;
}

bool vtpmmgr::open_disk() {
    const behaviour_set& behaviours = m_params.behaviours;
    disk_loader loader(m_store, m_hardware, behaviours, m_meter,
                       [this](const std::string& text) { say(level::warning, text); });
    if (auto loaded = loader.load()) {
        m_tree = std::move(*loaded);
        if (!check_counter())
            return false;
        if (!loader.report().fell_back)
            return true;
        if (behaviours.faithful(behaviour::vtpmmgr_bad_newest_root_falls_back_silently))
            return true;
        say(level::error, "the newest root is damaged, only an older one can be loaded");
        return m_options.accept_older_root;
    }
    const bool stop = behaviours.hardened(behaviour::vtpmmgr_boot_error_becomes_new_manager) ||
                      behaviours.hardened(behaviour::vtpmmgr_shared_sector_damage_loses_both_roots);
    if (loader.report().magic_present && stop) {
        say(level::error, "the disk belongs to a manager but cannot be opened; not starting as a new one");
        return false;
    }
    say(level::warning, "Assuming first time initialization.");
    if (const std::uint32_t status = m_hardware.prepare_first_time(); status != status::success) {
        say(level::error, fmt::format("first-time initialisation of the hardware TPM failed: {}", status));
        return false;
    }
    if (const std::uint32_t status = make_new_manager(); status != status::success) {
        say(level::error, fmt::format("no monotonic counter: {}", status));
        return false;
    }
    return true;
}

void vtpmmgr::count_with(std::uint32_t value) {
    m_writer.use_counter(value, [this]() -> std::optional<std::uint32_t> {
        std::uint32_t moved = 0;
        const std::uint32_t status =
            m_hardware.increment_counter(m_tree.root.counter_index, m_tree.root.counter_auth, moved);
        return status == status::success ? std::optional(moved) : std::nullopt;
    });
}

bool vtpmmgr::check_counter() {
    if (m_params.behaviours.faithful(behaviour::vtpmmgr_rollback_counter_is_stub))
        return true;
    std::uint32_t value = 0;
    std::uint32_t status = m_hardware.read_counter(m_tree.root.counter_index, value);
    if (status == status::success && m_tree.tpm_counter_value == value + 1)
        status = m_hardware.increment_counter(m_tree.root.counter_index, m_tree.root.counter_auth, value);
    if (status != status::success || m_tree.tpm_counter_value != value) {
        say(level::error,
            fmt::format("the disk is not the newest one: its counter is {}, the hardware TPM's is {}",
                        m_tree.tpm_counter_value, value));
        return false;
    }
    count_with(value);
    return true;
}

std::uint32_t vtpmmgr::make_new_manager() {
    m_tree = {};
    m_tree.root.magic = root_magic;
    m_tree.root.manager_uuid = new_uuid(m_drbg);
    m_drbg.fill(m_tree.root.nvram_auth);
    m_drbg.fill(m_tree.root.counter_auth);
    m_drbg.fill(m_tree.root.tm_key);
    m_tree.groups.push_back(new_group(m_drbg));
    m_store.set_key(m_tree.root.tm_key);
    m_store.clear_use(0);
    m_store.clear_use(1);
    if (m_params.behaviours.faithful(behaviour::vtpmmgr_rollback_counter_is_stub))
        return status::success;
    std::uint32_t id = 0, value = 0;
    const std::uint32_t status = m_hardware.create_counter(m_tree.root.counter_auth, id, value);
    m_tree.root.counter_index = id;
    count_with(value);
    return status;
}

void vtpmmgr::serve() {
    for (bool spinning = false;;) {
        const auto request = m_backend.next_request();
        if (request) {
            spinning = false;
            m_backend.respond(*request, handle(*request));
            continue;
        }
        if (m_backend.is_closed())
            return;
        // The fetch gave nothing although an interface is ready (W-11). Upstream tries again at once, for
        // ever, and never lets another thread of its domain run.
        if (!spinning)
            say(level::error, "NULL tpmcmd");  // upstream prints it each time round
        spinning = true;
        m_meter.dispatch();
        if (m_params.behaviours.faithful(behaviour::vtpmmgr_null_request_busy_loop))
            m_services.pay();
        else
            m_services.yield();
    }
}

bytes vtpmmgr::handle(const tpm_request& request) {
    m_meter.dispatch();
    const auto found = m_connections.find({request.domid, request.handle});
    if (found == m_connections.end())
        throw domain_crash("vtpmmgr: request of an interface without a connection");
    const std::shared_ptr<connection> client = found->second;
    bytes response = dispatch(*client, request.command);
    // The close callback frees the connection while its command waits for disk or TPM (W-33).
    if (client->closed && m_params.behaviours.faithful(behaviour::vtpmmgr_connection_state_freed_in_use))
        throw domain_crash("vtpmmgr: connection used after it was freed");
    return response;
}

bytes vtpmmgr::dispatch(connection& client, byte_view command) {
    if (command.size() < packet_header)
        return packet(tag::tpm_rsp, failed(status::bad_parameter));
    const std::uint16_t request_tag = tpm::wire_reader(command).u16();
    switch (request_tag) {
        case tag::vtpm_req:
            return vtpm_commands(m_context).handle(client, command);
        case tag::vtpm_req2:
            return management_commands(m_context).handle(client, command);
        case tag::tpm_req:
        case tag::tpm_auth1:
        case tag::tpm_auth2:
            return passthrough(m_context).handle(client, command);
        default:
            return packet(static_cast<std::uint16_t>(request_tag + 3), failed(status::badtag));
    }
}

}  // namespace vtwin::models
