#!/bin/sh
# Names the compiler and linker whose output board.wasm is, byte for byte.
"${CLANG:-clang}" --version | head -n 1
"${WASM_LD:-wasm-ld}" --version | head -n 1
