// mini-os tpmback: the backend of TPM interfaces in a stub domain.
// Source: mini-os tpmback.c; the defects are switches of the behaviour registry (tpmback.*).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "models/behaviours/behaviours.h"
#include "models/drivers/tpmif_page.h"
#include "models/kernel/kernel.h"
#include "models/kernel/xenbus_client.h"
#include "models/ports.h"

namespace vtwin::models {

/// Threads: "tpmback-listener" follows XenStore, the owner's thread takes requests and answers them, event
/// handlers only note that a request is there.
class minios_tpmback final : public tpm_backend_if {
  public:
    static constexpr std::size_t max_mappings = 128;  ///< gntmap entries

    minios_tpmback(kernel& owner, const behaviour_set& behaviours);
    ~minios_tpmback() override;

    /// init_tpmback: starts the listener and does not wait. From a thread.
    void start(callbacks notify = {});
    /// shutdown_tpmback: frees all interfaces and wakes whoever waits.
    void shutdown();
    /// Returns as soon as one interface is known, connected or not.
    void wait_for_frontend();

    std::optional<tpm_request> next_request() override;
    bool is_closed() const override { return m_closed; }
    void respond(const tpm_request& request, byte_view response) override;
    int peer_label(xen::domid_t domid, std::uint32_t handle, std::size_t capacity,
                   std::string& label) override;

    std::size_t interfaces() const { return m_interfaces.size(); }
    bool connected(xen::domid_t domid, std::uint32_t handle) const;
    std::optional<uuid_t> uuid(xen::domid_t domid, std::uint32_t handle) const;
    /// Times that the interface list outgrew its allocation (tpmback.interface_list_realloc_in_bytes).
    std::size_t heap_overruns() const { return m_heap_overruns; }

  private:
    struct interface;
    using interface_id = std::pair<xen::domid_t, std::uint32_t>;
    struct path_event {
        enum class kind : std::uint8_t { none, new_frontend, state_change };
        kind what = kind::none;
        interface_id id{};
    };

    // minios_tpmback.cpp: requests
    void on_event(interface& which);
    std::optional<tpm_request> fetch(interface& which);
    interface* pick();
    bool awaits_fetch(const interface& which) const;
    void refuse_request(interface& which);
    void finish(interface& which, std::uint32_t offset, byte_view response);
    void clear_request(interface& which);
    void recompute_ready();
    std::shared_ptr<interface> find(interface_id id) const;

    // minios_tpmback_xenbus.cpp: interfaces come and go
    void listen();
    void walk(const std::string& path);
    void handle_path(const std::string& path);
    path_event classify(const std::string& path);
    void new_frontend(interface_id id);
    void insert(std::shared_ptr<interface> added);
    void frontend_changed(interface& which);
    void connect(interface& which);
    bool try_connect(interface& which);
    bool bind_ring(interface& which, std::uint32_t ref, std::uint32_t port);
    void unmap_page(interface& which);
    void disconnect(interface& which);
    void free_interface(interface& which);
    bool change_state(interface& which, xen::xenbus_state state);
    std::optional<xen::xenbus_state> frontend_state(interface& which);
    bool ring_has_moved(interface& which);

    kernel& m_kernel;
    const behaviour_set& m_behaviours;
    callbacks m_callbacks;
    watch_queue m_events;
    wait_queue m_changed;
    std::map<interface_id, std::shared_ptr<interface>> m_interfaces;  ///< sorted as the driver's array
    interface_id m_last_served{};
    bool m_closed = true, m_request_ready = false;
    std::size_t m_mappings = 0, m_list_capacity = 1, m_heap_overruns = 0;
};

/// One frontend as the backend knows it; private to the two source files of tpmback.
struct minios_tpmback::interface {
    enum class link : std::uint8_t { disconnected, disconnecting, connected };

    interface_id id;
    std::string backend_path, frontend_path, frontend_state_path;
    uuid_t uuid;
    xen::xenbus_state state = xen::xenbus_state::initialising;
    link status = link::disconnected;
    bool closed = false;

    // The ring: what stands here after a disconnect is stale and still used by faithful code.
    xen::evtchn_port port{};
    xen::grant_handle mapping{};
    xen::guest_addr page_address{};
    tpmif_page page;
    std::uint32_t ring_ref = 0, remote_port = 0;

    // the request
    bool request_ready = false;  ///< from the SUBMIT event until the answer
    bool delivered = false;      ///< handed to the owner
    std::uint8_t submitted_locality = 0;
    std::uint32_t fetched_offset = 0;
};

}  // namespace vtwin::models
