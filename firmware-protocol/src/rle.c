/* Codec 1 (SPEC §10.8). */
#include "decoding.h"

#if PG_WITH_RLE

static int next_token(pg_decoder *d) {
  uint8_t c;
  const int r = pg_take(d, &c, 1);
  if (r) return r;
  d->repeat = c >= 128;
  d->run = (uint8_t)(d->repeat ? c - 126 : c + 1);
  if (d->run > d->pixels) return PG_MALFORMED;
  d->pixels -= d->run;
  return d->repeat ? pg_take(d, d->pixel, d->channels) : 0;
}

int pg_rle_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx) {
  uint8_t chunk[PG_CHUNK];
  uint16_t n = 0;
  for (uint16_t left = d->leds; left; left--) {
    int r = d->run ? 0 : next_token(d);
    if (r == 0 && !d->repeat) r = pg_take(d, d->pixel, d->channels);
    if (r) return r;
    d->run--;
    memcpy(chunk + n, d->pixel, d->channels);
    n = (uint16_t)(n + d->channels);
    if (n + d->channels <= PG_CHUNK && left > 1) continue;
    emit(ctx, chunk, n);
    n = 0;
  }
  return 0;
}

#else
typedef int pg_no_rle; /* ISO C wants a declaration in every file */
#endif
