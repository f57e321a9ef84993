#include "models/platform/wires.h"

namespace vtwin::models {

xen::hypercall_if& wire_inserter::hypercall(const std::string&, xen::hypercall_if& inner) {
    return inner;
}
xen::memory_if& wire_inserter::memory(const std::string&, xen::memory_if& inner) {
    return inner;
}
xen::mmio_if& wire_inserter::mmio(const std::string&, xen::mmio_if& inner) {
    return inner;
}
xen::vcpu_if& wire_inserter::vcpu(const std::string&, xen::vcpu_if& inner) {
    return inner;
}
xen::disk_if& wire_inserter::disk(const std::string&, xen::disk_if& inner) {
    return inner;
}
xen::store_wire_if* wire_inserter::store(const std::vector<std::string>&,
                                         std::function<std::string(xen::domid_t)>) {
    return nullptr;
}
tpm::engine_if& wire_inserter::engine(const std::string&, tpm::engine_if& inner) {
    return inner;
}
tpm::nv_if& wire_inserter::nv(const std::string&, tpm::nv_if& inner) {
    return inner;
}
tpm::entropy_if& wire_inserter::entropy(const std::string&, tpm::entropy_if& inner) {
    return inner;
}

}  // namespace vtwin::models
