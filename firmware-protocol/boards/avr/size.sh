#!/bin/sh
# size.sh OUT NAME COMPILER FLAGS...: what one target takes, as a row of `make size`.
#   firmware   flash of the whole
#   library    the whole minus the same firmware with a library that does nothing (size/no-library.c): also what of the compiler's own
#              library only it needs
#   ram        pg_board + pg_config + receive buffer
#   frame      the largest stack frame by -fstack-usage, and whose; the depth is what the tests measure
set -eu
out=$1 name=$2
shift 2
lib=../..
mkdir -p "$out/$name.su"
"$@" -I$lib/include ./*.c $lib/src/*.c -o "$out/$name-whole.elf"
"$@" -I$lib/include ./*.c size/no-library.c -o "$out/$name-none.elf"
flash() { avr-size "$1" | awk 'NR == 2 { print $1 + $2 }'; }
symbol() {
  bytes=0
  for hex in $(avr-nm -S "$out/$name-whole.elf" | awk -v n="$1" '$4 == n || index($4, n ".") == 1 { print $2 }'); do bytes=$((bytes + 0x$hex)); done
  echo "$bytes"
}
for file in $lib/src/*.c; do
  "$@" -fno-lto -fstack-usage -I$lib/include -c "$file" -o "$out/$name.su/$(basename "$file" .c).o"
done
frame=$(cat "$out/$name.su"/*.su | awk '{ n = split($1, at, ":"); print $2, at[n] }' | sort -rn | head -1)
whole=$(flash "$out/$name-whole.elf")
board=$(symbol board) config=$(symbol config) rx=$(symbol rx)
ram="$board + $config + $rx = $((board + config + rx))"
printf '%-9s %8d %8d   %-22s %s\n' "$name" "$whole" "$((whole - $(flash "$out/$name-none.elf")))" "$ram" "$frame"
