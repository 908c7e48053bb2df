/* What decoder.c, rle.c and lz.c share. */
#ifndef PG_DECODING_H
#define PG_DECODING_H

#include "bytes.h"
#include "pixelgate/decoder.h"
#include "pixelgate/errors.h"

#define PG_MALFORMED PG_BAD_MANIFEST

/* The next n bytes of the payload; PG_MALFORMED at its end. */
int pg_take(pg_decoder *d, uint8_t *bytes, uint32_t n);
/* Payload bytes not taken. */
static inline uint32_t pg_rest(const pg_decoder *d) { return d->end - d->addr + (uint32_t)(d->ahead_n - d->ahead_at); }

int pg_rle_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx);
int pg_lz_open(pg_decoder *d, uint8_t *window, uint32_t window_bytes);
int pg_lz_prepare(pg_decoder *d, uint32_t budget);
int pg_lz_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx);

#endif
