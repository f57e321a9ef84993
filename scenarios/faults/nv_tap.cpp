#include "scenarios/faults/nv_tap.h"

namespace vtwin::scenario {

void nv_tap::cross(nv_access& access) {
    crossing what(access.write ? "store" : "load");
    what.put(field::path, access.name);
    what.put(field::length, access.blob ? access.blob->size() : 0);
    for (auto* each : m_wire.cross(what))
        static_cast<nv_effect*>(each)->act(access);
}

std::optional<tpm::bytes> nv_tap::load(std::string_view name) {
    nv_access access{
        .name = name, .blob = m_inner.load(name), .older = m_older[std::string(name)], .memory = m_inner};
    cross(access);
    return std::move(access.blob);
}

bool nv_tap::store(std::string_view name, tpm::byte_view blob) {
    auto& older = m_older[std::string(name)];
    nv_access access{.write = true,
                     .name = name,
                     .blob = tpm::bytes(blob.begin(), blob.end()),
                     .older = older,
                     .memory = m_inner};
    cross(access);
    if (access.lost)
        return access.answer;
    auto held = m_inner.load(name);
    const bool stored = m_inner.store(name, *access.blob);
    older = std::move(held);
    return stored && access.answer;
}

}  // namespace vtwin::scenario
