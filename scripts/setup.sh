# Sourced by demo and test: installs what is missing, and says so. Debian 12 or Raspberry Pi OS with Node >= 20.19.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    say "Root rights are needed for: $*"
    exit 1
  fi
}

# present COMMAND or present /PATH/PATTERN
present() {
  case "$1" in
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# need_packages PROBE=PACKAGE...: installs the packages whose commands or files are absent.
need_packages() {
  local missing=() pair
  for pair in "$@"; do
    present "${pair%%=*}" || missing+=("${pair#*=}")
  done
  [ "${#missing[@]}" = 0 ] && return 0
  say "Installing with apt: ${missing[*]}"
  as_root apt-get update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}

# The same for what only some tests need: these say so and count as skipped where it cannot be had.
want_packages() {
  (need_packages "$@") || say 'Going on without them: the tests that need them are skipped.'
}

need_node() {
  if ! command -v node >/dev/null || ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    say "Node.js 20.19 or newer is needed (Debian 12 ships 18). See README.md, Install, for a source."
    exit 1
  fi
}

# An SSH server for one test, unpacked and not installed: its package starts one on every address of the machine.
want_sshd() {
  local folder=node_modules/.cache/sshd deb
  { [ -x /usr/sbin/sshd ] || [ -x "$folder/usr/sbin/sshd" ]; } && return 0
  deb=$(mktemp -d)
  if (cd "$deb" && apt-get download -q openssh-server >&2) && mkdir -p "$folder" && dpkg -x "$deb"/*.deb "$folder"; then :
  else say 'Going on without an SSH server: the test that needs it is skipped.'; fi
  rm -rf "$deb"
}

# The mosquitto broker as a peer. Its package would start one at the address that the gateway wants; policy-rc.d says no.
want_mosquitto() {
  local policy=/usr/sbin/policy-rc.d made=
  [ -x /usr/sbin/mosquitto ] && return 0
  if [ ! -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy"; then made=yes; fi
  want_packages /usr/sbin/mosquitto=mosquitto
  [ -z "$made" ] || as_root rm -f "$policy"
  as_root systemctl disable mosquitto >/dev/null 2>&1 || true
}

# A nats-server for the tests of the bridge to other brokers, unpacked and not installed: its package starts one.
want_nats() {
  local folder=node_modules/.cache/nats deb
  { [ -x /usr/sbin/nats-server ] || [ -x "$folder/usr/sbin/nats-server" ]; } && return 0
  deb=$(mktemp -d)
  if (cd "$deb" && apt-get download -q nats-server >&2) && mkdir -p "$folder" && dpkg -x "$deb"/*.deb "$folder"; then :
  else say 'Going on without nats-server: the tests that need it are skipped.'; fi
  rm -rf "$deb"
}

# The dependencies as package-lock.json pins them; skipped when they are in place already.
install_dependencies() {
  local stamp=node_modules/.installed
  if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then return 0; fi
  # better-sqlite3 is compiled here when no prebuilt binary can be had.
  need_packages g++=g++ make=make python3=python3
  say 'Installing the npm dependencies (a minute or two where SQLite must be compiled)'
  # Not npm ci: it refuses a lock file that lacks optional packages of platforms whose archives a mirror does not carry.
  # The versions are those of the lock file all the same, and --no-save leaves it as it is.
  npm install --no-save --no-audit --no-fund >&2
  cp package-lock.json "$stamp"
}

build() {
  say 'Building'
  npm run --silent build >&2
}
