#!/bin/bash
# build-checkout.sh PROJECT NATIVE OUT.ext4: what a built checkout on an arm64 machine holds of what the installer looks at, as a
# disk. Runs under fakeroot.
set -euo pipefail
project=$1 native=$2 out=$3
export PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT

cd "$project"
tar -c dist docs firmware-protocol/wasm firmware-protocol/boards/prebuilt systemd scripts/install.sh scripts/release-files.mjs samples LICENSE package.json \
  package-lock.json | tar -C "$work" -x
node -e '
  const { packages } = JSON.parse(require("fs").readFileSync("package-lock.json", "utf8"))
  for (const [path, { dev, devOptional }] of Object.entries(packages))
    if (path.startsWith("node_modules/") && !dev && !devOptional && require("fs").existsSync(path)) console.log(path)
' >"$work/.packages"
tar -c --exclude='better-sqlite3/deps' --exclude='better-sqlite3/build' --exclude='epoll/build' --files-from="$work/.packages" |
  tar -C "$work" -x
rm "$work/.packages"
for module in better-sqlite3/better_sqlite3 epoll/epoll; do
  install -D -m 0644 "$native/${module%/*}/build/Release/${module##*/}.node" \
    "$work/node_modules/${module%/*}/build/Release/${module##*/}.node"
done
rm -f "$out"
mke2fs -q -t ext4 -L rig-checkout -O ^has_journal -d "$work" -E root_owner=0:0 "$out" 256M
