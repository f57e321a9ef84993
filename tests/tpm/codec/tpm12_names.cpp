#include "tpm/codec/tpm12_names.h"

#include <catch2/catch.hpp>

#include "tpm/codec/tpm12_constants.h"

namespace t12 = vtwin::tpm::tpm12;

TEST_CASE("ordinals and results have names and others are unknown") {
    CHECK(t12::ordinal_name(t12::ord::oiap) == "OIAP");
    CHECK(t12::ordinal_name(t12::ord::extend) == "Extend");
    CHECK(t12::ordinal_name(242) == "TickStampBlob");
    CHECK(t12::ordinal_name(t12::ord::deep_quote) == "DeepQuote");
    CHECK(t12::ordinal_name(t12::ord::tsc_physical_presence) == "TSC_PhysicalPresence");
    CHECK(t12::ordinal_name(38) == "unknown ordinal");
    CHECK(t12::ordinal_name(0xFFFFFFFF) == "unknown ordinal");
    CHECK(t12::result_name(0) == "TPM_SUCCESS");
    CHECK(t12::result_name(t12::rc::authfail) == "TPM_AUTHFAIL");
    CHECK(t12::result_name(t12::rc::retry) == "TPM_RETRY");
    CHECK(t12::result_name(4711) == "unknown result");
}

TEST_CASE("every ordinal has the duration class of the Linux table") {
    using t12::duration_class;
    CHECK(t12::duration_of(t12::ord::pcr_read) == duration_class::brief);
    CHECK(t12::duration_of(t12::ord::get_random) == duration_class::brief);
    CHECK(t12::duration_of(34) == duration_class::brief);
    CHECK(t12::duration_of(t12::ord::quote) == duration_class::medium);
    CHECK(t12::duration_of(t12::ord::save_state) == duration_class::medium);
    CHECK(t12::duration_of(t12::ord::continue_self_test) == duration_class::lengthy);
    CHECK(t12::duration_of(t12::ord::create_endorsement_key_pair) == duration_class::lengthy);
    CHECK(t12::duration_of(241) == duration_class::undefined);
    CHECK(t12::duration_of(243) == duration_class::undefined);
    CHECK(t12::duration_of(t12::ord::deep_quote) == duration_class::undefined);
    int counts[4] = {};
    for (std::uint32_t ordinal = 0; ordinal < 300; ++ordinal)
        ++counts[static_cast<int>(t12::duration_of(ordinal))];
    CHECK(counts[0] == 72);
    CHECK(counts[1] == 38);
    CHECK(counts[2] == 13);
}
