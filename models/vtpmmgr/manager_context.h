// What all commands of the manager work on, and what it keeps per connection.
// Source: stubdom/vtpmmgr/vtpm_manager.h, vtpmmgr.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "models/behaviours/behaviours.h"
#include "models/ports.h"
#include "models/vtpmmgr/ctr_drbg.h"
#include "models/vtpmmgr/disk_writer.h"
#include "models/vtpmmgr/hardware_tpm.h"
#include "models/vtpmmgr/options.h"
#include "models/vtpmmgr/protocol.h"
#include "tpm/codec/wire.h"

namespace vtwin::models::manager {

/// One frontend's interface. It outlives a reconnect of the frontend, and ends with the interface.
struct connection {
    xen::domid_t domid{};
    std::uint32_t handle = 0;
    octets<16> uuid{};
    std::shared_ptr<vtpm_group> group;  ///< set by a lookup, also by one whose label check failed (W-01)
    std::shared_ptr<vtpm_record> vtpm;
    sha1_digest kern_hash{};  ///< hash of the label text, zero before the first lookup
    bool denied = false;      ///< the last label check failed
    bool closed = false;      ///< the interface is gone

    bool is_admin() const { return vtpm != nullptr && (vtpm->flags & vtpm_record::admin) != 0; }
    void unbind() {
        group.reset();
        vtpm.reset();
    }
};

struct manager_context {
    using connection_key = std::pair<xen::domid_t, std::uint32_t>;

    const behaviour_set& behaviours;
    const manager_options& options;
    manager_tree& tree;
    disk_writer& writer;
    hardware_tpm& hardware;
    ctr_drbg& drbg;
    work_meter& meter;
    tpm_backend_if& backend;
    std::map<connection_key, std::shared_ptr<connection>>& connections;
    std::function<void(const std::string&)> log;

    bool faithful(behaviour which) const { return behaviours.faithful(which); }
    bool hardened(behaviour which) const { return behaviours.hardened(which); }
    /// Group by index; null beyond the end. Touching a group that upstream has freed is the end of the
    /// domain.
    std::shared_ptr<vtpm_group> group_at(std::size_t index) const;
    /// First record with this UUID in the open groups.
    std::pair<std::shared_ptr<vtpm_group>, std::shared_ptr<vtpm_record>> find(const octets<16>& uuid) const;
    /// Commits and says what the caller is told: always success, or the truth.
    std::uint32_t persist(sync_depth depth);
};

/// Status and, with success, the body behind the response header.
struct reply {
    std::uint32_t status = status::success;
    bytes body;
};
inline reply failed(std::uint32_t status) {
    return {status, {}};
}
inline reply done(bytes body = {}) {
    return {status::success, std::move(body)};
}

/// Whole response packet.
bytes packet(std::uint16_t response_tag, const reply& answer);

/// A fresh group: random identity and keys, no configuration, first boot.
std::shared_ptr<vtpm_group> new_group(ctr_drbg& drbg);
/// Random version-4 UUID.
octets<16> new_uuid(ctr_drbg& drbg);

}  // namespace vtwin::models::manager
