// The shell script that stands beside evidence files and has public tools check them.
#pragma once

namespace vtwin::models::remote {

/// POSIX shell. Prints "ok", "FAILED" or "skipped" (no such tool here) per check; exits with 1 when one
/// failed.
inline constexpr const char* verify_script = R"script(#!/bin/sh
# usage: verify.sh [AUTHORITIES [EVIDENCE]]
# Has public tools check the evidence in this folder: openssl for certificates, signatures, hashes and the deep quote,
# tpm-quote-tools for TPM 1.2 quotes, tpm2-tools for TPM 2.0 quotes and boot logs, evmctl for IMA's list, jq for JSON.
# What a tool that is not installed would have checked is skipped. README says what the files hold.
# AUTHORITIES: a folder with manufacturer.pem, privacy-ca.pem, saa-modulus.bin and configuration-*.bin from somebody
# whom you trust; without it those beside the evidence are believed. EVIDENCE: another folder than the script's own, so
# that a stranger's is checked by a script of yours. Exit code 1: something did not hold.
here=${2:-$(dirname "$0")}
authorities=$(cd "${1:-$here}" && pwd) && cd "$here" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
seen=0

# check WHAT TOOL COMMAND ARGUMENTS: silent unless it fails.
check() {
    what=$1
    tool=$2
    shift 2
    if ! command -v "$tool" >/dev/null 2>&1; then
        printf '%s\n' "skipped $what: no $tool here"
    elif "$@" >"$work/said" 2>&1; then
        printf '%s\n' "ok      $what"
    else
        printf '%s\n' "FAILED  $what"
        tr -cd '[:print:]\n' <"$work/said" | cut -c 1-160 | sed 's/^/        /'
        failed=1
    fi
}
# A name from the evidence as one line for a terminal.
printable() { printf %s "$1" | tr -c '[:print:]' '?'; }
same() { [ "$1" = "$2" ] || { printf '%s\nis not\n%s\n' "$1" "$2"; return 1; }; }

# ---- octets, written as hexadecimal digits
hex() { od -An -v -tx1 "$@" | tr -d ' \n'; }
octets() {
    printf '%b' "$(printf '%s\n' "$1" | awk '{ for (i = 1; i < length($0); i += 2)
        printf "\\0%03o", 16 * index(digits, substr($0, i, 1)) + index(digits, substr($0, i + 1, 1)) - 17
    }' digits=0123456789abcdef -)"
}
sha1() { octets "$1" | openssl dgst -sha1 -r | cut -c 1-40; }
sha256() { octets "$1" | openssl dgst -sha256 -r | cut -c 1-64; }
zeros() { printf "%0$((2 * $1))d" 0; }
ones() { awk -v n="$1" 'BEGIN { for (; n >= 1; n = int(n / 2)) sum += n % 2; print sum + 0 }'; }
# A number as a mask of three octets, PCR 0 first.
mask() { printf '%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)); }
# TPM_COMPOSITE_HASH of the PCRs in a mask, and of their values.
composite() {
    if [ "$1" = 0 ]; then zeros 20; else sha1 "0003$(mask "$1")$(printf %08x $((${#2} / 2)))$2"; fi
}

# ---- certificates, whose dates are those of the simulation
certified() { openssl verify -no_check_time -check_ss_sig -no-CApath -no-CAstore -CAfile "$authorities/$1" "$2"; }
subject_has() { openssl x509 -in "$2" -noout -subject -nameopt sep_multiline | sed 's/^ *//' | grep -xF "$1"; }
issued() { certified "$1" "$3" && subject_has "OU=$2" "$3"; }
key_of() { openssl x509 -in "$1" -pubkey -noout; }
is_key_of() { key_of "$2" | cmp - "$1"; }
signed() { openssl dgst -sha1 -verify "$1" -signature "$2" "$3"; }
# TPM_PUBKEY of a certified AIK.
tpm_pubkey() {
    printf 00000001000100020000000c00000800000000020000000000000100
    openssl x509 -in "$1" -noout -modulus | sed 's/^Modulus=//' | tr A-F a-f | tr -d '\n'
}
is_tss_blob_of() { same "$(hex "$1")" "3082012a0201010201020202011c0482011c$(tpm_pubkey "$2")"; }

# ---- the guest's quote: the quoted PCRs in lines "4=0a..." and their values in a row, as pcrs.txt has them
choose() {
    sed -n 's/^PCR-0*\([0-9][0-9]*\):/\1=/p' pcrs.txt | tr -d ' ' | tr A-F a-f |
        awk -F= -v mask="$quoted" 'int(mask / 2 ^ $1) % 2' >"$work/quoted"
    values=$(cut -d= -f2 "$work/quoted" | tr -d '\n')
}
# TPM_QUOTE_INFO or TPM_QUOTE_INFO2, made anew.
quote12() {
    if head -c 6 quote-info.bin | grep -aq 'QUT2$'; then
        info=0003$(mask "$quoted")01$(composite "$quoted" "$values")
        same "$(hex quote-info.bin)" "003651555432$(hex nonce.bin)$info"
    else
        same "$(hex quote-info.bin)" "0101000051554f54$(composite "$quoted" "$values")$(hex nonce.bin)"
    fi
}
quote_hash() { same "$(hex quote.hash)" "003651555432$(zeros 20)$(tail -c 26 quote-info.bin | hex)"; }
quote_values() { tr A-F a-f <quote.values | diff - "$work/quoted"; }
# A TPMS_ATTEST of a quote ends with the selection of one bank and the digest of its values.
quote20() {
    same "$(head -c 6 quote.msg | hex)" ff5443478018 &&
        same "$(tail -c 44 quote.msg | hex)" "00000001000b03$(mask "$quoted")0020$(sha256 "$values")"
}
checkquote() { tpm2_checkquote -u "$1" -m quote.msg -s quote.sig -f quote.pcrs -g sha256 -q "$(hex nonce.bin)"; }
# The values that tpm2_checkquote reads from quote.pcrs.
serialized() {
    checkquote ak.tss >"$work/shown" &&
        sed -n 's/^ *\([0-9][0-9]*\) *: 0x/\1=/p' "$work/shown" | tr A-F a-f | diff - "$work/quoted"
}
base64() { openssl base64 -A -in "$1"; }
# keylime-quote.json says the same as the files.
keylime() {
    printf 'r%s:%s:%s' "$(base64 quote.msg)" "$(base64 quote.sig)" "$(base64 quote.pcrs)" >"$work/quote"
    base64 ak.tss >"$work/ak"
    base64 binary_bios_measurements >"$work/boot"
    jq -e --rawfile quote "$work/quote" --rawfile ak "$work/ak" --rawfile boot "$work/boot" \
        --rawfile ima ascii_runtime_measurements '. == {code: 200, status: "Success", results: {quote: $quote,
            hash_alg: "sha256", enc_alg: "rsa", sign_alg: "rsassa", ak_tpm: $ak, ima_measurement_list: $ima,
            ima_measurement_list_entry: 0, mb_measurement_list: $boot}}' keylime-quote.json
}

# ---- logs
# tpm2_eventlog only warns of a digest that is not its event's.
replayed() { tpm2_eventlog binary_bios_measurements >"$work/log" 2>"$work/warned" && [ ! -s "$work/warned" ]; }
# Each PCR that the log extends is quoted with what the log comes to; the other quoted ones were not extended, but for
# PCR 10, which is IMA's.
explained() {
    [ -s "$work/quoted" ] || return 1
    { [ ! -s binary_bios_measurements ] || tpm2_eventlog binary_bios_measurements 2>/dev/null; } |
        awk -v bank="$bank:" '
            FNR == NR { at = index($0, "="); quoted[substr($0, 1, at - 1)] = substr($0, at + 1); next }
            /^pcrs:/ { in_pcrs = 1; in_bank = 0; split("", logged); next }
            in_pcrs && NF == 1 { in_bank = $1 == bank }
            in_pcrs && in_bank && NF == 3 { logged[$1 + 0] = substr($3, 3) }
            END {
                for (pcr = 0; pcr < 24; ++pcr) {
                    expected = pcr in logged ? "^" logged[pcr] "$" : pcr >= 17 && pcr <= 22 ? "^f*$" : "^0*$"
                    if (pcr in logged && !(pcr in quoted)) { print "PCR " pcr " is not quoted"; bad = 1 }
                    else if (pcr in quoted && quoted[pcr] !~ expected && (pcr != 10 || pcr in logged)) {
                        print "PCR " pcr " is " quoted[pcr] ", the log comes to " logged[pcr]; bad = 1 }
                }
                exit bad
            }' "$work/quoted" -
}
# IMA's list leads to PCR 10, which is quoted; without a list it was not extended.
ima_replayed() {
    if [ -s binary_runtime_measurements ]; then
        grep '^10=' "$work/quoted" && evmctl ima_measurement --pcrs "$bank,pcrs.txt" binary_runtime_measurements
    else
        ! grep '^10=.*[1-9a-f]' "$work/quoted"
    fi
}
# Both forms of the list say the same.
ima_in_text() {
    { [ ! -s binary_runtime_measurements ] ||
        evmctl -v ima_measurement --pcrs "$bank,pcrs.txt" binary_runtime_measurements; } 2>&1 | grep '^10 ' |
        sed 's/ *$//' >"$work/list"
    sed 's/ *$//' ascii_runtime_measurements | diff - "$work/list"
}
aggregated() {
    evmctl ima_boot_aggregate --pcrs "$bank,pcrs.txt" >"$work/aggregate" &&
        same "$(head -n 1 ascii_runtime_measurements | cut -d ' ' -f 4)" "$(tail -n 1 "$work/aggregate")"
}

# ---- the deep quote
# field NAME: a number of deep-quote.json.
field() { sed -nE "s/^ *\"$1\": (0|[1-9][0-9]{0,8}),?\$/\1/p" deep-quote.json | grep . || echo 0; }
read_deep_quote() {
    flags=$(field flags)
    quoted=$(field vtpm_pcr_mask)
    hardware=$(field hardware_pcr_mask)
    locality=$(field locality)
    body=$(tail -c +257 deep-quote.bin | hex)
    digests=$(printf '%.*s' $((40 * $(ones "$flags"))) "$body")
    hardware_values=${body#"$digests"}
}
signature_is_first() { head -c 256 deep-quote.bin | cmp - deep-quote.sig; }
# TPM_QUOTE_INFO of the hardware TPM, made anew from nonce, guest's quote and what the manager adds.
deep_quote_info() {
    if [ -e quote.msg ]; then
        shown=$(sha1 "$(hex quote.msg)$(hex quote.sig)")
        inner=$(sha1 "0000000044515432$(sha1 "$(hex nonce.bin)$shown")$(printf %02x "$locality")")
    else
        shown=$(sha1 "$(tpm_pubkey aik.pem)")
        info=0003$(mask "$quoted")$(printf %02x $((1 << locality)))$(composite "$quoted" "$values")
        inner=$(sha1 "0000000044515554$(sha1 "$(hex nonce.bin)$shown")$info")
    fi
    external=$(sha1 "$(mask "$flags")00$inner$digests")
    same "$(hex deep-quote-info.bin)" "0101000051554f54$(composite "$hardware" "$hardware_values")$external"
}
# By a platform's key that the privacy CA certified as such.
signed_by_platform() {
    for platform in ../platform-aik-*.pem; do
        issued privacy-ca.pem "platform attestation identity key" "$platform" || continue
        key_of "$platform" >"$work/platform.pem"
        signed "$work/platform.pem" deep-quote.sig deep-quote-info.bin && return 0
    done
    return 1
}
# The digest that a flag asked for is one of these.
vouched() {
    flag=$1
    shift
    place=$(ones $((flags & (flag - 1))))
    digest=$(printf %s "$digests" | cut -c $((40 * place + 1))-$((40 * place + 40)))
    for octets in "$@"; do
        [ "$(sha1 "$octets")" = "$digest" ] && return 0
    done
    return 1
}
vouched_configuration() {
    set --
    for list in "$authorities"/configuration-*.bin; do
        set -- "$@" "$authority$(hex "$list")"
    done
    vouched 4 "$@"
}

check_guest() {
    bank=sha1
    read_deep_quote
    choose
    check "$guest: AIK was certified by the privacy CA" openssl \
        issued privacy-ca.pem "guest attestation identity key" aik.pem
    check "$guest: AIK is made out to ${guest%-*}" openssl subject_has "CN=${guest%-*}" aik.pem
    key_of aik.pem >"$work/aik.pem" 2>/dev/null
    if [ -e quote.msg ]; then
        bank=sha256
        check "$guest: quote over nonce and PCRs, by aik.pem" tpm2_checkquote checkquote "$work/aik.pem"
        check "$guest: quote over nonce and PCRs, by ak.tss" tpm2_checkquote checkquote ak.tss
        check "$guest: quoted values are those of pcrs.txt" openssl quote20
        check "$guest: quoted values are those of quote.pcrs" tpm2_checkquote serialized
        check "$guest: ak.pub.pem is the certified key" openssl is_key_of ak.pub.pem aik.pem
        check "$guest: keylime-quote.json is of the same" jq keylime
    else
        check "$guest: quote over the nonce" openssl signed "$work/aik.pem" quote.sig quote-info.bin
        check "$guest: quoted values are those of pcrs.txt" openssl quote12
        check "$guest: aik.pub is the certified key" openssl is_tss_blob_of aik.pub aik.pem
        check "$guest: quote over the nonce, by aik.pub" tpm_verifyquote \
            tpm_verifyquote aik.pub quote-info.bin nonce.bin quote.sig
        if [ -e quote.values ]; then
            check "$guest: quote.values are those of pcrs.txt" openssl quote_values
            check "$guest: quote.hash is of quote-info.bin" openssl quote_hash
            check "$guest: quote over nonce and hash" tpm_verifyquote \
                tpm_verifyquote aik.pub quote.hash nonce.bin quote.sig
            check "$guest: quoted values have a hash" tpm_updatepcrhash \
                tpm_updatepcrhash quote.hash quote.values "$work/hash"
            check "$guest: quote over nonce and values" tpm_verifyquote \
                tpm_verifyquote aik.pub "$work/hash" nonce.bin quote.sig
        fi
    fi
    [ ! -s binary_bios_measurements ] || check "$guest: boot log can be replayed" tpm2_eventlog replayed
    check "$guest: boot log leads to the PCRs" tpm2_eventlog explained
    check "$guest: IMA's list and PCR 10" evmctl ima_replayed
    check "$guest: IMA's list is the same in both forms" evmctl ima_in_text
    [ ! -s binary_runtime_measurements ] || check "$guest: boot aggregate is that of the PCRs" evmctl aggregated
    check "$guest: deep quote is over nonce and quote" openssl deep_quote_info
    check "$guest: deep quote was signed by a platform" openssl signed_by_platform
    check "$guest: deep quote begins with its signature" cmp signature_is_first
    authority=$(hex "$authorities/saa-modulus.bin")
    [ $((flags & 4)) = 0 ] || check "$guest: deep quote names a signed configuration" openssl vouched_configuration
    [ $((flags & 8)) = 0 ] || check "$guest: deep quote names the authority" openssl vouched 8 "$authority"
}

# No nonce serves twice.
nonces_differ() {
    for nonce in */nonce.bin; do
        hex "$nonce"
        echo
    done | sort | uniq -d >"$work/twice"
    [ ! -s "$work/twice" ] || { cat "$work/twice"; return 1; }
}
# policy.json lists whom the verifier has judged.
judged() { sed -n '/^ *"judged": \[/,/\]/s/^ *"\([^"]*\)",\{0,1\}$/\1/p' policy.json; }

for chip in chip-ek-*.pem; do
    [ ! -e "$chip" ] || check "$(printable "$chip") was issued by the manufacturer" openssl \
        issued manufacturer.pem "endorsement key" "$chip"
done
for platform in platform-aik-*.pem; do
    [ ! -e "$platform" ] || check "$(printable "$platform") was issued by the privacy CA" openssl \
        issued privacy-ca.pem "platform attestation identity key" "$platform"
done
check "no nonce was used twice" cmp nonces_differ
judged >"$work/judged"
check "policy.json names who was judged" cmp test -s "$work/judged"
while IFS= read -r guest; do
    [ -e "$guest/evidence.json" ] || check "$(printable "$guest"): there is its evidence" cmp false
done <"$work/judged"
for folder in */evidence.json; do
    [ -e "$folder" ] || continue
    guest=$(printable "${folder%/*}")
    seen=1
    cd "./${folder%/*}" || exit 1
    check_guest
    cd ..
done
if [ "$seen" = 0 ]; then
    echo "FAILED  there is no guest's evidence here"
    failed=1
fi
exit $failed
)script";

}  // namespace vtwin::models::remote
