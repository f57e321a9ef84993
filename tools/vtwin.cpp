// The vtwin program: hands its arguments to scenarios/cli.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <systemc>

#include "scenarios/campaign/forked_execution.h"
#include "scenarios/cli/cli.h"
#include "scenarios/runner/simulate.h"

/// SystemC's entry point. Failed assertions come back as exceptions, so that the program can say what
/// happened.
int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_FATAL, sc_core::SC_THROW);
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING);  // "simulation stopped"
    const auto engine = [](const vtwin::scenario::execution_setup& setup) {
        return std::make_unique<vtwin::scenario::forked_execution>(setup,
                                                                   vtwin::scenario::execution_options());
    };
    return vtwin::scenario::run_cli(argc, argv, vtwin::scenario::simulate, std::cout, std::cerr, engine);
}

int main(int argc, char* argv[]) {
    setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 0);  // results go where the user looks, banners do not
    return sc_core::sc_elab_and_sim(argc, argv);
}
