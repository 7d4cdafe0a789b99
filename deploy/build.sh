#!/bin/sh
# Builds the gateway for release: the one entry for every architecture.
#
#     deploy/build.sh [native|arm64]
#
# native  for this machine; needs Rust and a C compiler.
# arm64   for 64-bit boards such as a Raspberry Pi; needs Rust's standard library for aarch64 and a C cross compiler,
#         or, where CROSS is set (CROSS=1 deploy/build.sh arm64), the tool `cross` and a container engine instead.
#
# It installs nothing: what is missing is named, with the command that brings it.
# The programs land in target/dist/ARCHITECTURE/ with SHA256SUMS.
set -eu

# What flash and the way to a box over a mobile link bear.
LIMIT_MB=12
PROGRAMS="varde"

cd "$(dirname "$0")/.."
# Not the caller's: the outputs below are sought here.
CARGO_TARGET_DIR=$PWD/target
export CARGO_TARGET_DIR

say() {
    printf '%s\n' "$*" >&2
}

# need COMMAND "HOW TO GET IT": notes what is missing, so that all of it is named at once.
missing=
need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing
  $1: $2"
}

require_all() {
    [ -z "$missing" ] && return
    say "build.sh: missing for $what:$missing"
    exit 69 # EX_UNAVAILABLE
}

has_std() {
    # rustup and Debian keep it in the same place below the sysroot.
    [ -d "$("${RUSTC:-rustc}" --print sysroot 2>/dev/null)/lib/rustlib/$1/lib" ]
}

build_native() {
    need cargo "https://rustup.rs, or Debian's rustc and cargo if at least as new as rust-version in Cargo.toml"
    need cc "apt-get install gcc libc6-dev"
    require_all
    triple=
    cargo build --locked --release --package varde
}

build_arm64() {
    triple=aarch64-unknown-linux-gnu
    if [ -n "${CROSS:-}" ]; then
        need cross "cargo install --locked cross; it needs docker or podman too"
        require_all
        # cross knows the file by its upper-case name only, unless it is told.
        CROSS_CONFIG=cross.toml cross build --locked --release --package varde --target "$triple"
        return
    fi
    need cargo "https://rustup.rs"
    need aarch64-linux-gnu-gcc "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    has_std "$triple" || missing="$missing
  Rust's standard library for $triple: rustup target add $triple"
    require_all
    # The C in the tree (SQLite, libdbus, ring) is compiled from source by the first, all is linked by the second.
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        cargo build --locked --release --package varde --target "$triple"
}

# The release profile strips already; nothing is done here that cargo does not know of.
collect() {
    from=$CARGO_TARGET_DIR/${triple:+$triple/}release
    to=$CARGO_TARGET_DIR/dist/$what
    mkdir -p "$to"
    too_large=
    for program in $PROGRAMS; do
        install -m 0755 "$from/$program" "$to/$program"
        size=$(wc -c <"$to/$program")
        say "$to/$program: $size bytes"
        [ "$size" -le $((LIMIT_MB * 1000 * 1000)) ] || too_large="$too_large $program"
    done
    # shellcheck disable=SC2086 # the list is words
    (cd "$to" && sha256sum $PROGRAMS >SHA256SUMS && cat SHA256SUMS)
    if [ -n "$too_large" ]; then
        say "build.sh: larger than $LIMIT_MB MB:$too_large"
        exit 1
    fi
}

what=${1:-native}
case $what in
native) build_native ;;
arm64) build_arm64 ;;
*)
    say "usage: deploy/build.sh [native|arm64]"
    exit 64 # EX_USAGE
    ;;
esac
collect
