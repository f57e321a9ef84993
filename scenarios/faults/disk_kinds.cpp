#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

std::vector<kind_declaration> disk_kinds() {
    return {};
}

}  // namespace vtwin::scenario
