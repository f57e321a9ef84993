# What tools/vtwin and tools/test share: packages, configuration, build. Sourced, never run.
# The caller has set `root` to the top of the source tree.

if [ -t 2 ]; then on_terminal=1; else on_terminal=0; fi

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 2
}

say() { printf '%s\n' "$*" >&2; }

# A line that is overwritten by the next one; silent when nobody looks.
progress() {
    if [ "$on_terminal" = 1 ]; then printf '\r\033[K%s' "$*" >&2; fi
}
progress_done() {
    if [ "$on_terminal" = 1 ]; then printf '\r\033[K' >&2; fi
}

require_debian() {
    local id="" version=""
    if [ -r /etc/os-release ]; then
        id=$(. /etc/os-release && printf '%s' "${ID:-}")
        version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
    fi
    if [ "$id" != debian ] || [ "${version%%.*}" != 12 ] || ! command -v dpkg-query >/dev/null; then
        fail "this program builds on Debian 12 (bookworm); this machine runs ${id:-an unknown system} ${version}" \
             "a Debian 12 container or virtual machine is enough"
    fi
}

# packages_of SET...: names from packages.txt that belong to one of the sets.
packages_of() {
    local wanted=" $* " name sets set
    while read -r name sets; do
        case "$name" in ''|'#'*) continue ;; esac
        for set in ${sets//,/ }; do
            case "$wanted" in *" $set "*) printf '%s\n' "$name"; break ;; esac
        done
    done < "$root/tools/packages.txt"
}

missing_packages() {
    local wanted installed
    wanted=$(packages_of "$@" | sort)
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null |
                sed -n 's/^ii *//p' | sort -u)
    comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

# ensure_packages SET...: installs what is missing, once; says what and why it failed.
ensure_packages() {
    local missing log as_root=()
    require_debian
    missing=$(missing_packages "$@" | tr '\n' ' ')
    missing=${missing% }
    [ -z "$missing" ] && return
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            fail "packages are missing and installing them needs root" "run as root: apt-get install $missing"
        fi
    fi
    say "installing Debian packages: $missing"
    mkdir -p "$root/build"
    log=$root/build/packages.log
    # shellcheck disable=SC2086
    if ! { "${as_root[@]}" apt-get update &&
           "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
         } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        if grep -qE 'Temporary failure resolving|Could not connect|Failed to fetch|Unable to connect' "$log"; then
            fail "the packages could not be fetched: no network, or no package source" "log: $log"
        fi
        fail "installing the packages failed" "log: $log"
    fi
}

# The chart library of HTML reports, in the version that tools/report/package-lock.json names. Only those who want such a
# report need npm; one that is not Debian's will do.
ensure_chart_library() {
    local place=$root/build/report log=$root/build/report.log
    if [ -s "$place/charts.js" ] && cmp -s "$root/tools/report/package-lock.json" "$place/package-lock.json"; then return; fi
    command -v npm >/dev/null || ensure_packages report
    say "fetching the chart library"
    rm -rf "$place.new"
    mkdir -p "$place.new"
    cp "$root/tools/report/package.json" "$root/tools/report/package-lock.json" "$place.new"
    if ! (cd "$place.new" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
        rm -rf "$place.new"
        tail -n 5 "$log" >&2
        fail "the chart library of HTML reports could not be fetched from the npm registry" "log: $log"
    fi
    # The licences travel with the code, in front of it.
    (cd "$place.new/node_modules" &&
     { for each in echarts/NOTICE zrender/LICENSE; do printf '/*\n%s:\n' "$each"; cat "$each"; printf '*/\n'; done
       cat echarts/dist/echarts.min.js; } >"$place.new/charts.js")
    rm -rf "$place.new/node_modules" "$place"
    mv "$place.new" "$place"
}

# configure PRESET [cmake option...]: only when the build tree is not there, or an option is given.
configure() {
    local preset=$1 build log
    shift
    build=$root/build/$preset
    log=$root/build/$preset-configure.log
    mkdir -p "$root/build"
    if ! (cd "$root" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
        grep -A5 -E 'CMake Error|error:' "$log" | head -n 30 >&2
        fail "configuring failed" "log: $log"
    fi
}

# build PRESET WHAT [target...]: quiet; a percentage on a terminal; the errors and nothing else when it fails.
build() {
    local preset=$1 what=$2 build log line status=0
    shift 2
    build=$root/build/$preset
    log=$root/build/$preset-build.log
    if [ "$on_terminal" = 0 ]; then say "building $what"; fi
    NINJA_STATUS='@%p@ ' ninja -C "$build" "$@" 2>&1 | tee "$log" |
        while IFS= read -r line; do
            case "$line" in
                @*%@*) line=${line#@}; progress "building $what: ${line%%@*}" ;;
            esac
        done || status=$?
    progress_done
    if [ "$status" != 0 ]; then
        grep -vE '^@ *[0-9]+%@|^ninja: ' "$log" | grep -E -A6 'error|undefined reference|FAILED|fatal' |
            head -n 60 >&2
        fail "building $what failed" "log: $log"
    fi
}

# True when a source is newer than the last successful build. Added and removed files show in their folder's time.
sources_changed_since() {
    local stamp=$1
    [ -e "$stamp" ] || return 0
    [ -n "$(cd "$root" && find CMakeLists.txt CMakePresets.json hypervisor tpm models traces scenarios tools \
            \( -type d -o -name '*.cpp' -o -name '*.h' -o -name '*.def' -o -name '*.in' -o -name '*.css' -o -name '*.js' \
               -o -name CMakeLists.txt -o -name CMakePresets.json \) -newer "$stamp" -print -quit)" ]
}

# One preparation at a time in one tree.
lock_build_tree() {
    mkdir -p "$root/build"
    exec 9>"$root/build/.lock" || fail "cannot write to $root/build"
    if ! flock -n 9; then
        say "waiting for another build in this tree"
        flock 9
    fi
}
