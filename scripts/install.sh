#!/usr/bin/env bash
# Installs pixelgate as a service on Debian 12, Debian 13 or Raspberry Pi OS, from a built checkout or a release.
# A second run changes nothing; docs/install.md has the steps around it.
set -euo pipefail

usage() {
  cat <<'END'
sudo scripts/install.sh [options]

  --dry-run     say what would be done, and change nothing
  --no-start    neither start nor restart the service
  --roll-back   go back to the program that the last update replaced
  --uninstall   remove the program and the service; data, configuration and user stay
  --purge       with --uninstall: remove data, configuration and user too
  --prefix DIR  install below DIR: an image that is being made, or a test; DESTDIR means the same
  --help        this text
END
}

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=${DESTDIR:-}
action=install
dry_run=no
start=yes
purge=no
changes=0
restart=no
staging=

readonly lib=/usr/lib/pixelgate
readonly launcher=/usr/local/bin/pixelgate
readonly unit=/usr/lib/systemd/system/pixelgate.service
readonly sysusers=/usr/lib/sysusers.d/pixelgate.conf
readonly tmpfiles=/usr/lib/tmpfiles.d/pixelgate.conf
readonly rules=/usr/lib/udev/rules.d/60-pixelgate.rules
readonly config=/etc/pixelgate/config.json
readonly data=/var/lib/pixelgate
readonly completion=/usr/share/bash-completion/completions/pixelgate
readonly wanted=/etc/systemd/system/multi-user.target.wants/pixelgate.service

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
warn() { printf 'Note: %s\n' "$*" >&2; }
die() {
  printf 'Not installed: %s\n' "$*" >&2
  exit 1
}

# Runs a command that changes something; a dry run shows it only.
act() {
  if [ "$dry_run" = yes ]; then
    printf '    would run: %s\n' "$*"
  else
    "$@"
  fi
}

changed() { changes=$((changes + 1)); }

# The machine that runs this is also the one that is installed to, and systemd rules it.
live() { [ -z "$prefix" ] && [ -d /run/systemd/system ]; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

check_system() {
  [ "$(uname -s)" = Linux ] || die 'this is for Linux with systemd.'
  if [ -n "$prefix" ]; then
    [ -d "$prefix" ] || die "the folder $prefix does not exist."
    is_root || warn 'without root rights the files belong to you, and no user is made.'
  elif ! is_root && [ "$dry_run" = no ]; then
    die 'root rights are needed. Try: sudo scripts/install.sh'
  fi
}

# Sets node: the interpreter that the service will run.
check_node() {
  node=$(command -v node) ||
    die 'Node.js 20.19 or newer is not installed. Debian 13 has it (apt install nodejs); for Debian 12 see https://github.com/nodesource/distributions or https://nodejs.org/en/download'
  node=$(readlink -f "$node")
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js 20.19 or newer is needed, $node is $("$node" --version). Debian 13 has one (apt install nodejs); for Debian 12 see https://github.com/nodesource/distributions or https://nodejs.org/en/download"
  case $node in
    /home/* | /root/* | /run/user/*)
      die "the service may not look into home folders, and $node lies in one. Install Node.js for the whole machine, and run this with PATH=/usr/local/bin:/usr/bin:/bin"
      ;;
  esac
  # A package that was compiled for another Node.js fails here, not in the service.
  (cd "$source_dir" && "$node" -e 'new (require("better-sqlite3"))(":memory:").close(); require("@serialport/bindings-cpp")') 2>/dev/null ||
    die "the packages in $source_dir/node_modules do not run with $node $("$node" --version). Run there: npm rebuild"
}

# Archives the files that stdin names, with the same rights and owners wherever they come from.
pack() { tar --format=gnu --numeric-owner --owner=0 --group=0 --mode='u=rwX,go=rX' "$@" --null --no-recursion --files-from=-; }
shipped() { "$node" "$source_dir/scripts/release-files.mjs"; }
shipped_hash() { shipped | pack -C "$source_dir" --mtime=@0 -c | sha256sum; }
installed_hash() { (cd "$1" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | pack --mtime=@0 -c | sha256sum); }

# The whole program at once: a new folder beside the old one, then two renames.
put_program() {
  local target=$prefix$lib version want present=
  version=$("$node" -p 'JSON.parse(fs.readFileSync(process.argv[1])).version' "$source_dir/package.json")
  [ "$source_dir" != "$(readlink -m "$target")" ] || die "this is the installed copy itself. Run the script of the new release."
  want=$(shipped_hash) || die "the program in $source_dir is not complete."
  if [ ! -e "$target" ] && [ -d "$target.previous" ]; then
    warn "an earlier run was cut off; $lib.previous is kept."
  fi
  [ ! -d "$target" ] || present=$(installed_hash "$target")
  if [ "$present" = "$want" ]; then
    step "program: pixelgate $version is in $lib"
    return
  fi
  back_up
  step "program: pixelgate $version to $lib"
  changed
  restart=yes
  if [ "$dry_run" = yes ]; then
    say "    would copy $(shipped | tr -cd '\0' | wc -c) files"
    [ ! -d "$target" ] || say "    would keep the present program as $lib.previous"
    return
  fi
  mkdir -p "$(dirname "$target")"
  staging=$(mktemp -d "$target.new.XXXXXX")
  chmod 0755 "$staging"
  shipped | pack -C "$source_dir" -c | tar -C "$staging" --no-same-owner -p -x
  present=$(installed_hash "$staging")
  [ "$present" = "$want" ] || die 'the copy differs from its source. Is the disk full?'
  sync -f "$staging"
  if [ -d "$target" ]; then
    rm -rf "$target.previous"
    mv -T "$target" "$target.previous"
  fi
  mv -T "$staging" "$target"
  staging=
}

# A newer program may change the database so that the older one no longer takes it.
back_up() {
  if [ "$want" = "$present" ] || ! live || ! systemctl --quiet is-active pixelgate.service; then return; fi
  step 'backup: the database as it is before the update'
  act "$prefix$launcher" backup || warn 'there is no new backup; the nightly ones remain (pixelgate backups).'
}

# put MODE PATH: writes stdin to PATH if it differs.
put() {
  local mode=$1 target=$prefix$2 content
  content=$(cat && printf x)
  content=${content%x}
  if [ -f "$target" ] && [ "$(stat -c %a "$target")" = "$mode" ] && printf %s "$content" | cmp -s - "$target"; then
    step "$2: as it should be"
    return
  fi
  changed
  restart=yes
  if [ "$dry_run" = yes ]; then
    step "$2: would be written"
    return
  fi
  step "$2: written"
  mkdir -p "$(dirname "$target")"
  printf %s "$content" >"$target.new"
  chmod "$mode" "$target.new"
  mv -T "$target.new" "$target"
}

launcher_text() {
  cat <<END
#!/bin/sh
# Runs pixelgate. Commands find the service's control socket; a daemon that you start yourself keeps its own.
if [ "\${1-}" != serve ] && [ -z "\${PIXELGATE_CONTROL_SOCKET-}" ] && [ -d /run/pixelgate ]; then
  export PIXELGATE_CONTROL_SOCKET=/run/pixelgate/control.sock
fi
exec $node $lib/dist/main.js "\$@"
END
}

put_system_files() {
  put 755 "$launcher" < <(launcher_text)
  put 644 "$unit" < <(sed "s|^ExecStart=/usr/bin/node |ExecStart=$node |" "$source_dir/systemd/pixelgate.service")
  put 644 "$sysusers" <"$source_dir/systemd/pixelgate.sysusers"
  put 644 "$tmpfiles" <"$source_dir/systemd/pixelgate.tmpfiles"
  put 644 "$rules" <"$source_dir/systemd/60-pixelgate.rules"
  put 644 "$completion" < <("$node" "$source_dir/dist/main.js" completion bash)
}

user_exists() { grep -qs '^pixelgate:' "$prefix/etc/passwd"; }

in_group() { grep -Eqs "^$1:[^:]*:[^:]*:(.*,)?pixelgate(,|\$)" "$prefix/etc/group"; }

put_user() {
  if user_exists && in_group dialout && in_group gpio && in_group plugdev; then
    step 'user pixelgate: is there, with the groups dialout, gpio and plugdev'
  elif ! is_root; then
    step 'user pixelgate: left out, since this is not root'
  elif [ -n "$prefix" ] && [ ! -f "$prefix/etc/passwd" ]; then
    step "user pixelgate: left out, since $prefix has no /etc/passwd; systemd-sysusers makes it at the first boot"
  elif ! have systemd-sysusers; then
    die 'systemd-sysusers is missing, so no user can be made. Install the package systemd.'
  else
    step 'user pixelgate: made, with the groups dialout, gpio and plugdev'
    changed
    act systemd-sysusers ${prefix:+--root="$prefix"} "$prefix$sysusers" || die 'systemd-sysusers failed; its words are above.'
  fi
}

put_config() {
  local target=$prefix$config
  if [ -e "$target" ]; then
    step "$config: yours is kept"
  else
    step "$config: the example is put there; edit it as you like"
    changed
    if [ "$dry_run" = no ]; then
      mkdir -p "$(dirname "$target")"
      install -m 0640 "$source_dir/systemd/config.example.json" "$target"
    fi
  fi
  # Rights and owners of configuration and data.
  if ! user_exists && [ "$dry_run" = no ]; then
    step "$data: left out until there is a user pixelgate"
  elif is_root && have systemd-tmpfiles; then
    act systemd-tmpfiles ${prefix:+--root="$prefix"} --create "$prefix$tmpfiles"
  fi
}

enable_service() {
  if [ -L "$prefix$wanted" ]; then
    step 'service: starts at boot'
    return
  fi
  step 'service: will start at boot'
  changed
  if have systemctl; then
    act systemctl ${prefix:+--root="$prefix"} --quiet enable pixelgate.service
  else
    act mkdir -p "$prefix${wanted%/*}"
    act ln -s "$unit" "$prefix$wanted"
  fi
}

start_service() {
  if ! live; then
    step 'service: not started, since systemd does not run here (chroot or image); it starts at the next boot'
    return
  fi
  [ "$changes" = 0 ] || act systemctl daemon-reload
  if [ "$changes" != 0 ] && have udevadm; then
    act udevadm control --reload
    act udevadm trigger --action=change --subsystem-match=tty --subsystem-match=gpio --subsystem-match=usb-serial
  fi
  if [ "$start" = no ]; then
    step 'service: left as it is (--no-start)'
    return
  fi
  if systemctl --quiet is-active pixelgate.service; then
    if [ "$restart" = no ]; then
      step 'service: runs'
      return
    fi
    step 'service: restarted'
    act systemctl restart pixelgate.service || start_failed
  else
    step 'service: started'
    changed
    act systemctl start pixelgate.service || start_failed
  fi
}

# systemctl waits until the gateway says that it is ready, or has failed.
start_failed() {
  journalctl --no-pager --lines=20 --output=cat --unit=pixelgate.service >&2 || true
  printf 'The service did not start; its last words are above. What to do: %s/docs/install.md\n' "$lib" >&2
  [ ! -d "$prefix$lib.previous" ] || printf 'Back to the program before: sudo %s/scripts/install.sh --roll-back\n' "$lib" >&2
  exit 1
}

# Where the panel is, as the configuration has it.
panel_addresses() {
  # shellcheck disable=SC2016 # JavaScript, which the shell must not expand
  "$node" -e '
    const { http = {} } = JSON.parse(fs.readFileSync(process.argv[1], "utf8"))
    const { host = "0.0.0.0", port = 8443, tls = "auto" } = http
    const own = Object.values(os.networkInterfaces()).flat().filter(({ family, internal }) => family === "IPv4" && !internal)
    const hosts = /^(0\.0\.0\.0|::|\[::\])$/.test(host) ? [...own.map(({ address }) => address), `${os.hostname()}.local`] : [host]
    for (const each of hosts) console.log(`    ${tls === "insecure" ? "http" : "https"}://${each}:${port}/`)
  ' "$prefix$config" 2>/dev/null || true
}

tell() {
  say
  if [ "$dry_run" = yes ]; then
    say 'This was a dry run: nothing was changed.'
    return
  elif [ "$changes" = 0 ]; then
    say 'Nothing changed: everything was in place.'
  else
    say 'Done.'
  fi
  if live && systemctl --quiet is-active pixelgate.service; then
    say 'The panel:'
    panel_addresses
    say 'The claim code for the first sign-in: sudo pixelgate setup'
  fi
}

install_all() {
  check_system
  check_node
  put_program
  put_system_files
  put_user
  put_config
  enable_service
  start_service
  tell
}

roll_back() {
  local target=$prefix$lib
  check_system
  check_node
  [ -d "$target.previous" ] || die "there is no earlier program in $lib.previous."
  step "program: $lib.previous comes back, the present one becomes $lib.previous"
  if [ -d "$target" ]; then
    act mv -T "$target" "$target.swap"
    act mv -T "$target.previous" "$target"
    act mv -T "$target.swap" "$target.previous"
  else
    act mv -T "$target.previous" "$target"
  fi
  # Its own unit and rules come back with it.
  source_dir=$target
  [ "$dry_run" = no ] || source_dir=$target.previous
  changed
  restart=yes
  put_system_files
  start_service
  tell
}

# drop PATH...: removes what is there.
drop() {
  local path
  for path in "$@"; do
    if [ -e "$prefix$path" ] || [ -L "$prefix$path" ]; then
      step "$path: removed"
      changed
      act rm -rf "$prefix$path"
    fi
  done
}

uninstall_all() {
  check_system
  if live && [ -e "$unit" ]; then
    step 'service: stopped'
    act systemctl --quiet disable --now pixelgate.service || warn 'the service could not be stopped; it goes on until the next boot.'
  fi
  drop "$wanted" "$unit" "$rules" "$sysusers" "$tmpfiles" "$completion" "$launcher" "$lib" "$lib.previous"
  if live && [ "$changes" != 0 ]; then
    act systemctl daemon-reload
    ! have udevadm || act udevadm control --reload
  fi
  if [ "$purge" = yes ]; then
    drop "$data" /etc/pixelgate /etc/systemd/system/pixelgate.service.d
    if user_exists && is_root; then
      step 'user pixelgate: removed'
      act userdel ${prefix:+--prefix "$prefix"} pixelgate
    fi
  elif [ -e "$prefix$data" ] || [ -e "$prefix$config" ]; then
    say "Kept: $data, /etc/pixelgate and the user pixelgate. They go with --uninstall --purge."
  fi
  say
  if [ "$dry_run" = yes ]; then
    say 'This was a dry run: nothing was changed.'
  elif [ "$changes" = 0 ]; then
    say 'Nothing changed: pixelgate is not installed.'
  else
    say 'Done.'
  fi
}

# What a run that is cut off leaves behind.
# shellcheck disable=SC2317 # called by the trap
clean_up() { [ -z "$staging" ] || rm -rf "$staging"; }

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry_run=yes ;;
      --no-start) start=no ;;
      --roll-back) action=roll_back ;;
      --uninstall) action=uninstall ;;
      --purge) purge=yes ;;
      --prefix)
        [ $# -gt 1 ] || die '--prefix wants a folder.'
        prefix=$2
        shift
        ;;
      --prefix=*) prefix=${1#*=} ;;
      --help | -h)
        usage
        exit 0
        ;;
      *)
        usage >&2
        exit 2
        ;;
    esac
    shift
  done
  if [ "$purge" = yes ] && [ "$action" != uninstall ]; then
    die '--purge goes with --uninstall only.'
  fi
  [ -z "$prefix" ] || prefix=$(readlink -m "$prefix")
  [ "$prefix" != / ] || prefix=
  trap clean_up EXIT
  case $action in
    install) install_all ;;
    roll_back) roll_back ;;
    uninstall) uninstall_all ;;
  esac
}

# The script may be a part of what it removes: bash has read all of it before it begins.
main "$@"
exit
