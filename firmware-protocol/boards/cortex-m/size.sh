#!/bin/sh
# size.sh PORT...: what each firmware takes, and the library alone on each core, as `make size` prints it.
#   flash    code, constants and the initial values of variables
#   library  of it, the library's own functions and constants, as the linker kept them
#   board    pg_board + pg_config + receive buffer
#   ram      all variables; what is left of the chip's RAM is stack
#   frame    the largest stack frame by -fstack-usage, and whose; how deep the stack gets is what the tests measure
set -eu

symbol() { # ELF NAME: its size in bytes
  echo $((0x$("${CROSS}nm" -S "$1" | awk -v n="$2" '$4 == n { print $2; found = 1 } END { if (!found) print 0 }')))
}

in_map() { # MAP: bytes of code and constants that came from the library's objects
  awk -v from="$LIB_OUT/" '/^Linker script and memory map/ { on = 1 } !on { next }
    /^ \.(text|rodata|data)/ { name = $1; if (NF == 1) next; size = $3; file = $4 }
    /^                0x/ && name != "" { size = $2; file = $3 }
    name != "" { if (index(file, from) == 1) print size; name = "" }' "$1" |
    { sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; }
}

printf '%-12s %8s %8s   %-24s %7s   %s\n' port flash library 'board' ram frame
for port in "$@"; do
  elf=$OUT/$port.elf
  set -- $("${CROSS}size" "$elf" | awk 'NR == 2 { print $1 + $2, $2 + $3 }')
  library=$(in_map "$OUT/$port.map")
  board=$(symbol "$elf" board) config=$(symbol "$elf" config) rx=$(symbol "$elf" rx)
  frame=$(cat "$LIB_OUT/$port"/*.su | awk '{ n = split($1, at, ":"); print $2, at[n] }' | sort -rn | head -1)
  printf '%-12s %8d %8d   %-24s %7d   %s\n' "$port" "$1" "$library" "$board + $config + $rx = $((board + config + rx))" "$2" "$frame"
done

# As archives hold it: all functions of the library, before the linker leaves out what nobody calls.
small='-DPG_WITH_SHA256=0 -DPG_WITH_LZ=0 -DPG_WITH_COPY=0 -DPG_WITH_SETBAUD=0 -DPG_WITH_LIVE=0'
printf '\n%-12s %8s %8s\n' core 'all' 'small'
for core in cortex-m0plus cortex-m3 cortex-m4; do
  row=
  for options in '' "$small"; do
    mkdir -p "$OUT/cores"
    bytes=0
    for file in "$LIB"/src/*.c; do
      # shellcheck disable=SC2086 # words on purpose
      "${CROSS}gcc" -std=c99 -Os -ffreestanding -mthumb -mcpu=$core $options -I"$LIB/include" -c "$file" -o "$OUT/cores/one.o"
      bytes=$((bytes + $("${CROSS}size" "$OUT/cores/one.o" | awk 'NR == 2 { print $1 + $2 }')))
    done
    row="$row $(printf '%8d' $bytes)"
  done
  printf '%-12s%s\n' "$core" "$row"
done
