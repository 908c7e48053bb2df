#!/bin/sh
# The tools that decide what an image is, by their own words; the C library by the version in its header.
avr-gcc --version | head -1
avr-ld --version | head -1
echo '__AVR_LIBC_VERSION_STRING__' | avr-gcc -E -P -include avr/version.h -x c - | tail -1
