// The shell script that stands beside evidence files and has public tools check them.
#pragma once

namespace vtwin::models::remote {

/// POSIX shell. Prints "ok", "FAILED" or "skipped" (no such tool here) per check; exits with 1 when one
/// failed.
inline constexpr const char* verify_script = R"script(#!/bin/sh
# Has public tools check the evidence in this folder: openssl for certificates and TPM 1.2 signatures,
# tpm-quote-tools for TPM 1.2 quotes, tpm2-tools for TPM 2.0 quotes and boot logs, evmctl for IMA's list. What a
# tool that is not installed would have checked is skipped. Exit code 1: something did not hold.
cd "$(dirname "$0")" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
seen=0

# check WHAT TOOL ARGUMENTS: silent unless it fails.
check() {
    what=$1
    shift
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skipped $what: no $1 here"
    elif "$@" >"$work/said" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        sed 's/^/        /' "$work/said"
        failed=1
    fi
}

# The certificates' dates are those of the simulation.
certified() { openssl verify -no_check_time -CAfile "$1" "$2"; }
key_of() { openssl x509 -in "$1" -pubkey -noout; }
made_out_to() { openssl x509 -in "$2" -noout -subject -nameopt sep_multiline | grep -q "^ *CN=$1\$"; }
signed() { openssl dgst -sha1 -verify "$1" -signature "$2" "$3"; }
# TPM_QUOTE_INFO ends with the nonce; in TPM_QUOTE_INFO2 it stands behind tag and name.
nonce_of() {
    if head -c 6 "$1" | grep -aq 'QUT2$'; then head -c 26 "$1" | tail -c 20; else tail -c 20 "$1"; fi
}
signed_with_nonce() { signed "$1" "$2" "$3" && nonce_of "$3" | cmp - "$4"; }
# "PCR-04: 0A ..." becomes "4=0A...".
listed() { sed -n 's/^PCR-0*\([0-9][0-9]*\):/\1=/p' "$1/pcrs.txt" | tr -d ' ' >"$work/listed"; }
quoted_are_listed() { listed "$1" && ! grep -vxFf "$work/listed" "$1/quote.values"; }
# By any of the platforms' keys.
signed_by_platform() {
    for platform in platform-aik-*.pem; do
        key_of "$platform" >"$work/platform.pem" || continue
        signed "$work/platform.pem" "$1" "$2" && return 0
    done
    return 1
}
# tpm2_eventlog only warns of a digest that is not its event's.
replayed() { tpm2_eventlog "$1" >"$work/log" 2>"$work/warned" && [ ! -s "$work/warned" ]; }
# Each PCR that the log comes to, in $bank, has the value that was shown.
explained() {
    tpm2_eventlog "$1" 2>/dev/null | awk -v bank="$bank:" '
        FNR == NR { value = ""; for (i = 2; i <= NF; i++) value = value tolower($i)
                    shown[substr($1, 5, 2) + 0] = value; next }
        $1 == "pcrs:" { in_pcrs = 1 }
        in_pcrs && NF == 1 { in_bank = $1 == bank }
        in_pcrs && in_bank && NF == 3 { seen = 1; if ("0x" shown[$1 + 0] != $3) { print "PCR", $1; bad = 1 } }
        END { exit bad || !seen }' "$2" -
}

for chip in chip-ek-*.pem; do
    [ -e "$chip" ] && check "$chip was issued by the manufacturer" certified manufacturer.pem "$chip"
done
for platform in platform-aik-*.pem; do
    [ -e "$platform" ] && check "$platform was issued by the privacy CA" certified privacy-ca.pem "$platform"
done
for guest in */; do
    guest=${guest%/}
    [ -e "$guest/evidence.json" ] || continue
    seen=1
    check "$guest: AIK was certified by the privacy CA" certified privacy-ca.pem "$guest/aik.pem"
    check "$guest: AIK is made out to ${guest%-*}" made_out_to "${guest%-*}" "$guest/aik.pem"
    key_of "$guest/aik.pem" >"$work/aik.pem"
    if [ -e "$guest/quote.msg" ]; then
        nonce=$(od -An -v -tx1 "$guest/nonce.bin" | tr -d ' \n')
        for key in "$work/aik.pem" "$guest/ak.tss"; do
            check "$guest: quote over nonce and PCRs, by ${key##*/}" tpm2_checkquote -u "$key" -m "$guest/quote.msg" \
                -s "$guest/quote.sig" -f "$guest/quote.pcrs" -g sha256 -q "$nonce"
        done
        bank=sha256
    else
        check "$guest: quote over the nonce" signed_with_nonce "$work/aik.pem" "$guest/quote.sig" \
            "$guest/quote-info.bin" "$guest/nonce.bin"
        check "$guest: quote over the nonce, by aik.pub" tpm_verifyquote "$guest/aik.pub" "$guest/quote-info.bin" \
            "$guest/nonce.bin" "$guest/quote.sig"
        if [ -e "$guest/quote.values" ]; then
            check "$guest: quoted values are those of pcrs.txt" quoted_are_listed "$guest"
            rm -f "$work/hash"
            check "$guest: quoted values have a hash" tpm_updatepcrhash "$guest/quote.hash" "$guest/quote.values" \
                "$work/hash"
            [ ! -e "$work/hash" ] || check "$guest: quote over nonce and values" tpm_verifyquote "$guest/aik.pub" \
                "$work/hash" "$guest/nonce.bin" "$guest/quote.sig"
            check "$guest: quote over nonce and hash" tpm_verifyquote "$guest/aik.pub" "$guest/quote.hash" \
                "$guest/nonce.bin" "$guest/quote.sig"
        fi
        bank=sha1
    fi
    if ! command -v tpm2_eventlog >/dev/null 2>&1; then
        echo "skipped $guest: boot log can be replayed: no tpm2_eventlog here"
    elif [ -s "$guest/binary_bios_measurements" ]; then
        check "$guest: boot log can be replayed" replayed "$guest/binary_bios_measurements"
        check "$guest: boot log leads to the PCRs" explained "$guest/binary_bios_measurements" "$guest/pcrs.txt"
    fi
    check "$guest: deep quote was signed by a platform" signed_by_platform "$guest/deep-quote.sig" \
        "$guest/deep-quote-info.bin"
    check "$guest: IMA's list and PCR 10" evmctl ima_measurement --pcrs "$bank,$guest/pcrs.txt" \
        "$guest/binary_runtime_measurements"
done
if [ "$seen" = 0 ]; then
    echo "FAILED  there is no guest's evidence here"
    failed=1
fi
exit $failed
)script";

}  // namespace vtwin::models::remote
