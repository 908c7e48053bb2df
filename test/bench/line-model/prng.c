#include "prng.h"

#include <math.h>

static uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void prng_seed(prng_t *prng, uint64_t seed) {
  for (int i = 0; i < 4; i++) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    prng->s[i] = z ^ (z >> 31);
  }
}

uint64_t prng_next(prng_t *prng) {
  uint64_t *s = prng->s;
  const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
  const uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate_left(s[3], 45);
  return result;
}

uint64_t prng_trials_before(prng_t *prng, double p) {
  if (p <= 0) return UINT64_MAX;
  if (p >= 1) return 0;
  const double u = (double)(prng_next(prng) >> 11) * 0x1p-53;
  const double trials = floor(log1p(-u) / log1p(-p));
  return trials >= 9e18 ? UINT64_MAX : (uint64_t)trials;
}
