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
    const auto& recorded = m_recording.operations[m_next++];
    if (result.what != recorded.status || result.data != recorded.answered)
        ++m_different;
}

}  // namespace vtwin::models::live
