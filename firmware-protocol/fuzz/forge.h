/* Bodies of requests as a host would write them that has this bundle and knows the board's state. */
#ifndef FORGE_H
#define FORGE_H

#include "bundle.h"

typedef struct forge {
  const world *world;
  const bundle *bundle;
  uint16_t seq; /* of the request; DATA and HAVEQ set it */
} forge;

/* The n-th of the step's bytes, or what stands for it. */
uint8_t forge_byte(const uint8_t *p, size_t n, size_t at, uint8_t otherwise);

/* Writes a body of at most PG_MAX_BODY + 8 bytes, bent by the step's bytes; returns its length. */
size_t forge_body(forge *f, uint8_t type, uint8_t *body, const uint8_t *p, size_t n, uint8_t how);

#endif
