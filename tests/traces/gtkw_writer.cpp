#include "traces/gtkw_writer.h"

#include <catch2/catch.hpp>
#include <sstream>

using namespace vtwin::trace;

TEST_CASE("a layout groups signals by scope") {
    std::ostringstream out;
    write_gtkw(out, "trace.vcd",
               {{"vcpus.dom0.state", 0}, {"events.dom0.port_1", 1}, {"vcpus.dom0.pcpu", 8}, {"events2.a", 1}},
               {{"events2", "vcpus"}, {"events"}, 29'534'265'507'413});
    CHECK(out.str() ==
          "[*]\n[*] vtpm-twin\n[*]\n"
          "[dumpfile] \"trace.vcd\"\n[timestart] 0\n[size] 1600 1000\n[pos] -1 -1\n"
          "*-43.000000 0 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1\n"
          "[sst_expanded] 1\n[signals_width] 320\n"
          "@800200\n-events2\n"
          "@28\nevents2.a\n"
          "@1000200\n-events2\n"
          "@800200\n-vcpus.dom0\n"
          "@28\nvcpus.dom0.state\n"
          "@22\nvcpus.dom0.pcpu[7:0]\n"
          "@1000200\n-vcpus.dom0\n"
          "@c00200\n-events.dom0\n"
          "@28\nevents.dom0.port_1\n"
          "@1401200\n-events.dom0\n");
}
