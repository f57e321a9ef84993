#include "models/vtpmmgr/label.h"

namespace vtwin::models::manager {

sha1_digest label_hash(std::string_view label) {
    return sha1(std::as_bytes(std::span(label)));
}

std::string wildcarded_label(std::string_view label) {
    const auto colon = label.find(':');
    if (colon == std::string_view::npos || colon == 0)
        return {};
    return std::string("*").append(label.substr(colon));
}

}  // namespace vtwin::models::manager
