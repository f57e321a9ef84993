#include "traces/interval_set.h"

#include <algorithm>

namespace vtwin::trace {

void interval_set::add(std::uint64_t begin, std::uint64_t end) {
    if (begin >= end)
        return;
    // All spans that touch the new one are merged with it; usually that is the last or none.
    auto first = m_spans.end();
    while (first != m_spans.begin() && std::prev(first)->end >= begin)
        --first;
    auto last = first;
    while (last != m_spans.end() && last->begin <= end) {
        begin = std::min(begin, last->begin);
        end = std::max(end, last->end);
        ++last;
    }
    if (first == last) {
        m_spans.insert(first, {begin, end});
    } else {
        *first = {begin, end};
        m_spans.erase(std::next(first), last);
    }
}

void interval_set::add(const interval_set& other) {
    for (const span& each : other.m_spans)
        add(each.begin, each.end);
}

void interval_set::forget_before(std::uint64_t time) {
    const auto keep = std::ranges::find_if(m_spans, [&](const span& each) { return each.end > time; });
    m_spans.erase(m_spans.begin(), keep);
    if (!m_spans.empty())
        m_spans.front().begin = std::max(m_spans.front().begin, time);
}

std::uint64_t interval_set::length() const {
    std::uint64_t sum = 0;
    for (const span& each : m_spans)
        sum += each.end - each.begin;
    return sum;
}

interval_set interval_set::intersected(const interval_set& other) const {
    interval_set common;
    auto mine = m_spans.begin();
    auto theirs = other.m_spans.begin();
    while (mine != m_spans.end() && theirs != other.m_spans.end()) {
        common.add(std::max(mine->begin, theirs->begin), std::min(mine->end, theirs->end));
        if (mine->end < theirs->end)
            ++mine;
        else
            ++theirs;
    }
    return common;
}

interval_set interval_set::without(const interval_set& other) const {
    interval_set rest;
    auto cut = other.m_spans.begin();
    for (const span& each : m_spans) {
        std::uint64_t from = each.begin;
        while (cut != other.m_spans.end() && cut->end <= from)
            ++cut;
        for (auto next = cut; next != other.m_spans.end() && next->begin < each.end; ++next) {
            if (next->begin > from)
                rest.m_spans.push_back({from, next->begin});
            from = std::max(from, next->end);
        }
        if (from < each.end)
            rest.m_spans.push_back({from, each.end});
    }
    return rest;
}

}  // namespace vtwin::trace
