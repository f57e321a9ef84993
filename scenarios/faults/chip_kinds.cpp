#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

std::vector<kind_declaration> chip_kinds() {
    return {};
}

}  // namespace vtwin::scenario
