// One xl command in dom0: its XenStore connection and libxl's work on device directories.
// Source: tools/libs/light/libxl_device.c; order of requests as recorded from a real Xen 4.17.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/toolstack/device.h"
#include "hypervisor/xenstore/store_client.h"

namespace vtwin::xen {

/// All calls block the calling SC_THREAD. A new object is a new process: transaction ids and watch tokens
/// start anew.
class xl_process {
  public:
    explicit xl_process(xenstored& store) : m_store(store, "toolstack") {}

    store_client& store() { return m_store; }
    /// What libxl prints, oldest first.
    const std::vector<std::string>& messages() const { return m_messages; }
    void complain(const std::string& message) { m_messages.push_back(message); }

    /// Writes a device's directories in one transaction. False when libxl knows the device already.
    bool add(const device_description& device);
    /// Waits until every back end is in InitWait, 10 s at most each (LIBXL_INIT_TIMEOUT). False with a
    /// complaint for each that is not.
    bool wait_added(const std::vector<device_identity>& devices);

    /// Devices of a domain in libxl's directory, of one kind or of all. The back end comes from there too.
    std::vector<device_identity> list(domid_t domid, const std::string& kind);
    std::vector<device_identity> list_all(domid_t domid);

    /// Takes devices away: asks the back ends to close and waits 10 s at most for each
    /// (LIBXL_DESTROY_TIMEOUT); then, or with `force` at once, removes the frontend directories, which tells
    /// the back ends, and waits again; finally removes what is left. False with complaints when a back end
    /// did not get to Closed even so.
    bool remove(const std::vector<device_identity>& devices, bool force);

    /// mkdir and permissions ("n1", ...).
    void make_node(const std::string& path, const std::vector<std::string>& perms, std::uint32_t tx = 0);

  private:
    enum class removal : std::uint8_t { closed, forced, gone, failed };
    struct pending_removal {
        device_identity device;
        bool force = false;
        bool watching = false;
        std::string token;
        sc_core::sc_time deadline;
        removal how = removal::failed;
        bool done = false;
    };
    struct pending_watch {
        std::string path, token;
    };

    void write_directories(const device_description& device, std::uint32_t tx);
    pending_watch start_watch(const std::string& path);
    void stop_watch(const pending_watch& watch);
    void start_removal(pending_removal& what);
    void wait_removals(std::vector<pending_removal>& all);
    void look_at(pending_removal& what);
    void give_up(pending_removal& what);
    void wait_until_gone(const device_identity& device);
    std::optional<store_event> next_event(const sc_core::sc_time& deadline);
    void destroy_directories(const device_identity& device);
    bool remove_with_empty_parents(std::string path, std::uint32_t tx);

    store_client m_store;
    std::vector<std::string> m_messages;
    std::deque<store_event> m_put_back;  ///< arrived while something else was waited for
    unsigned m_next_watch = 0;
};

}  // namespace vtwin::xen
