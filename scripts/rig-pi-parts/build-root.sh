#!/bin/bash
# build-root.sh OUT KERNEL.deb NODE.tgz AGENT PACKAGE.deb...: makes OUT/root.ext4, OUT/vmlinuz and OUT/initrd. Runs under fakeroot:
# packages are unpacked, and what their scripts would do to a machine of this kind is done here, so nothing foreign runs.
set -euo pipefail
out=$1 kernel=$2 node=$3 agent=$4
shift 4
export PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# Debian 12 keeps /bin, /lib and /sbin below /usr.
mkdir -p "$root"/usr/{bin,lib,sbin}
for each in bin lib sbin; do ln -s "usr/$each" "$root/$each"; done
for package in "$@"; do
  dpkg-deb --fsys-tarfile "$package" | tar -C "$root" --keep-directory-symlink -x
done

# Drivers of hardware that this machine cannot have are left out.
dpkg-deb --fsys-tarfile "$kernel" | tar -C "$root" --keep-directory-symlink -x ./boot ./lib \
  --exclude='*/drivers/gpu' --exclude='*/drivers/media' --exclude='*/drivers/net' --exclude='*/drivers/infiniband' \
  --exclude='*/drivers/scsi' --exclude='*/drivers/staging' --exclude='*/drivers/iio' --exclude='*/kernel/sound'
release=$(ls "$root/lib/modules")
depmod -b "$root" "$release"
mv "$root/boot/vmlinuz-$release" "$out/vmlinuz"

mkdir -p "$work/node"
tar -C "$work/node" -xzf "$node"
install -m 0755 "$work"/node/*/bin/node "$root/usr/bin/node"
install -D -m 0644 "$agent" "$root/usr/lib/rig/guest-agent.mjs"

# What base-passwd, base-files, mawk and libc-bin do when they are installed.
for each in passwd group; do install -m 0644 "$root/usr/share/base-passwd/$each.master" "$root/etc/$each"; done
sed -i 's/^root:[^:]*:/root::/' "$root/etc/passwd"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
ln -sf mawk "$root/usr/bin/awk"
[ -e "$root/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
mkdir -p "$root/root" "$root/srv/pixelgate" "$root/var/log"
echo rig >"$root/etc/hostname"
printf '127.0.0.1 localhost rig\n' >"$root/etc/hosts"
# A machine that was booted before: the first boot would enable every unit.
echo 5bd3cbf1e4a04f0f8a7a3b3d1e6f7a01 >"$root/etc/machine-id"
: >"$root/etc/fstab"

# The GPIO line that the emulator can drive is that of its power key, which this driver would take.
echo 'blacklist gpio_keys' >"$root/etc/modprobe.d/rig.conf"
units=$root/etc/systemd/system
mkdir -p "$units/multi-user.target.wants"
# Nobody signs in here.
for each in serial-getty@.service getty@.service getty-static.service; do ln -s /dev/null "$units/$each"; done
cp "$here/guest-agent.service" "$units/rig-agent.service"
ln -s ../rig-agent.service "$units/multi-user.target.wants/rig-agent.service"

# Modules of the disk's drivers, with what each needs, in the order of loading.
modules() {
  local name path
  for name in "$@"; do
    path=$(awk -F: -v name="/$name.ko" 'substr($1, length($1) - length(name) + 1) == name { print $1 $2 }' "$root/lib/modules/$release/modules.dep")
    [ -n "$path" ] || continue # built in
    # The last one named is needed by all before it.
    tr ' ' '\n' <<<"$path" | tac
  done | awk '!seen[$0]++'
}
mkdir -p "$work/initrd"/{bin,dev,proc,sys,root,modules}
cp "$root/bin/busybox" "$work/initrd/bin/busybox"
install -m 0755 "$here/guest-init.sh" "$work/initrd/init"
for path in $(modules crc32c_generic virtio_pci virtio_blk ext4); do
  cp "$root/lib/modules/$release/$path" "$work/initrd/modules/"
  echo "${path##*/}" >>"$work/initrd/modules/order"
done
(cd "$work/initrd" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) >"$out/initrd"

rm -f "$out/root.ext4"
mke2fs -q -t ext4 -L rig-root -d "$root" -E root_owner=0:0 "$out/root.ext4" 1200M
