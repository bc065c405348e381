# Sourced by ./run and ./test: makes sure that a C compiler and a recent enough cargo are there.
# On Debian as root what is missing is installed; elsewhere it is named and the script ends.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
needed_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
PATH="$PATH:$HOME/.cargo/bin"

explain() {
  printf '%s\n' "$@" >&2
  exit 1
}

# apt_install PACKAGE...: true if all of them are installed afterwards.
apt_install() {
  command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || return 1
  apt-get update -qq >&2 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2
}

# Debian splits rustc, clippy and rustfmt into packages of their own; rustup brings all of them.
recent_cargo() {
  local found
  found=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p')
  [ -n "$found" ] && [ "$(printf '%s\n' "$needed_rust" "$found" | sort -V | head -n 1)" = "$needed_rust" ]
}

install_cargo() {
  command -v rustup >/dev/null || apt_install rustup || true
  if command -v rustup >/dev/null; then
    rustup toolchain install stable --profile minimal --component clippy --component rustfmt >&2 || return 1
    export RUSTUP_TOOLCHAIN=stable
  else
    apt_install cargo rustc rust-clippy rustfmt || return 1
  fi
}

if ! command -v cc >/dev/null; then
  apt_install gcc libc6-dev || explain \
    "A C compiler is missing: SQLCipher is compiled from source." \
    "Debian, Ubuntu: apt-get install gcc libc6-dev    macOS: xcode-select --install"
fi
if ! recent_cargo; then
  install_cargo && recent_cargo || explain \
    "Rust $needed_rust or newer is missing (found: $(cargo --version 2>/dev/null || echo none))." \
    "Install rustup (https://rustup.rs or your distribution's package), then:" \
    "  rustup toolchain install stable --component clippy --component rustfmt"
fi
