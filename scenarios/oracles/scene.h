// Who is who in a run, and how long things may take: what an oracle knows beforehand.
#pragma once

#include <map>
#include <set>
#include <string>
#include <systemc>

#include "models/platform/config.h"

namespace vtwin::scenario {

/// Deadlines of the liveness invariants. Defaults are those of the fault catalogue.
struct oracle_limits {
    sc_core::sc_time answer{300, sc_core::SC_SEC};     ///< T1: a submission without an answer
    sc_core::sc_time cancel{120, sc_core::SC_SEC};     ///< T_cancel: longest duration class of a command
    sc_core::sc_time recovery{60, sc_core::SC_SEC};    ///< T4: after the last fault
    sc_core::sc_time teardown{10, sc_core::SC_SEC};    ///< T6
    sc_core::sc_time start_up{120, sc_core::SC_SEC};   ///< T7
    sc_core::sc_time store{20, sc_core::SC_SEC};       ///< T8: one request to XenStore
    sc_core::sc_time event{10, sc_core::SC_SEC};       ///< from pending to seen by the receiver
    std::uint64_t steps_without_time = 1'000'000;      ///< B, at one point of simulated time
    std::uint64_t polls_without_change = 100'000'000;  ///< register accesses while the TIS stays as it is
};

struct scene {
    std::string manager;
    std::string administrator;  ///< its vTPM domain; "" when there is none
    struct vtpm {
        std::string uuid;           ///< 16 octets
        std::uint64_t sectors = 0;  ///< of its disk
        bool has_state = false;     ///< its disk was not blank at the start
    };
    std::map<std::string, vtpm, std::less<>> vtpms;
    struct guest {
        std::string vtpm;
        bool attached_late = false;
    };
    std::map<std::string, guest, std::less<>> guests;
    bool manager_has_state = false;
    oracle_limits limits;

    bool is_vtpm(std::string_view domain) const { return vtpms.find(domain) != vtpms.end(); }
    bool is_backend(std::string_view domain) const { return domain == manager || is_vtpm(domain); }
};

scene scene_of(const models::run_config& config);

}  // namespace vtwin::scenario
