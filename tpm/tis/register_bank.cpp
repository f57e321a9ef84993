#include "tpm/tis/register_bank.h"

#include <systemc>
#include <utility>

namespace vtwin::tpm {

namespace {

bool permitted(access_right right, bank_cycle cycle) {
    switch (right) {
        case access_right::none:
            return false;
        case access_right::anyone:
            return true;
        case access_right::owner:
            return cycle.owner;
        case access_right::special:
            return cycle.special;
    }
    return false;
}

}  // namespace

register_bank::register_bank(bool ordinary_writes) : m_ordinary_writes(ordinary_writes) {}

void register_bank::declare(register_declaration declaration) {
    sc_assert(declaration.width >= 1 && declaration.width <= 4);
    sc_assert(declaration.offset + declaration.width <= size);
    sc_assert(m_registers.size() < 0xFF);
    const auto index = static_cast<std::uint8_t>(m_registers.size() + 1);
    for (unsigned lane = 0; lane < declaration.width; ++lane) {
        std::uint8_t& route = m_route[declaration.offset + lane];
        sc_assert(route == 0);
        route = index;
    }
    m_registers.push_back(std::move(declaration));
}

void register_bank::reset() {
    for (const auto& declared : m_registers) {
        if (declared.storage != nullptr) {
            *declared.storage = declared.reset;
        }
    }
}

std::uint8_t register_bank::read(std::uint16_t offset, bank_cycle cycle) const {
    const auto* declared = at(offset);
    if (declared == nullptr || !permitted(declared->read, cycle)) {
        return undecoded;
    }
    const unsigned lane = offset - declared->offset;
    if (declared->on_read) {
        return declared->on_read(lane);
    }
    return byte_of(declared->storage != nullptr ? *declared->storage : declared->reset, lane);
}

void register_bank::write(std::uint16_t offset, std::uint8_t value, bank_cycle cycle) {
    const auto* declared = at(offset);
    if (declared == nullptr || !permitted(declared->write, cycle)) {
        return;
    }
    if (!m_ordinary_writes && !cycle.special) {
        return;
    }
    const unsigned lane = offset - declared->offset;
    if (declared->on_write) {
        declared->on_write(lane, value);
    } else if (declared->storage != nullptr) {
        const std::uint32_t mask = 0xFFu << (8 * lane);
        *declared->storage = (*declared->storage & ~mask) | (std::uint32_t{value} << (8 * lane));
    }
}

std::string_view register_bank::name_at(std::uint16_t offset) const {
    const auto* declared = at(offset);
    return declared == nullptr ? std::string_view{} : declared->name;
}

const register_declaration* register_bank::at(std::uint16_t offset) const {
    if (offset >= size || m_route[offset] == 0) {
        return nullptr;
    }
    return &m_registers[m_route[offset] - 1u];
}

}  // namespace vtwin::tpm
