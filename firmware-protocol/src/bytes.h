/* Little-endian fields, and the three memory functions that a freestanding compiler expects to exist anyway. */
#ifndef PG_BYTES_H
#define PG_BYTES_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

static inline uint16_t pg_get16(const uint8_t *p) { return (uint16_t)(p[0] | ((uint16_t)p[1] << 8)); }

static inline uint32_t pg_get32(const uint8_t *p) {
  return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

static inline void pg_put16(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
}

static inline void pg_put32(uint8_t *p, uint32_t v) {
  pg_put16(p, (uint16_t)v);
  pg_put16(p + 2, (uint16_t)(v >> 16));
}

static inline uint32_t pg_min(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Times wrap: `now` has come to `then`. */
static inline int pg_due(uint32_t now, uint32_t then) { return (int32_t)(now - then) >= 0; }

#endif
