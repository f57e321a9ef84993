#include "scenarios/config/build.h"
#include "scenarios/live/recording_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "models/hex.h"
#include "models/remote/firmware_log.h"
#include "models/remote/ima_log.h"
#include "scenarios/config/files.h"
#include "scenarios/profiles/cost_fields.h"
#include "scenarios/profiles/profile_reader.h"

namespace vtwin::scenario {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

/// Flags of the manager's deep quote by their names here (vtpmmgr's VTPM_QUOTE_FLAGS_*).
std::uint32_t deep_quote_flags(const std::vector<std::string>& names) {
    std::uint32_t flags = 0;
    for (const std::string& name : names)
        flags |= name == "uuid" ? 1 : name == "label" ? 2 : name == "group" ? 4 : 8;
    return flags;
}

std::uint32_t pcr_mask(const std::vector<std::uint64_t>& pcrs) {
    std::uint32_t mask = 0;
    for (std::uint64_t pcr : pcrs)
        mask |= 1U << pcr;
    return mask;
}

models::load_config::command load_command(const std::string& name) {
    using enum models::load_config::command;
    constexpr std::pair<std::string_view, models::load_config::command> names[] = {
        {"vtpm_pcr_read", vtpm_pcr_read},
        {"vtpm_extend", vtpm_extend},
        {"vtpm_get_random", vtpm_get_random},
        {"chip_pcr_read", chip_pcr_read},
        {"chip_get_random", chip_get_random},
        {"quote", quote},
        {"deep_quote", deep_quote}};
    const auto* found = std::ranges::find(names, name, [](const auto& each) { return each.first; });
    sc_assert(found != std::end(names));
    return found->second;
}

class builder {
  public:
    builder(const settings& all, std::filesystem::path library, std::vector<problem>& problems)
        : m_all(&all), m_library(std::move(library)), m_problems(&problems) {}

    models::run_config build() {
        models::run_config run;
        run.seed = m_all->integer("seed");
        run.time_limit = m_all->duration("time_limit");
        run.machine = machine();
        run.verifier = verifier();
        return run;
    }

  private:
    std::uint32_t integer(const std::string& path) const {
        return static_cast<std::uint32_t>(m_all->integer(path));
    }
    std::uint32_t mebibytes(const std::string& path) const {
        return static_cast<std::uint32_t>(m_all->integer(path) / mib);
    }

    models::machine_config machine() {
        models::machine_config machine;
        machine.name = m_all->text("machine.name");
        machine.pcpus = integer("machine.pcpus");
        machine.restarts = integer("machine.restarts");
        machine.rsa_keys =
            m_all->text("machine.rsa_keys") == "pooled" ? tpm::rsa_keys::pooled : tpm::rsa_keys::drawn;
        machine.scheduler = m_all->text("machine.scheduler");
        machine.xsm = m_all->boolean("machine.xsm");
        for (const auto& field : hypervisor_cost_fields())
            machine.hypervisor_costs.*field.member =
                m_all->duration("costs.hypervisor." + std::string(field.name));
        for (const auto& field : software_cost_fields())
            machine.costs.*field.member = m_all->duration("costs.software." + std::string(field.name));
        for (const models::behaviour_info& each : models::all_behaviours())
            machine.behaviours.set(each.id,
                                   m_all->text("behaviours." + std::string(each.name)) == "hardened");
        machine.chip = read_chip_profile(m_library, m_all->text("machine.chip"), m_all->where("machine.chip"),
                                         "machine.chip");
        if (m_all->has("machine.bus_khz"))
            machine.chip.bus_mhz = static_cast<double>(m_all->integer("machine.bus_khz")) / 1000;
        if (m_all->has("machine.bus_wait_clocks"))
            machine.chip.lpc_wait_clocks = integer("machine.bus_wait_clocks");
        machine.firmware = measurements("machine.firmware");
        if (m_all->has("machine.dom0_tpm_locality"))
            machine.dom0_tpm_locality = integer("machine.dom0_tpm_locality");
        machine.manager = manager();
        for (const std::string& name : m_all->names_below("vtpm"))
            machine.vtpms.push_back(vtpm(name));
        for (const std::string& name : m_all->names_below("guest"))
            machine.guests.push_back(guest(name));
        if (m_all->has("machine.dom0_recording"))
            machine.dom0_recording = dom0_recording(machine);
        return machine;
    }

    std::vector<models::firmware_measurement> measurements(const std::string& section) {
        std::vector<models::firmware_measurement> list;
        for (const std::string& n : m_all->names_below(section)) {
            const std::string path = section + '.' + n;
            bool complete = true;
            for (const char* part : {".pcr", ".description", ".sha1"}) {
                if (!m_all->has(path + part)) {
                    m_problems->push_back({m_all->where(path), path + part, "missing"});
                    complete = false;
                }
            }
            if (complete)
                list.push_back({integer(path + ".pcr"), m_all->text(path + ".description"),
                                *models::from_hex(m_all->text(path + ".sha1"))});
        }
        return list;
    }

    models::disk_config disk(const std::string& path) {
        models::disk_config disk;
        disk.size = m_all->integer(path + ".size");
        if (disk.size % 512 != 0)
            m_problems->push_back(
                {m_all->where(path + ".size"), path + ".size", "expected whole sectors of 512 B"});
        const std::string file = path + ".path";
        if (!m_all->has(file))
            return disk;
        disk.path = m_all->text(file);
        file_content read = read_file(disk.path);
        if (!read.content)
            m_problems->push_back({m_all->where(file), file, "disk image " + disk.path + ": " + read.reason});
        else if (read.content->size() > disk.size)
            m_problems->push_back({m_all->where(file), file,
                                   "disk image " + disk.path + " has " +
                                       std::to_string(read.content->size()) +
                                       " bytes, more than the disk's " + std::to_string(disk.size)});
        else
            disk.content = std::move(*read.content);
        return disk;
    }

    models::manager_config manager() {
        models::manager_config manager;
        manager.name = m_all->text("manager.name");
        manager.label = m_all->text("manager.label");
        manager.memory_mib = mebibytes("manager.memory");
        manager.locality = integer("manager.locality");
        manager.keeps_locality = m_all->boolean("manager.keeps_locality");
        manager.disk = disk("manager.disk");
        manager.command_line = "tpmlocality=" + std::to_string(manager.locality);
        if (const std::string& extra = m_all->text("manager.extra"); !extra.empty())
            manager.command_line += ' ' + extra;
        return manager;
    }

    tpm::family family(const std::string& path) const {
        return m_all->text(path) == "2.0" ? tpm::family::tpm20 : tpm::family::tpm12;
    }

    models::vtpm_config vtpm(const std::string& name) {
        const std::string path = "vtpm." + name;
        models::vtpm_config vtpm;
        vtpm.name = name;
        vtpm.backend = m_all->text(path + ".backend");
        vtpm.label = m_all->text(path + ".label");
        vtpm.uuid = *models::parse_uuid(m_all->text(path + ".uuid"));
        vtpm.memory_mib = mebibytes(path + ".memory");
        vtpm.disk = disk(path + ".disk");
        vtpm.version = family(path + ".version");
        vtpm.administrator = m_all->boolean(path + ".administrator");
        vtpm.command_line = m_all->text(path + ".extra");
        return vtpm;
    }

    /// A file, or nothing: no content and the digests of no bytes, as pv-grub measures a missing module.
    models::measured_file optional_file(const std::string& path) {
        if (m_all->has(path))
            return measure_file(m_all->text(path), true, m_all->where(path), path, *m_problems);
        models::measured_file none;
        none.sha1 = sha1({});
        none.sha256 = sha256({});
        return none;
    }

    std::vector<models::measured_file> files(const std::string& path) {
        std::vector<models::measured_file> list;
        for (const std::string& file : m_all->words(path))
            list.push_back(measure_file(file, false, m_all->where(path), path, *m_problems));
        return list;
    }

    models::guest_config guest(const std::string& name) {
        const std::string path = "guest." + name;
        models::guest_config guest;
        guest.name = name;
        guest.label = m_all->text(path + ".label");
        guest.memory_mib = mebibytes(path + ".memory");
        guest.vtpm = m_all->text(path + ".vtpm");
        guest.vtpm_version = family("vtpm." + guest.vtpm + ".version");
        if (m_all->has(path + ".attach_after"))
            guest.attach_after = m_all->duration(path + ".attach_after");
        guest.kernel = optional_file(path + ".kernel");
        guest.initrd = optional_file(path + ".initrd");
        guest.command_line = m_all->text(path + ".command_line");
        guest.ima_files = files(path + ".ima_files");
        guest.ima_interval = m_all->duration(path + ".ima_interval");
        guest.attest_after = m_all->duration(path + ".attest_after");
        guest.attestations = integer(path + ".attestations");
        guest.attestation_interval = m_all->duration(path + ".attestation_interval");
        guest.quote = quote(path).value_or(guest.quote);
        guest.hwrng = m_all->boolean(path + ".hwrng");
        if (m_all->has_section(path + ".load"))
            guest.load = load(path + ".load");
        if (m_all->has(path + ".recording"))
            guest.recording = guest_recording(path, guest);
        return guest;
    }

    std::optional<models::quote_command> quote(const std::string& path) const {
        if (!m_all->has(path + ".quote"))
            return std::nullopt;
        return m_all->text(path + ".quote") == "TPM_Quote2" ? models::quote_command::quote2
                                                            : models::quote_command::quote;
    }

    std::optional<models::live::recording> refuse(const std::string& key, const std::string& why) {
        m_problems->push_back({m_all->where(key), key, why});
        return std::nullopt;
    }

    /// The recording that a key names; the problem is said when it is none.
    std::optional<models::live::recording> recording(const std::string& key, models::live::place at) {
        const std::string file = m_all->text(key);
        const file_content read = read_file(file);
        if (!read.content)
            return refuse(key, "recording " + file + ": " + read.reason);
        try {
            auto recording = live::parse_recording(
                {reinterpret_cast<const char*>(read.content->data()), read.content->size()}, file);
            if (recording.at == at)
                return recording;
            return refuse(key, at == models::live::place::guest
                                   ? file + " was made at the hardware TPM: expected machine.dom0_recording"
                                   : file + " was made at a guest's TPM: expected guest.NAME.recording");
        } catch (const user_error& mistakes) {
            std::ranges::copy(mistakes.problems(), std::back_inserter(*m_problems));
            return std::nullopt;
        }
    }

    std::optional<models::live::recording> guest_recording(const std::string& path,
                                                           const models::guest_config& guest) {
        const std::string key = path + ".recording";
        auto read = recording(key, models::live::place::guest);
        if (!read)
            return read;
        if (read->version != guest.vtpm_version)
            return refuse(
                key, m_all->text(key) + " was made with a TPM of the other family than vtpm." + guest.vtpm);
        if (read->start != models::live::start_mode::guest && guest.attestations != 0)
            return refuse(key, m_all->text(key) + " begins at power-on, where nobody attests: expected " +
                                   path + ".attestations = 0");
        return read;
    }

    std::optional<models::live::recording> dom0_recording(const models::machine_config& machine) {
        const std::string key = "machine.dom0_recording";
        auto read = recording(key, models::live::place::hardware);
        if (!read)
            return read;
        if (!machine.dom0_tpm_locality)
            return refuse(key, "dom0 has no driver for the hardware TPM: expected machine.dom0_tpm_locality");
        if (read->version != machine.chip.version)
            return refuse(key,
                          m_all->text(key) + " was made with a TPM of the other family than machine.chip");
        const bool alone =
            read->start == models::live::start_mode::init || read->start == models::live::start_mode::clear;
        if (alone &&
            std::ranges::any_of(machine.guests, [](const auto& each) { return each.attestations != 0; }))
            return refuse(key, m_all->text(key) +
                                   " begins at power-on, where dom0 is alone and nobody attests: expected "
                                   "guest.NAME.attestations = 0 for each guest");
        return read;
    }

    std::optional<sc_core::sc_time> optional_time(const std::string& path) const {
        return m_all->has(path) ? std::optional(m_all->duration(path)) : std::nullopt;
    }

    models::load_config load(const std::string& path) const {
        models::load_config load;
        load.what = load_command(m_all->text(path + ".command"));
        load.open = m_all->text(path + ".loop") == "open";
        load.exponential = m_all->text(path + ".spacing") == "exponential";
        load.interval = m_all->duration(path + ".interval");
        load.count = m_all->integer(path + ".count");
        load.duration = m_all->duration(path + ".duration");
        load.warm_up = m_all->duration(path + ".warm_up");
        load.start = optional_time(path + ".start");
        load.deadline = optional_time(path + ".deadline");
        load.before_attestation = m_all->text(path + ".when") == "before_attestation";
        return load;
    }

    models::guest_reference reference(const std::string& guest) {
        const std::string path = "verifier.reference." + guest;
        models::guest_reference reference;
        const models::measured_file kernel = optional_file(path + ".kernel");
        const models::measured_file initrd = optional_file(path + ".initrd");
        reference.version = family(path + ".vtpm_version");
        reference.kernel_sha1 = kernel.sha1;
        reference.kernel_sha256 = kernel.sha256;
        reference.initrd_sha1 = initrd.sha1;
        reference.initrd_sha256 = initrd.sha256;
        reference.command_line = m_all->text(path + ".command_line");
        for (const models::measured_file& file : files(path + ".ima_files"))
            reference.ima_files[file.path].insert("sha256:" + models::to_hex(file.sha256));
        reference.firmware_log = firmware_log(path + ".firmware_log", reference.version);
        add_ima_list(path + ".ima_list", reference.ima_files);
        reference.quote = quote(path);
        reference.vtpm_uuid = *models::parse_uuid(m_all->text(path + ".vtpm_uuid"));
        reference.vtpm_label = m_all->text(path + ".vtpm_label");
        return reference;
    }

    /// What an optional file holds; nullopt when there is none, with a problem when it cannot be read.
    std::optional<models::bytes> optional_content(const std::string& path) {
        if (!m_all->has(path))
            return std::nullopt;
        file_content read = read_file(m_all->text(path));
        if (!read.content)
            m_problems->push_back({m_all->where(path), path, m_all->text(path) + ": " + read.reason});
        return std::move(read.content);
    }

    models::bytes firmware_log(const std::string& path, tpm::family version) {
        auto content = optional_content(path);
        if (!content)
            return {};
        const auto bank =
            version == tpm::family::tpm20 ? models::remote::pcr_hash::sha256 : models::remote::pcr_hash::sha1;
        if (const auto log = models::remote::parse_firmware_log(*content, bank); !log.problem.empty())
            m_problems->push_back({m_all->where(path), path, m_all->text(path) + ": " + log.problem});
        return std::move(*content);
    }

    void add_ima_list(const std::string& path, std::map<std::string, std::set<std::string>>& approved) {
        const auto content = optional_content(path);
        if (!content)
            return;
        const auto list =
            models::remote::parse_ima_log({reinterpret_cast<const char*>(content->data()), content->size()});
        if (list.bad_line != 0)
            m_problems->push_back({m_all->where(path), path,
                                   m_all->text(path) + ": line " + std::to_string(list.bad_line) +
                                       " is no ima-ng or ima-sig entry for PCR 10"});
        for (const auto& entry : list.entries)
            if (entry.path != "boot_aggregate")
                approved[entry.path].insert(entry.algorithm + ':' + models::to_hex(entry.file_digest));
    }

    models::verifier_config verifier() {
        models::verifier_config verifier;
        verifier.name = m_all->text("verifier.name");
        for (const std::string& guest : m_all->names_below("guest"))
            verifier.guests[guest] = reference(guest);
        verifier.platform = measurements("verifier.platform");
        verifier.vtpm_pcr_mask = pcr_mask(m_all->numbers("verifier.vtpm_pcrs"));
        verifier.hardware_pcr_mask = pcr_mask(m_all->numbers("verifier.hardware_pcrs"));
        verifier.deep_quote_flags = deep_quote_flags(m_all->words("verifier.deep_quote_flags"));
        return verifier;
    }

    const settings* m_all;
    std::filesystem::path m_library;
    std::vector<problem>* m_problems;
};

}  // namespace

models::run_config build_run_config(const settings& all, const std::filesystem::path& library,
                                    std::vector<problem>& problems) {
    return builder(all, library, problems).build();
}

std::vector<expectation> build_expectations(const settings& all) {
    std::vector<expectation> list;
    for (const std::string& guest : all.names_below("expect")) {
        const std::string path = "expect." + guest;
        list.push_back({guest, all.text(path + ".verdict") == "trusted", all.words(path + ".failed_checks")});
    }
    return list;
}

}  // namespace vtwin::scenario
