// A machine with xenstored, the toolstack, and a vTPM back end in dom0 that only speaks XenStore.
#pragma once

#include "hypervisor/toolstack/toolstack.h"
#include "tests/hypervisor/xenstore/ring_bench.h"

namespace vtwin::xen::test {

/// Follows the back end's table of states on one frontend (mini-os tpmback), nothing more.
class stand_in_backend {
  public:
    struct habits {
        bool answers = true;          ///< goes to InitWait for a new device
        sc_time delay = {};           ///< before it does
        const char* on_closed = "2";  ///< its state when the frontend says Closed
        bool frees = true;            ///< reacts to a vanished frontend
    };
    stand_in_backend(xenstored& store, habits how) : m_store(store, "backend"), m_how(how) {}

    void start() {
        m_store.watch("/local/domain/0/backend/vtpm", "be");
        sc_core::sc_spawn([this] {
            for (;;) {
                const auto event = *m_store.wait_event();
                if (event.token == "be")
                    on_backend(event.path);
                else
                    on_frontend(event.token);
            }
        });
    }
    int freed = 0;

  private:
    void on_backend(const std::string& path) {
        if (path.ends_with("/0") && m_how.answers && m_store.read(path + "/uuid")) {
            if (m_how.delay > sc_core::SC_ZERO_TIME)
                sc_core::wait(m_how.delay);
            set(path, "2");
            m_frontend = m_store.read(path + "/frontend").text + "/state";
            m_store.write(path + "/feature-protocol-v2", "1");
            m_store.watch(m_frontend, path);
        }
    }
    void on_frontend(const std::string& backend) {
        const auto state = m_store.read(m_frontend);
        if (state && state.text == "6")
            set(backend, m_how.on_closed);
        if (state || !m_how.frees)
            return;
        set(backend, "5");
        set(backend, "6");
        m_store.unwatch(m_frontend, backend);
        m_store.rm(backend);
        ++freed;
    }
    void set(const std::string& backend, const std::string& state) {
        if (m_store.read(backend + "/state").text != state)
            m_store.write(backend + "/state", state);
    }
    store_client m_store;
    habits m_how;
    std::string m_frontend;
};

/// A frontend driver that is bound to the device: closes when its back end does.
class stand_in_frontend {
  public:
    explicit stand_in_frontend(xenstored& store) : m_store(store, "frontend") {}
    void start(const std::string& directory) {
        m_store.write(directory + "/state", "4");
        const auto backend = m_store.read(directory + "/backend").text + "/state";
        m_store.watch(backend, "b");
        sc_core::sc_spawn([this, directory, backend] {
            for (;;) {
                m_store.wait_event();
                if (m_store.read(backend).text == "5" && m_store.read(directory + "/state").text == "4")
                    m_store.write(directory + "/state", "6");
            }
        });
    }

  private:
    store_client m_store;
};

struct toolstack_bench {
    explicit toolstack_bench(stand_in_backend::habits how = {})
        : host("machine", {.pcpus = 2, .costs = store_costs()}),
          store("xenstored", host),
          xl("xl", host, store),
          home(host.add_domain("dom0", small_dom0())),
          guest(host.add_domain("guest", small())),
          backend(store, how),
          frontend(store) {
        store.messages.bind(recorder);
    }
    void run(std::function<void()> body) {
        sc_core::sc_spawn([this, body = std::move(body)] {
            REQUIRE(xl.boot_dom0(home));
            backend.start();
            body();
            finished = true;
        });
        sc_core::sc_start();
        CHECK(finished);
    }
    static domain_spec spec() {
        domain_spec spec;
        spec.name = "guest";
        spec.uuid = "16ad15af-1098-4c82-938d-d7eee2b942bc";
        spec.memory_mib = 256;
        spec.kernel = "/t/vmlinuz";
        spec.ramdisk = "/t/domu.gz";
        spec.command_line = "console=hvc0 ";
        spec.vtpms = {{"0", "11111111-2222-3333-4444-555555555555"}};
        return spec;
    }
    /// What the toolstack's connections said and heard from the request `from` on, without the connection's
    /// name.
    std::vector<std::string> since(const std::string& from) const {
        std::vector<std::string> lines;
        for (const auto& line : recorder.lines) {
            const std::string who = "toolstack ";
            if (line.starts_with(who) && (!lines.empty() || line == who + from))
                lines.push_back(line.substr(who.size()));
        }
        return lines;
    }

    store_recorder recorder;
    machine host;
    xenstored store;
    toolstack xl;
    domain& home;
    domain& guest;
    stand_in_backend backend;
    stand_in_frontend frontend;
    bool finished = false;
};

}  // namespace vtwin::xen::test
