# shellcheck shell=bash
# What the scripts here share: where things are, and how they speak. Sourced, never run.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
if [ -z "${HOME:-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
    export HOME
fi
# Tools and environments that outlive one checkout; nothing in it is needed, all of it saves time.
cache=${HERDSMAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/herdsman}
PATH=$cache/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
export PATH repo cache

say() { printf '%s\n' "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The release target of a processor name as people say it.
triple_of() {
    case $1 in
    x86_64 | amd64) echo x86_64-unknown-linux-musl ;;
    aarch64 | arm64) echo aarch64-unknown-linux-musl ;;
    *) die "unknown processor '$1': x86_64 or aarch64" ;;
    esac
}

# Where scripts/build-static leaves the binary for a processor.
static_binary() { echo "${CARGO_TARGET_DIR:-$repo/target}/$(triple_of "$1")/release/herdsman"; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# missing_packages WHAT=PACKAGE...: the packages of what is not here, one a line. WHAT is a command, or a file when it begins with a slash.
missing_packages() {
    local pair what
    for pair in "$@"; do
        what=${pair%%=*}
        case $what in
        /*) [ -e "$what" ] || echo "${pair#*=}" ;;
        *) have "$what" || echo "${pair#*=}" ;;
        esac
    done
}

# install_missing LOG WHAT=PACKAGE...: installs them.
install_missing() {
    local log=$1 missing
    shift
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || die "missing: ${missing[*]} (no apt-get here to install them with)"
    # A password is asked for here, not out of sight.
    [ "$(id -u)" = 0 ] || sudo -v || die "missing: ${missing[*]}; be root, or have sudo"
    quietly "installing ${missing[*]}" "$log" apt_install "${missing[@]}"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
}

rust_channel() { sed -n 's/^channel *= *"\(.*\)"/\1/p' "$repo/rust-toolchain.toml"; }

# get_rust LOG: rustup and the compiler of rust-toolchain.toml, without the targets and tools that only a release needs.
get_rust() {
    have rustup || quietly 'installing rustup' "$1" get_rustup
    hash -r
    rustup run "$(rust_channel)" rustc --version >/dev/null 2>&1 ||
        quietly "installing Rust $(rust_channel)" "$1" rustup toolchain install "$(rust_channel)" --profile minimal
}

# One release of rustup-init, held to its checksum; it changes no shell profile.
get_rustup() {
    local version=1.28.2 sum init
    case $(uname -m) in
    x86_64) sum=20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c ;;
    aarch64) sum=e3853c5a252fca15252d07cb23a1bdd9377a8c6f3efa01531109281ae47f841c ;;
    *) die "no rustup for $(uname -m) is known here: install it (https://rustup.rs), then try again" ;;
    esac
    init=$(mktemp -d)/rustup-init
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 --output "$init" \
        "https://static.rust-lang.org/rustup/archive/$version/$(uname -m)-unknown-linux-gnu/rustup-init"
    echo "$sum  $init" | sha256sum --check --quiet
    chmod +x "$init"
    "$init" -y --no-modify-path --profile minimal --default-toolchain none
    rm -r "${init%/*}"
}

# Whether a built file is newer than everything that it was built from.
newer_than_sources() {
    [ -x "$1" ] && [ -z "$(find "$repo"/agent "$repo"/Cargo.toml "$repo"/Cargo.lock "$repo"/rust-toolchain.toml -newer "$1" -print -quit)" ]
}

# quietly WHAT LOG COMMAND...: runs it with its output in LOG. A terminal sees that it lives, others a line at its beginning and
# its end; what fails is shown. The caller must have `trap stop_quiet EXIT`.
quietly() {
    local what=$1 log=$2 began=$SECONDS code=0 far
    shift 2
    [ -t 2 ] || say "$what ..."
    # A process group of its own, so that all of it can be ended. Cargo then says how far it is.
    set -m
    (
        set -e
        export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=100
        "$@"
    ) >"$log" 2>&1 </dev/null &
    quiet_pid=$!
    set +m
    while kill -0 "$quiet_pid" 2>/dev/null; do
        if [ -t 2 ]; then
            far=$(tail -c 400 "$log" | tr '\r' '\n' | grep -oE '[0-9]+/[0-9]+' | tail -n 1 || true)
            printf '\r\033[K%s ... %s s%s' "$what" $((SECONDS - began)) "${far:+, $far}" >&2
        fi
        sleep 0.3
    done
    wait "$quiet_pid" || code=$?
    quiet_pid=
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    if [ $code != 0 ]; then
        tail -n 40 "$log" | tr '\r' '\n' | sed 's/^/    | /' >&2
        die "$what failed (exit $code); all of it is in $log"
    fi
    if [ $((SECONDS - began)) -gt 2 ]; then say "$what: $((SECONDS - began)) s"; fi
}

stop_quiet() { if [ -n "${quiet_pid:-}" ]; then kill -- "-$quiet_pid" 2>/dev/null || true; fi; }
