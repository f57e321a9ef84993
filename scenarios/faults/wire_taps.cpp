#include "scenarios/faults/wire_taps.h"

namespace vtwin::scenario {

xen::hypercall_if& wire_taps::hypercall(const std::string& domain, xen::hypercall_if& inner) {
    return inner;
}

xen::memory_if& wire_taps::memory(const std::string& domain, xen::memory_if& inner) {
    return inner;
}

xen::mmio_if& wire_taps::mmio(const std::string& domain, xen::mmio_if& inner) {
    return inner;
}

xen::vcpu_if& wire_taps::vcpu(const std::string& domain, xen::vcpu_if& inner) {
    return inner;
}

xen::disk_if& wire_taps::disk(const std::string& domain, xen::disk_if& inner) {
    return inner;
}

tpm::engine_if& wire_taps::engine(const std::string& owner, tpm::engine_if& inner) {
    return inner;
}

tpm::entropy_if& wire_taps::entropy(const std::string& consumer, tpm::entropy_if& inner) {
    return inner;
}

}  // namespace vtwin::scenario
