// The verifier: challenges guests and judges what they show. It knows the reference values and the public
// keys of the authorities, and nothing of the machine.
#pragma once

#include <functional>
#include <map>

#include "models/remote/appraisal.h"

namespace vtwin::models::remote {

/// Makes every check on evidence whose nonce `fresh` accepts (with a sentence), and gives each a sentence.
verdict appraise(const evidence& shown, const public_directory& directory, const verifier_config& policy,
                 const std::function<bool(appraisal&)>& fresh);

class verifier {
  public:
    verifier(verifier_config config, tpm::entropy_if& entropy);

    /// A fresh nonce for a guest that the references name; nullopt for another.
    std::optional<challenge_reply> challenge(const challenge_request& request);
    /// Spends the nonce, then makes every check and gives each a sentence. Trusted only when all passed.
    verdict judge(const evidence& shown, const public_directory& directory);
    const verifier_config& config() const { return m_config; }

  private:
    bool nonce_good(appraisal& a);

    verifier_config m_config;
    tpm::entropy_if& m_entropy;
    std::map<std::string, std::string>
        m_open_nonces;  ///< hexadecimal nonce to the guest that it was given to
    std::map<std::string, std::string> m_spent_nonces;
};

}  // namespace vtwin::models::remote
