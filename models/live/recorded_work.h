// What clients once asked of a guest's TPM, done again.
#pragma once

#include <functional>
#include <vector>

#include "models/live/operation.h"

namespace vtwin::models::live {

/// One operation as it was recorded.
struct recorded_operation {
    operation what;
    sc_core::sc_time think;  ///< from the end of the one before, or from the moment that the guest served
    answer::status status = answer::status::done;
    bytes answered;  ///< response, or what else came
};

struct recording {
    tpm::family version = tpm::family::tpm12;  ///< of the TPM that it was made with
    start_mode start = start_mode::guest;
    place at = place::guest;
    std::vector<recorded_operation> operations;
};

/// Gives the operations of a recording one after the other, each after the same idle time as then.
class recorded_work final : public work_if {
  public:
    /// `what` must outlive this. `now`: the guest's clock.
    recorded_work(const recording& what, std::function<sc_core::sc_time()> now)
        : m_recording(what), m_now(std::move(now)) {}

    std::optional<item> next() override;
    void done(const operation& what, answer result) override;

    /// Called once, when all were done.
    std::function<void()> on_end = [] {};
    std::size_t performed() const { return m_next; }
    /// How many answers were not those of the recording: random numbers and keys differ with another seed.
    std::size_t different() const { return m_different; }
    /// Number, from 0, of the operation whose answer was the first that differed; only when one did.
    std::size_t first_different() const { return m_first_different; }

  private:
    const recording& m_recording;
    std::function<sc_core::sc_time()> m_now;
    std::size_t m_next = 0, m_different = 0, m_first_different = 0;
    bool m_told = false;
};

}  // namespace vtwin::models::live
