#!/bin/busybox sh
# The initramfs of the emulated machine: loads what its disk needs, and hands over to systemd.
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
while read -r module; do $b insmod "/modules/$module"; done </modules/order
tries=0
until [ -b /dev/vda ] || [ $tries = 500 ]; do
  $b usleep 20000
  tries=$((tries + 1))
done
$b mount -t ext4 -o rw /dev/vda /root || exec $b sh
$b mount --move /dev /root/dev
$b umount /proc /sys
exec $b switch_root /root /lib/systemd/systemd
