#include "hypervisor/service/service_mapping.h"

#include <utility>

#include "hypervisor/domain_instance.h"
#include "hypervisor/grant/grant_broker.h"
#include "hypervisor/machine.h"

namespace vtwin::xen {

service_mapping::service_mapping(service_mapping&& other) noexcept {
    *this = std::move(other);
}

service_mapping& service_mapping::operator=(service_mapping&& other) noexcept {
    if (this == &other)
        return *this;
    unmap();
    m_host = std::exchange(other.m_host, nullptr);
    m_handle = other.m_handle;
    m_frame = other.m_frame;
    m_writable = other.m_writable;
    return *this;
}

gntst service_mapping::map(machine& host, domid_t granter, grant_ref ref, bool read_only) {
    unmap();
    auto* const home = host.instance(dom0);
    if (home == nullptr)
        return gntst::bad_domain;
    const auto status =
        host.grant_operations().map_for_service(*home, granter, ref, read_only, m_handle, m_frame);
    if (status == gntst::okay) {
        m_host = &host;
        m_writable = !read_only;
    }
    return status;
}

void service_mapping::unmap() {
    auto* const host = std::exchange(m_host, nullptr);
    if (host == nullptr)
        return;
    if (auto* const home = host->instance(dom0); home != nullptr && !home->dying)
        host->grant_operations().unmap_for_service(*home, m_handle);
}

void service_mapping::read(std::size_t offset, std::span<std::byte> out) const {
    sc_assert(mapped() && offset + out.size() <= page_size);
    m_host->memory().read(m_frame, offset, out);
}

void service_mapping::write(std::size_t offset, std::span<const std::byte> data) {
    sc_assert(mapped() && m_writable && offset + data.size() <= page_size);
    m_host->memory().write(m_frame, dom0, offset, data);
}

}  // namespace vtwin::xen
