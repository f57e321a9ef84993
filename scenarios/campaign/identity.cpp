#include "scenarios/campaign/identity.h"

#include "models/hex.h"
#include "scenarios/config/files.h"
#include "scenarios/live/recording_file.h"
#include "scenarios/runner/result.h"
#include "scenarios/schema/writer.h"

namespace vtwin::scenario {
namespace {

void add_file(std::string& text, const models::measured_file& file) {
    text += file.path + ' ' + models::to_hex(file.sha256) + '\n';
}

void add_disk(std::string& text, const models::disk_config& disk) {
    text += disk.path + ' ' + models::to_hex(sha256(disk.content)) + '\n';
}

void add_recording(std::string& text, const std::optional<models::live::recording>& recording) {
    if (!recording)
        return;
    text += live::print_header(recording->version, recording->start, recording->at);
    for (const auto& each : recording->operations)
        text += live::print_operation(each);
}

std::string scenario_text(const loaded_scenario& scenario) {
    std::string text = write_settings(scenario.all);
    const auto& machine = scenario.config.machine;
    add_disk(text, machine.manager.disk);
    for (const auto& vtpm : machine.vtpms)
        add_disk(text, vtpm.disk);
    for (const auto& guest : machine.guests) {
        add_file(text, guest.kernel);
        add_file(text, guest.initrd);
        for (const auto& file : guest.ima_files)
            add_file(text, file);
        add_recording(text, guest.recording);
    }
    add_recording(text, machine.dom0_recording);
    for (const auto& [guest, reference] : scenario.config.verifier.guests)
        text += models::to_hex(sha256(reference.firmware_log)) + '\n';
    return text;
}

std::string program_text() {
    std::string text;
    for (const auto& each : component_versions())
        text += each.name + ' ' + each.version + '\n';
    const auto self = read_file(std::filesystem::read_symlink("/proc/self/exe").string());
    sc_assert(self.content);
    return text + models::to_hex(sha256(*self.content));
}

}  // namespace

std::string digest_of(std::string_view text) {
    return models::to_hex(sha256(std::as_bytes(std::span(text))));
}

std::string campaign_identity::plan() const {
    return digest_of(campaign + scenario + program);
}

campaign_identity identity_of(const campaign& what) {
    std::string scenarios;
    for (const auto& each : what.scenarios)
        scenarios += digest_of(scenario_text(each));
    return {digest_of(what.text), digest_of(scenarios), digest_of(program_text())};
}

std::string difference(const campaign_identity& ours, const campaign_identity& other) {
    if (ours.campaign != other.campaign)
        return "the campaign file has changed since";
    if (ours.scenario != other.scenario)
        return "the scenario or a file that it names has changed since";
    if (ours.program != other.program)
        return "it was made by another build of vtwin";
    return "";
}

}  // namespace vtwin::scenario
