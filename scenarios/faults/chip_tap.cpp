#include "scenarios/faults/chip_tap.h"

#include "tpm/codec/ordinal_names.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario {

tpm::bytes chip_tap::execute(tpm::byte_view command, std::uint8_t locality) {
    tpm::wire_reader reader(command);
    reader.view(6);
    const auto ordinal = reader.u32();
    const auto name = m_wire.watched() ? tpm::command_name(ordinal) : std::string();
    crossing what("command");
    what.put(field::ordinal, name);
    what.put(field::locality, locality);
    what.put(field::length, command.size());
    std::vector<chip_effect*> acting;
    for (auto* each : m_wire.cross(what))
        acting.push_back(static_cast<chip_effect*>(each));
    chip_command given{.command = command,
                       .locality = locality,
                       .ordinal = ordinal,
                       .answer = {},
                       .answer_before = m_answer};
    for (auto* each : acting)
        each->before(given);
    if (!given.skipped)
        given.answer = m_inner.execute(command, locality);
    for (auto* each : acting)
        each->after(given);
    m_answer = given.answer;
    return std::move(given.answer);
}

}  // namespace vtwin::scenario
