// The domains that the traces' tests tell of, and their names.
#pragma once

#include "traces/ports.h"

namespace vtwin::test {

constexpr xen::domid_t dom0{0}, manager{1}, vtpm{2}, guest{3}, vtpm2{4};

inline sc_core::sc_time ns(double count) {
    return sc_core::sc_time(count, sc_core::SC_NS);
}

/// vtpmmgr, vtpm1, vtpm2 by their numbers above; whoever else is guest1.
inline trace::domain_identity identify(xen::domid_t id) {
    if (id == manager)
        return {"vtpmmgr", trace::domain_role::manager};
    if (id == vtpm)
        return {"vtpm1", trace::domain_role::vtpm};
    if (id == vtpm2)
        return {"vtpm2", trace::domain_role::vtpm};
    return {"guest1", trace::domain_role::other};
}

}  // namespace vtwin::test
