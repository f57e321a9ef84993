#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/hardware_effects.h"

namespace vtwin::scenario {

std::vector<kind_declaration> chip_kinds() {
    return declarations_of({chip_answer_kinds(), chip_inside_kinds(), nv_kinds(), entropy_kinds()});
}

}  // namespace vtwin::scenario
