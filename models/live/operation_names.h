// Words for operations and answers, in tables and recordings.
#pragma once

#include <optional>
#include <string_view>

#include "models/live/operation.h"

namespace vtwin::models::live {

std::string_view name_of(operation::kind what);
/// Nullopt: no operation has that name.
std::optional<operation::kind> operation_named(std::string_view name);
std::string_view name_of(answer::status what);

}  // namespace vtwin::models::live
