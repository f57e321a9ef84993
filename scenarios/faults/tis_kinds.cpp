#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/hardware_effects.h"

namespace vtwin::scenario {

std::vector<kind_declaration> tis_kinds() {
    return declarations_of({tis_access_kinds(), tis_line_kinds()});
}

}  // namespace vtwin::scenario
