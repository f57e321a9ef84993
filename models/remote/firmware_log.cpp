#include "models/remote/firmware_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t no_action = 3;
constexpr std::uint16_t sha1_algorithm = 0x0004, sha256_algorithm = 0x000B;
constexpr std::string_view spec_id("Spec ID Event03\0", 16), locality_id("StartupLocality\0", 16);
constexpr std::size_t spec_fields = 8, most_algorithms = 16, largest_digest = 64, shown_text = 60;

struct named_type {
    std::uint32_t type;
    const char* name;
};
constexpr std::array event_types = std::to_array<named_type>({
    {0x00000000, "EV_PREBOOT_CERT"},
    {0x00000001, "EV_POST_CODE"},
    {0x00000003, "EV_NO_ACTION"},
    {0x00000004, "EV_SEPARATOR"},
    {0x00000005, "EV_ACTION"},
    {0x00000006, "EV_EVENT_TAG"},
    {0x00000007, "EV_S_CRTM_CONTENTS"},
    {0x00000008, "EV_S_CRTM_VERSION"},
    {0x00000009, "EV_CPU_MICROCODE"},
    {0x0000000A, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0000000B, "EV_TABLE_OF_DEVICES"},
    {0x0000000C, "EV_COMPACT_HASH"},
    {0x0000000D, "EV_IPL"},
    {0x0000000E, "EV_IPL_PARTITION_DATA"},
    {0x0000000F, "EV_NONHOST_CODE"},
    {0x00000010, "EV_NONHOST_CONFIG"},
    {0x00000011, "EV_NONHOST_INFO"},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {0x80000002, "EV_EFI_VARIABLE_BOOT"},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006, "EV_EFI_GPT_EVENT"},
    {0x80000007, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000A, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000B, "EV_EFI_HANDOFF_TABLES2"},
    {0x8000000C, "EV_EFI_VARIABLE_BOOT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {0x800000E0, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000E1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
});

bool begins_with(byte_view data, std::string_view text) {
    return data.size() >= text.size() && same(data.first(text.size()), as_octets(text));
}

/// Digest sizes by algorithm, from TCG_EfiSpecIdEvent; nullopt when it is malformed.
std::optional<std::map<std::uint16_t, std::size_t>> read_spec_id(byte_view data) {
    octet_reader in(data);
    in.raw(spec_id.size() + spec_fields);
    const std::uint32_t count = in.u32_little();
    if (count == 0 || count > most_algorithms)
        return std::nullopt;
    std::map<std::uint16_t, std::size_t> sizes;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint16_t algorithm = in.u16_little();
        const std::size_t size = in.u16_little();
        if (size > largest_digest || !sizes.emplace(algorithm, size).second)
            return std::nullopt;
    }
    in.raw(in.u8());
    return in.finished() ? std::optional(sizes) : std::nullopt;
}

firmware_event read_sha1_event(octet_reader& in) {
    firmware_event event;
    event.pcr = in.u32_little();
    event.type = in.u32_little();
    const byte_view digest = in.raw(digest_size);
    event.digest.assign(digest.begin(), digest.end());
    const byte_view data = in.raw(in.u32_little());
    event.data.assign(data.begin(), data.end());
    return event;
}

/// An event with a digest per bank; its own stays empty when it has none of `wanted`.
std::optional<firmware_event> read_agile_event(octet_reader& in,
                                               const std::map<std::uint16_t, std::size_t>& sizes,
                                               std::uint16_t wanted) {
    firmware_event event;
    event.pcr = in.u32_little();
    event.type = in.u32_little();
    const std::uint32_t count = in.u32_little();
    if (count > most_algorithms)
        return std::nullopt;
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        const std::uint16_t algorithm = in.u16_little();
        const auto size = sizes.find(algorithm);
        if (size == sizes.end())
            return std::nullopt;
        const byte_view digest = in.raw(size->second);
        if (algorithm == wanted)
            event.digest.assign(digest.begin(), digest.end());
    }
    const byte_view data = in.raw(in.u32_little());
    event.data.assign(data.begin(), data.end());
    return event;
}

std::string printable(byte_view data) {
    std::string text;
    for (const std::byte octet : data) {
        const char character = static_cast<char>(octet);
        if (character == '\0' || text.size() == shown_text)
            break;
        if (character < ' ' || character > '~')
            return {};
        text += character;
    }
    return text;
}

/// UEFI_VARIABLE_DATA: GUID, u64 length of the name in characters, u64 size of the value, name in UCS-2.
std::string variable_name(byte_view data) {
    constexpr std::size_t guid = 16, other_half = 4;
    octet_reader in(data);
    in.raw(guid);
    const std::uint32_t length = in.u32_little();
    in.raw(other_half + 8);
    bytes name;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(length, shown_text) && in.good(); ++i)
        name.push_back(static_cast<std::byte>(std::min<std::uint16_t>(in.u16_little(), 0xFF)));
    return in.good() ? printable(name) : std::string();
}

bool is_variable(std::uint32_t type) {
    return type == 0x80000001 || type == 0x80000002 || type == 0x8000000C || type == 0x800000E0;
}

}  // namespace

bool firmware_event::extends() const {
    return type != no_action;
}

std::map<std::uint32_t, bytes> firmware_log::replay(pcr_hash bank) const {
    std::map<std::uint32_t, bytes> values;
    for (const firmware_event& event : events) {
        if (!event.extends())
            continue;
        auto [value, first] = values.try_emplace(event.pcr, zeros(size_of(bank)));
        if (first && event.pcr == 0)
            value->second.back() = static_cast<std::byte>(startup_locality);
        value->second = extend(bank, value->second, event.digest);
    }
    return values;
}

std::vector<const firmware_event*> firmware_log::of(std::uint32_t pcr) const {
    std::vector<const firmware_event*> found;
    for (const firmware_event& event : events)
        if (event.pcr == pcr && event.extends())
            found.push_back(&event);
    return found;
}

firmware_log parse_firmware_log(byte_view octets, pcr_hash bank) {
    firmware_log log;
    octet_reader in(octets);
    std::optional<std::map<std::uint16_t, std::size_t>> sizes;
    const std::uint16_t wanted = bank == pcr_hash::sha1 ? sha1_algorithm : sha256_algorithm;
    for (std::size_t number = 1; !in.finished(); ++number) {
        auto event = sizes ? read_agile_event(in, *sizes, wanted) : std::optional(read_sha1_event(in));
        if (!event || !in.good() || (event->extends() && event->pcr >= pcr_count)) {
            log.problem = fmt::format("event {} of the firmware's log is malformed", number);
            return log;
        }
        if (number == 1 && event->type == no_action && begins_with(event->data, spec_id)) {
            sizes = read_spec_id(event->data);
            const auto size = sizes ? sizes->find(wanted) : decltype(sizes->end()){};
            if (!sizes)
                log.problem = "the header of the firmware's log is malformed";
            else if (size == sizes->end() || size->second != size_of(bank))
                log.problem = "the firmware's log has no digests of the quoted bank";
            if (!log.problem.empty())
                return log;
            continue;
        }
        if (event->extends() && event->digest.size() != size_of(bank)) {
            log.problem =
                fmt::format("event {} of the firmware's log has no digest of the quoted bank", number);
            return log;
        }
        if (!event->extends() && event->data.size() == locality_id.size() + 1 &&
            begins_with(event->data, locality_id))
            log.startup_locality = std::to_integer<std::uint8_t>(event->data.back());
        log.events.push_back(std::move(*event));
    }
    if (log.events.empty())
        log.problem = "the firmware's log holds no events";
    return log;
}

std::string describe(const firmware_event& event) {
    const auto known = std::ranges::find(event_types, event.type, &named_type::type);
    const std::string name =
        known != event_types.end() ? known->name : fmt::format("event type 0x{:X}", event.type);
    const std::string text = is_variable(event.type) ? variable_name(event.data) : printable(event.data);
    return text.empty() ? name : name + ' ' + text;
}

}  // namespace vtwin::models::remote
