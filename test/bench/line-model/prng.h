#ifndef LINE_MODEL_PRNG_H
#define LINE_MODEL_PRNG_H

#include <stdint.h>

/* xoshiro256** (Blackman & Vigna), seeded through splitmix64: the same noise for the same seed. */
typedef struct {
  uint64_t s[4];
} prng_t;

void prng_seed(prng_t *prng, uint64_t seed);
uint64_t prng_next(prng_t *prng);

/* Trials before the next success of probability p (geometric, the success not counted); UINT64_MAX for p = 0. */
uint64_t prng_trials_before(prng_t *prng, double p);

#endif
