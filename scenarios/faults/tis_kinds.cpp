#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

std::vector<kind_declaration> tis_kinds() {
    return {};
}

}  // namespace vtwin::scenario
