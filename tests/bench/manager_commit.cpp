// Host cost of the manager's commit: one SAVEHASHKEY writes a page, a group and a root sector.
#include <benchmark/benchmark.h>

#include <systemc>

#include "models/vtpmmgr/ctr_drbg.h"
#include "models/vtpmmgr/disk_writer.h"
#include "tests/models/vtpmmgr/doubles.h"

using namespace vtwin;
using namespace vtwin::models::manager;

namespace {

struct committing {
    models::behaviour_set behaviours;
    test::memory_disk disk;
    test::quiet_services services;
    work_meter meter{{}, services};
    ctr_drbg drbg{[](std::size_t wanted) { return models::bytes(wanted, std::byte{1}); }};
    test::stub_seals seals;
    sector_store store{disk, behaviours, meter, drbg};
    manager_tree tree;
    disk_writer writer{tree, store, seals, behaviours, meter, drbg};

    explicit committing(unsigned records) {
        drbg.seed();
        store.set_key(tree.root.tm_key);
        auto group = std::make_shared<vtpm_group>();
        group->set_keys({});
        group->configs.resize(1);
        tree.groups.push_back(group);
        for (unsigned i = 0; i < records; ++i)
            group->append(std::make_shared<vtpm_record>());
        for (int i = 0; i < 3; ++i)
            save();
    }
    void save() {
        vtpm_group& group = *tree.groups[0];
        group.pages[0].location = 0;
        disk_writer::touch(group);
        writer.commit(sync_depth::sequence);
        disk.written.clear();
    }
};

void save_hash_key_commit(benchmark::State& state) {
    committing bench(static_cast<unsigned>(state.range(0)));
    for (auto _ : state)
        bench.save();
}
BENCHMARK(save_hash_key_commit)->Arg(1)->Arg(48)->Arg(768);

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
