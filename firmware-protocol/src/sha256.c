#include "pixelgate/sha256.h"

#include "bytes.h"
#include "pixelgate/features.h"

#if PG_WITH_SHA256

static const uint32_t k[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u};

static uint32_t rotr(uint32_t x, unsigned n) { return (x >> n) | (x << (32 - n)); }

static uint32_t big32(const uint8_t *p) {
  return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static void put_big32(uint8_t *p, uint32_t v) {
  for (uint8_t i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void compress(pg_sha256 *hash, const uint8_t *block) {
  uint32_t w[16], s[8];
  for (uint8_t i = 0; i < 16; i++) w[i] = big32(block + 4 * i);
  memcpy(s, hash->state, sizeof s);
  for (uint8_t i = 0; i < 64; i++) {
    /* The schedule rolls through 16 words, so that the stack holds no more. */
    if (i >= 16) {
      const uint32_t a = w[(i + 1) & 15], b = w[(i + 14) & 15];
      w[i & 15] += (rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3)) + w[(i + 9) & 15] + (rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10));
    }
    const uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) +
                        ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i & 15];
    const uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) +
                        ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    s[7] = s[6];
    s[6] = s[5];
    s[5] = s[4];
    s[4] = s[3] + t1;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    s[0] = t1 + t2;
  }
  for (uint8_t i = 0; i < 8; i++) hash->state[i] += s[i];
}

void pg_sha256_init(pg_sha256 *hash) {
  static const uint32_t start[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  memcpy(hash->state, start, sizeof start);
  hash->bytes = 0;
}

void pg_sha256_update(pg_sha256 *hash, const void *bytes, size_t n) {
  const uint8_t *p = bytes;
  while (n) {
    const size_t at = hash->bytes & 63u;
    const size_t take = n < 64 - at ? n : 64 - at;
    memcpy(hash->block + at, p, take);
    hash->bytes += (uint32_t)take;
    p += take;
    n -= take;
    if ((hash->bytes & 63u) == 0) compress(hash, hash->block);
  }
}

void pg_sha256_final(pg_sha256 *hash, uint8_t digest[32]) {
  const uint32_t bytes = hash->bytes;
  size_t at = bytes & 63u;
  hash->block[at++] = 0x80;
  if (at > 56) {
    memset(hash->block + at, 0, 64 - at);
    compress(hash, hash->block);
    at = 0;
  }
  memset(hash->block + at, 0, 64 - at);
  put_big32(hash->block + 56, bytes >> 29);
  put_big32(hash->block + 60, bytes << 3);
  compress(hash, hash->block);
  for (uint8_t i = 0; i < 8; i++) put_big32(digest + 4 * i, hash->state[i]);
}

#else
typedef int pg_no_sha256; /* ISO C wants a declaration in every file */
#endif
