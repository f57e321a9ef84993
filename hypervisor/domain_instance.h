// One life of a domain, from its creation until nobody holds a page of it any more.
#pragma once

#include <string>
#include <vector>

#include "hypervisor/domain.h"
#include "hypervisor/event/event_channels.h"
#include "hypervisor/grant/grant_table.h"
#include "hypervisor/grant/maptrack.h"
#include "hypervisor/memory/address_space.h"

namespace vtwin::xen {

struct domain_instance {
    domain_instance(machine_memory& memory, domain& of, domid_t id)
        : slot(of),
          domid(id),
          label(of.params().label),
          privileged(of.params().privileged),
          space(memory, id, of.params().nr_pages),
          grants(memory, id, of.params().max_grant_frames),
          maps(of.params().max_maptrack_frames),
          events(of.params().max_event_channels) {}

    domain& slot;
    domid_t domid;
    std::string label;
    bool privileged;
    bool dying = false;  ///< destroyed; still here because others map its pages
    address_space space;
    grant_table grants;
    std::vector<guest_addr> table_at;  ///< where its own grant table frames appear (GNTTABOP_setup_table)
    maptrack maps;
    event_channels events;
    machine_memory::watch_id shared_info_watch = 0;  ///< while pending bits are observed
};

}  // namespace vtwin::xen
