// What runs attestations and loads in a guest's user space, whatever the family of its vTPM.
#pragma once

#include <string>
#include <vector>

#include "models/attestation/messages.h"
#include "models/guest/ima_log.h"

namespace vtwin::models {

class guest_agent_if {
  public:
    virtual ~guest_agent_if() = default;
    /// Keys and a certificate from the privacy CA; at later boots only what makes the keys usable again.
    /// False with `problem` when refused.
    virtual bool enrol(std::string& problem) = 0;
    /// Asks for a nonce, quotes and hands the evidence over; nullopt with `problem` when it did not come to a
    /// verdict. `claims` holds the logs and what the guest says of itself; the rest is filled in.
    virtual std::optional<verdict> attest(evidence claims, std::string& problem) = 0;
    /// The evidence of the last attestation, as sent.
    virtual const evidence& last_evidence() const = 0;
    /// One quote of the vTPM, one deep quote; after enrol(). False with `problem` when refused.
    virtual bool quote(const challenge_reply& challenge, std::string& problem) = 0;
    virtual bool deep_quote(const challenge_reply& challenge, std::string& problem) = 0;
};

}  // namespace vtwin::models
