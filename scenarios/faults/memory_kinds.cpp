#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

std::vector<kind_declaration> memory_kinds() {
    return {};
}

}  // namespace vtwin::scenario
