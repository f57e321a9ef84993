// Memory-mapped I/O of a domain: permission, bus time, and who answers.
#include <tlm_utils/simple_target_socket.h>
#include <catch2/catch.hpp>

#include "hypervisor/mmio_origin.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {
/// Four bytes of storage at 0xFED40000; others are refused.
struct device : sc_core::sc_module {
    explicit device(sc_core::sc_module_name name) : sc_module(name), socket("socket") {
        socket.register_b_transport(this, &device::b_transport);
    }
    void b_transport(tlm::tlm_generic_payload& access, sc_time& delay) {
        accesses.push_back(sc_time_stamp());
        const auto* origin = access.get_extension<mmio_origin>();
        origins.push_back(origin != nullptr ? origin->domain : domid_invalid);
        const auto offset = access.get_address() - 0xFED40000;
        if (offset + access.get_data_length() > bytes.size()) {
            access.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        auto* const data = access.get_data_ptr();
        for (unsigned i = 0; i < access.get_data_length(); ++i)
            access.is_write() ? void(bytes[offset + i] = data[i]) : void(data[i] = bytes[offset + i]);
        delay += us(2);
        access.set_response_status(tlm::TLM_OK_RESPONSE);
    }
    tlm_utils::simple_target_socket<device> socket;
    std::array<unsigned char, 4> bytes{};
    std::vector<sc_time> accesses;
    std::vector<domid_t> origins;
};
domain_params with_iomem() {
    auto params = small();
    params.iomem = {0xFED40, 0xFED42};
    return params;
}
}  // namespace

TEST_CASE("mmio: accesses take bus and chipset time after earlier work was paid") {
    machine host("xen", {.costs = distinct_costs()});
    device chip("chip");
    host.mmio_socket.bind(chip.socket);
    guest a(host.add_domain("a", with_iomem()), [&](guest& g) {
        auto& mmio = *g.dom().mmio.operator->();
        const std::array<std::byte, 2> out{std::byte{0x12}, std::byte{0x34}};
        g.cpu().charge(us(100));
        CHECK(mmio.write(0xFED40001, out));
        CHECK(sc_time_stamp() == us(100 + 2 + 5));
        std::array<std::byte, 4> in{};
        CHECK(mmio.read(0xFED40000, in));
        CHECK(in == std::array<std::byte, 4>{std::byte{0}, std::byte{0x12}, std::byte{0x34}, std::byte{0}});
        CHECK(sc_time_stamp() == us(114));
        // A page that the domain may touch but no device answers for.
        CHECK(mmio.read(0xFED42000, in));
        CHECK(in[0] == std::byte{0xFF});
        CHECK(sc_time_stamp() == us(119));
    });
    host.start(a.dom(), "");
    sc_core::sc_start(ms(1));
    CHECK(chip.accesses == std::vector{us(100), us(107), us(114)});
    CHECK(chip.origins == std::vector(3, a.dom().domid()));
}

TEST_CASE("mmio: pages without iomem permission fault and cost nothing") {
    machine host("xen", {.costs = distinct_costs()});
    int reads = 0;
    guest a(host.add_domain("a", with_iomem()), [&](guest& g) {
        auto& mmio = *g.dom().mmio.operator->();
        std::array<std::byte, 4> word{};
        for (const std::uint64_t address : {0xFED41000ull, 0xFED40FFEull, 0ull, ~0ull}) {
            CHECK_FALSE(mmio.read(address, word));
            CHECK_FALSE(mmio.write(address, word));
        }
        CHECK_FALSE(mmio.read(0xFED40000, std::span<std::byte>{}));
        CHECK(sc_time_stamp() == us(0));
        // Nothing is bound to the socket here: the bus floats.
        CHECK(mmio.read(0xFED40FFC, word));
        CHECK(word[3] == std::byte{0xFF});
        CHECK(mmio.write(0xFED40FFC, word));
        CHECK(sc_time_stamp() == us(10));
        ++reads;
    });
    host.start(a.dom(), "");
    sc_core::sc_start(ms(1));
    CHECK(reads == 1);
}
