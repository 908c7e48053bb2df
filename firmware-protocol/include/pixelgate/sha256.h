/* SHA-256 (FIPS 180-4). */
#ifndef PIXELGATE_SHA256_H
#define PIXELGATE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct pg_sha256 {
  uint32_t state[8];
  uint32_t bytes; /* images are shorter than 2^32 bytes */
  uint8_t block[64];
} pg_sha256;

void pg_sha256_init(pg_sha256 *hash);
void pg_sha256_update(pg_sha256 *hash, const void *bytes, size_t n);
void pg_sha256_final(pg_sha256 *hash, uint8_t digest[32]);

#endif
