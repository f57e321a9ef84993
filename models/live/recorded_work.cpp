#include "models/live/recorded_work.h"

#include <utility>

namespace vtwin::models::live {

std::optional<work_if::item> recorded_work::next() {
    if (m_next == m_recording.operations.size()) {
        if (!std::exchange(m_told, true))
            on_end();
        return std::nullopt;
    }
    const auto& recorded = m_recording.operations[m_next];
    return item{recorded.what, m_now() + recorded.think};
}

void recorded_work::done(const operation&, answer result) {
    const std::size_t number = m_next++;
    const auto& recorded = m_recording.operations[number];
    if (result.what == recorded.status && result.data == recorded.answered)
        return;
    if (m_different++ == 0)
        m_first_different = number;
}

}  // namespace vtwin::models::live
