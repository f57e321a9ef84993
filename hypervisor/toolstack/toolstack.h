// xl in dom0: creates, changes and destroys domains. Source: tools/xl, tools/libs/light (libxl_create.c,
// libxl_dom.c, libxl_domain.c, libxl_vtpm.c).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/machine.h"
#include "hypervisor/toolstack/domain_spec.h"
#include "hypervisor/toolstack/xl_process.h"
#include "hypervisor/xenstore/xenstored.h"

namespace vtwin::xen {

/// How an xl command ended.
struct xl_result {
    bool ok = false;
    domid_t domid = domid_invalid;      ///< the domain concerned
    std::vector<std::string> messages;  ///< what xl printed
    explicit operator bool() const { return ok; }
};

/// Every command blocks the calling SC_THREAD like the shell that runs xl; commands from different threads
/// run beside each other. Domains are the machine's slots: a slot runs one domain at a time.
class toolstack : public sc_core::sc_module {
  public:
    toolstack(sc_core::sc_module_name name, machine& host, xenstored& store);

    /// Start of day: creates dom0, writes its home, has xenstored serve its ring, runs its boot hook.
    xl_result boot_dom0(domain& home);

    /// xl create: builds the domain (cost_profile::domain_create), writes its home and device directories,
    /// waits for every back end and lets the domain run. When one does not come the domain is destroyed
    /// again.
    xl_result create(domain& slot, const domain_spec& spec);
    /// xl vtpm-attach. When the back end does not come within 10 s the command fails, and the directories
    /// stay.
    xl_result vtpm_attach(domain& slot, const vtpm_spec& vtpm);
    /// xl vtpm-detach <domain> <devid>.
    xl_result vtpm_detach(domain& slot, std::uint32_t devid);
    /// xl destroy: the domain does not run any more while its devices are taken away.
    xl_result destroy(domain& slot);
    /// xl shutdown -w: asks through control/shutdown, waits for the domain to stop until `timeout` has
    /// passed, then destroys it. A domain that does not stop is left running (not ok).
    xl_result shutdown(domain& slot, const sc_core::sc_time& timeout);
    /// on_poweroff, on_reboot, on_crash = "destroy": whether a domain that stops by itself is destroyed, as
    /// the part of xl create that stays behind does. Off at first.
    void destroy_stopped_domains(bool on) { m_destroys_stopped = on; }

    /// Domain id of a name or decimal number; nullopt when no such domain exists.
    std::optional<domid_t> resolve(const std::string& name_or_id) const;
    /// Name that the domain in a slot was created with; "" when off.
    std::string name_of(const domain& slot) const;

  private:
    std::optional<std::string> missing_backend(const domain_spec& spec) const;
    void make_home(xl_process& xl, domid_t id, const domain_spec& spec);
    void write_built(xl_process& xl, const domain& slot, const domain_spec& spec);
    bool introduce(xl_process& xl, const domain& slot);
    bool attach_devices(xl_process& xl, const domain& slot, const domain_spec& spec);
    bool destroy_domain(xl_process& xl, domain& slot);
    xl_result finish(const xl_process& xl, bool ok, domid_t id) const;

    machine& m_host;
    xenstored& m_store;
    std::map<const domain*, domain_spec> m_running;  ///< created and not yet destroyed
    std::set<const domain*> m_dying;                 ///< being destroyed
    bool m_destroys_stopped = false;
};

}  // namespace vtwin::xen
