# shellcheck shell=bash
# What scripts/run, scripts/test and their neighbours share: finding out what this machine lacks,
# getting it where we know how, and building. Sourced, never run.
#
# Nothing is installed that is already there, and nothing without a line that says so.

set -euo pipefail

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# Plain users often have no /sbin in their PATH; `ldconfig` lives there.
PATH="$PATH:/usr/sbin:/sbin"

# What is missing, in words, and the apt packages that bring it.
missing=()
packages=()

say() { printf 'spherescope: %s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}

need() { # need WORDS PACKAGE...
    local package
    missing+=("$1")
    for package in "${@:2}"; do
        [[ " ${packages[*]} " == *" $package "* ]] || packages+=("$package")
    done
}

need_command() { # need_command COMMAND PACKAGE...
    command -v "$1" >/dev/null || need "the command $1" "${@:2}"
}

need_library() { # need_library SONAME PACKAGE
    # Without ldconfig there is no telling; the program will say what it cannot open.
    command -v ldconfig >/dev/null || return 0
    # Read in full: `grep -q` would close the pipe early and make ldconfig fail.
    ldconfig -p | grep -F "$1" >/dev/null || need "the library $1" "$2"
}

# Crates bring their own C sources; only a compiler and a linker are asked of the system.
need_compilers() {
    command -v cc >/dev/null || need "a C compiler (cc)" gcc libc6-dev
    # Cargo fetches the crates over TLS.
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki ] ||
        need "the certificates of web sites" ca-certificates
    # The toolchain is pinned by rust-toolchain.toml, so rustup has to be what runs cargo.
    command -v cargo >/dev/null || need "Rust (cargo, through rustup)" rustup
}

# A window opens these at run time, by name. The Vulkan driver is Mesa's unless there is another.
need_window_libraries() {
    need_library libvulkan.so.1 libvulkan1
    need_library libX11.so.6 libx11-6
    need_library libX11-xcb.so.1 libx11-xcb1
    need_library libXcursor.so.1 libxcursor1
    need_library libXi.so.6 libxi6
    need_library libXrandr.so.2 libxrandr2
    need_library libxkbcommon.so.0 libxkbcommon0
    need_library libxkbcommon-x11.so.0 libxkbcommon-x11-0
    need_library libwayland-client.so.0 libwayland-client0
    need_vulkan_driver '*.json' "a Vulkan driver"
}

# The tests draw in software, so that they see the same picture on every machine.
need_test_tools() {
    need_vulkan_driver 'lvp_icd*.json' "Mesa's software Vulkan driver (lavapipe)"
    need_command Xvfb xvfb
    need_command xdotool xdotool
    need_command openbox openbox
}

need_vulkan_driver() { # need_vulkan_driver PATTERN WORDS
    local folder
    for folder in /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d; do
        if compgen -G "$folder/$1" >/dev/null; then
            return
        fi
    done
    need "$2" mesa-vulkan-drivers
}

# Installs what the `need_…` calls before it found missing, or says what to install.
get_what_is_missing() {
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    say "this machine lacks:"
    printf '    %s\n' "${missing[@]}" >&2
    if ! command -v apt-get >/dev/null; then
        say "install these with your package manager, then run this again"
        say "(on Debian and Ubuntu the packages are: ${packages[*]})"
        exit 1
    fi
    local as_root=(env)
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "neither root nor sudo here; as root: apt-get install ${packages[*]}"
        as_root=(sudo env)
    fi
    say "installing by apt: ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    if [[ " ${packages[*]} " == *" rustup "* ]] && [ -z "$(apt-cache madison rustup)" ]; then
        die "this release has no rustup package: install Rust from https://rustup.rs first"
    fi
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
    missing=()
    packages=()
}

# Cargo may be there without the pinned toolchain, or be an older one that knows no pins.
check_rust() {
    local channel found
    channel=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)
    if command -v rustup >/dev/null && ! cargo --version >/dev/null 2>&1; then
        say "fetching Rust $channel, which rust-toolchain.toml names"
        rustup toolchain install "$channel" --profile minimal \
            --component rustfmt --component clippy >&2
    fi
    found=$(cargo --version | cut -d ' ' -f 2) ||
        die "cargo does not start: reinstall Rust from https://rustup.rs"
    if [ "$(printf '%s\n' "$channel" "$found" | sort -V | head -n 1)" != "$channel" ]; then
        die "Rust $channel is needed and this is $found: get it with rustup, https://rustup.rs"
    fi
}

# Prepares this machine; arguments are further `need_…` functions to ask.
set_up() {
    case $(uname -s) in
    Linux)
        local ask
        need_compilers
        for ask in "$@"; do "$ask"; done
        get_what_is_missing
        ;;
    *)
        # Elsewhere graphics come with the system.
        command -v cargo >/dev/null || die "install Rust from https://rustup.rs first"
        ;;
    esac
    check_rust
}

# Where cargo puts what it builds.
target_dir() {
    case ${CARGO_TARGET_DIR:-} in
    "") printf '%s\n' "$PWD/target" ;;
    /*) printf '%s\n' "$CARGO_TARGET_DIR" ;;
    *) printf '%s\n' "$PWD/$CARGO_TARGET_DIR" ;;
    esac
}

build() {
    if ! [ -d "$(target_dir)/release/deps" ]; then
        say "building; the first time takes a while (about 25 minutes on 2 cores)"
    fi
    cargo build --release --locked
}

has_display() {
    [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]
}
