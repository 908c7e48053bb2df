/* SipHash-2-4 with 128-bit output (Aumasson & Bernstein, reference implementation's vectors). */
#ifndef PIXELGATE_SIPHASH_H
#define PIXELGATE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct pg_siphash {
  uint64_t v[4];
  uint64_t word; /* bytes that do not fill a word yet */
  uint8_t bytes; /* length mod 256 */
} pg_siphash;

void pg_siphash_init(pg_siphash *hash, const uint8_t key[16]);
void pg_siphash_update(pg_siphash *hash, const void *bytes, size_t n);
void pg_siphash_final(pg_siphash *hash, uint8_t digest[16]);

#endif
