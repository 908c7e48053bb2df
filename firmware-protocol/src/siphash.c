#include "pixelgate/siphash.h"

#include "bytes.h"
#include "pixelgate/features.h"

#if PG_WITH_SIPHASH

static uint64_t rotl(uint64_t x, unsigned n) { return (x << n) | (x >> (64 - n)); }

static void rounds(uint64_t v[4], uint8_t n) {
  while (n--) {
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
  }
}

static uint64_t get64(const uint8_t *p) { return pg_get32(p) | ((uint64_t)pg_get32(p + 4) << 32); }

static void put64(uint8_t *p, uint64_t v) {
  pg_put32(p, (uint32_t)v);
  pg_put32(p + 4, (uint32_t)(v >> 32));
}

static void absorb(pg_siphash *hash) {
  hash->v[3] ^= hash->word;
  rounds(hash->v, 2);
  hash->v[0] ^= hash->word;
  hash->word = 0;
}

void pg_siphash_init(pg_siphash *hash, const uint8_t key[16]) {
  const uint64_t k0 = get64(key), k1 = get64(key + 8);
  hash->v[0] = k0 ^ 0x736f6d6570736575u;
  hash->v[1] = k1 ^ 0x646f72616e646f6du ^ 0xee; /* 0xee: 128-bit output */
  hash->v[2] = k0 ^ 0x6c7967656e657261u;
  hash->v[3] = k1 ^ 0x7465646279746573u;
  hash->word = 0;
  hash->bytes = 0;
}

void pg_siphash_update(pg_siphash *hash, const void *bytes, size_t n) {
  const uint8_t *p = bytes;
  while (n--) {
    hash->word |= (uint64_t)*p++ << (8 * (hash->bytes & 7u));
    if ((++hash->bytes & 7u) == 0) absorb(hash);
  }
}

void pg_siphash_final(pg_siphash *hash, uint8_t digest[16]) {
  hash->word |= (uint64_t)hash->bytes << 56;
  absorb(hash);
  hash->v[2] ^= 0xee;
  rounds(hash->v, 4);
  put64(digest, hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3]);
  hash->v[1] ^= 0xdd;
  rounds(hash->v, 4);
  put64(digest + 8, hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3]);
}

#else
typedef int pg_no_siphash; /* ISO C wants a declaration in every file */
#endif
