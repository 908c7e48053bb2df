/* CRC-32/ISO-HDLC (SPEC §1.3). */
#ifndef PIXELGATE_CRC32_H
#define PIXELGATE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC of any bytes followed by their own CRC, little-endian. */
#define PG_CRC32_RESIDUE 0x2144DF1Cu

/* Continues `crc` (0 to begin) over n bytes. 64-byte nibble table. */
uint32_t pg_crc32(uint32_t crc, const void *bytes, size_t n);

#endif
