// What the processes of a campaign tell each other, as bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/campaign/execution.h"

namespace vtwin::scenario {

/// Says what became of a run, of a fault-free world, or why a process gave up.
struct campaign_message {
    enum class kind : std::uint8_t {
        result,   ///< `run`
        golden,   ///< `record` and `crossings`
        mistake,  ///< the user's, in `text`: the scenario does not load
        failure,  ///< our own bug, in `text`
    };
    kind what = kind::failure;
    std::size_t task = 0;  ///< of the sender
    finished_run run;
    run_record record;
    std::vector<std::uint64_t> crossings;
    std::string text;
};

std::string encode(const campaign_message& message);
/// nullopt when the bytes are no message of this program.
std::optional<campaign_message> decode(const std::string& bytes);

/// Both ends of a channel from many processes to one. A message arrives whole or not at all.
class message_channel {
  public:
    /// Throws std::runtime_error when the system has no more descriptors.
    message_channel();
    ~message_channel();
    message_channel(const message_channel&) = delete;
    message_channel& operator=(const message_channel&) = delete;

    /// For senders. A record that is too large for one datagram loses the end of its history.
    void send(campaign_message message) const;
    /// For the receiver: the next message, or nullopt after `milliseconds` without one.
    std::optional<campaign_message> receive(int milliseconds);

  private:
    int m_ends[2] = {-1, -1};
};

}  // namespace vtwin::scenario
