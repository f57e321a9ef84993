#include "scenarios/campaign/sharded_campaign.h"

#include <fmt/format.h>

#include "scenarios/campaign/database.h"

namespace vtwin::scenario {

sharded_campaign::sharded_campaign(const std::filesystem::path& store, std::filesystem::path program)
    : m_store(std::filesystem::absolute(store).lexically_normal()), m_program(std::move(program)) {
    m_header = campaign_store(m_store, campaign_store::access::read).header();
    if (m_header.part.count != 1)
        throw user_error({store.string(), 0}, "",
                         "is a part of a campaign; only the whole is split into tasks");
}

std::uint64_t sharded_campaign::missing() const {
    const campaign_store whole(m_store, campaign_store::access::read);
    return whole.planned() - whole.finished();
}

std::string sharded_campaign::resume_command() const {
    return "vtwin campaign resume " + shell_word(m_store.string()) + " --engine slurm";
}

std::string sharded_campaign::part_name(std::uint64_t part) const {
    return fmt::format("part{}.sqlite", part);
}

void sharded_campaign::split(const std::filesystem::path& folder, std::uint64_t parts) {
    const writer_lock alone(m_store);
    for (std::uint64_t i = 0; i < parts; ++i)
        split_store(m_store, folder / part_name(i), {i, parts});
}

void sharded_campaign::check_part(const std::filesystem::path& folder, const shard& part) const {
    const auto file = folder / part_name(part.index);
    const campaign_store store(file, campaign_store::access::read);
    store.check_same(m_header.identity);
    if (store.header().part != part)
        throw user_error({file.string(), 0}, "",
                         fmt::format("is part {} of {}, not {} of {}", store.header().part.index,
                                     store.header().part.count, part.index, part.count));
}

std::optional<sharded_work_if::count> sharded_campaign::count_of(const std::filesystem::path& folder,
                                                                 const shard& part) const {
    const auto finished = finished_in(folder / part_name(part.index));
    if (!finished)
        return std::nullopt;
    // Numbers are dense and begin with 1.
    const auto upto = [&](std::uint64_t last) {
        return last / part.count + (last % part.count >= part.index);
    };
    return count{*finished, upto(m_header.runs) - (part.index == 0 ? 1 : 0)};
}

std::vector<task_word> sharded_campaign::task(std::uint64_t, unsigned jobs) const {
    return {{m_program.string()},      {"campaign"}, {"resume"},
            {"part", true, ".sqlite"}, {"--jobs"},   {std::to_string(jobs)}};
}

std::vector<std::string> sharded_campaign::merge(std::uint64_t parts) const {
    std::vector<std::string> words = {m_program.string(), "campaign", "merge",         "--complete",
                                      "--replace",        "--out",    m_store.string()};
    for (std::uint64_t i = 0; i < parts; ++i)
        words.push_back(part_name(i));
    return words;
}

}  // namespace vtwin::scenario
