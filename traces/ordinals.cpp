#include "traces/ordinals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "tpm/codec/ordinal_names.h"

namespace vtwin::trace {
namespace {

struct entry {
    std::uint32_t ordinal;
    std::string_view name;
};

constexpr std::array vtpm_vendor = {
    entry{0x20000016, "VTPM_DeepQuote"},
    entry{0x2000007C, "VTPM_ParentSignEK"},
};

constexpr std::array manager = {
    entry{1, "VTPM_SAVEHASHKEY"},
    entry{2, "VTPM_LOADHASHKEY"},
    entry{3, "VTPM_GET_BOOT_HASH"},
    entry{4, "VTPM_GET_QUOTE"},
};

constexpr std::array management = {
    entry{0x02000101, "GROUP_LIST"},     entry{0x02000102, "GROUP_NEW"},
    entry{0x02000103, "GROUP_DEL"},      entry{0x02000104, "GROUP_ACTIVATE"},
    entry{0x02000105, "GROUP_REGISTER"}, entry{0x02000106, "GROUP_UPDATE"},
    entry{0x02000107, "GROUP_SHOW"},     entry{0x02000201, "VTPM_LIST"},
    entry{0x02000204, "VTPM_NEW"},       entry{0x02000205, "VTPM_DEL"},
};

}  // namespace

std::string ordinal_name(std::uint16_t tag, std::uint32_t ordinal) {
    const std::span<const entry> names = tag == 0x01C1   ? std::span<const entry>(manager)
                                         : tag == 0x01C2 ? std::span<const entry>(management)
                                                         : std::span<const entry>(vtpm_vendor);
    const auto found = std::ranges::find(names, ordinal, &entry::ordinal);
    if (found != names.end())
        return std::string(found->name);
    return names.data() == vtpm_vendor.data() ? tpm::command_name(ordinal) : fmt::format("0x{:08X}", ordinal);
}

}  // namespace vtwin::trace
