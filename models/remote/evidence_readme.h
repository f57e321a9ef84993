// The text that stands beside evidence files: what each holds, and the layout of a deep quote.
#pragma once

namespace vtwin::models::remote {

inline constexpr const char* evidence_readme = R"readme(Evidence of a run
=================

What the verifier was shown, as files for the tools that check it. "sh verify.sh" calls them; "vtwin verify RUN" judges
the same files against what the verifier approves. Octets are as the standards have them: TPM structures big-endian,
files for Linux and tpm2-tools little-endian.

Authorities. Whoever can change this folder can change them too: take them from somewhere else where that matters
("verify.sh AUTHORITIES [EVIDENCE]", "vtwin verify --authorities DIR").
  manufacturer.pem      root certificate of the chips' manufacturer
  chip-ek-N.pem         endorsement key of a hardware TPM
  privacy-ca.pem        root certificate of the privacy CA
  platform-aik-N.pem    key of a platform's manager, in its hardware TPM, that signs deep quotes
  saa-modulus.bin       RSA modulus (e = 65537) of the authority that signs the manager's configurations
  configuration-N.bin   configurations that it signed, oldest first (CFG_LIST of Xen's vtpmmgr)
  policy.json           what the verifier approves (digests, logs, PCR masks), and whom it judged

Each attestation, below GUEST-N/:
  nonce.bin             20 octets, given out once
  aik.pem               certificate of the guest's AIK
  pcrs.txt              all PCRs as the guest claims them (TPM 1.2: SHA-1, TPM 2.0: SHA-256)
  binary_bios_measurements, binary_runtime_measurements, ascii_runtime_measurements    as in securityfs
  boot-log.txt          the events of the boot log to read: PCR, digests, description
  evidence.json         everything the guest sent; the other files follow from it
  verdict.json, verdict.txt    what the verifier made of it
A TPM 1.2 quotes by TPM_Quote or TPM_Quote2:
  quote-info.bin        TPM_QUOTE_INFO or TPM_QUOTE_INFO2, with nonce
  quote.sig             its RSASSA-PKCS1-v1_5 SHA-1 signature by the AIK
  aik.pub               the AIK as a TSS_BLOB
  quote.hash, quote.values    TPM_Quote2: as tpm_getpcrhash writes them
A TPM 2.0:
  ak.pub.pem, ak.tss    the AK: SubjectPublicKeyInfo, TPM2B_PUBLIC
  quote.msg, quote.sig  TPMS_ATTEST, TPMT_SIGNATURE
  quote.pcrs            the quoted values as "tpm2_quote -F serialized" writes them
  keylime-quote.json    the answer of a keylime agent to a quote request

Deep quote
----------
The hardware TPM (a TPM 1.2) signs for the vTPM's manager that one of its vTPMs made the guest's quote.
  deep-quote.json       flags, vtpm_pcr_mask, hardware_pcr_mask (bit N: PCR N), locality: numbers
  deep-quote.bin        256 octets signature by a platform's AIK;
                        20 octets per flag that is set, in the order of the flags:
                          1 SHA-1(uuid of the vTPM)              2 SHA-1(SHA-1(label of its domain))
                          4 SHA-1(saa-modulus || configuration)  8 SHA-1(saa-modulus)
                        20 octets per PCR of hardware_pcr_mask, lowest first: its value
  deep-quote-info.bin   what is signed (RSASSA-PKCS1-v1_5, SHA-1), 48 octets:
                        01010000 "QUOT" COMPOSITE(hardware_pcr_mask, values) EXTERNAL
  deep-quote.sig        the first 256 octets of deep-quote.bin
with
  COMPOSITE(mask, values) = SHA-1(0003 mask || 4 octets length of the values || values), mask: 3 octets, PCR 0 to 7
                            first, the lowest PCR in the lowest bit of each; 20 zero octets when the mask is zero
  EXTERNAL = SHA-1(flags, 4 octets little-endian || INNER || the digests of deep-quote.bin)
  TPM 1.2: INNER = SHA-1(00000000 "DQUT" EXTERN || 0003 mask || one octet with bit LOCALITY || COMPOSITE)
           of the vTPM's PCRs in vtpm_pcr_mask; EXTERN = SHA-1(nonce || SHA-1(TPM_PUBKEY of the AIK))
           TPM_PUBKEY: 00000001 0001 0002 0000000c 00000800 00000002 00000000 00000100 || modulus
  TPM 2.0: INNER = SHA-1(00000000 "DQT2" EXTERN || one octet LOCALITY)
           EXTERN = SHA-1(nonce || SHA-1(quote.msg || quote.sig))
)readme";

}  // namespace vtwin::models::remote
