/* Codecs 2 and 3 (SPEC §10.9 … 10.11). The decoded block in the caller's window is the history of the matches. */
#include "decoding.h"

#if PG_WITH_LZ

int pg_lz_open(pg_decoder *d, uint8_t *window, uint32_t window_bytes) {
  if (d->size > window_bytes) return PG_DECODE_MEMORY;
  d->window = window;
  d->window_bytes = window_bytes;
  d->d0 = d->d1 = 1;
  if (d->codec != PG_CODEC_PALETTE) return 0;
  uint8_t last;
  const int r = pg_take(d, &last, 1);
  if (r) return r;
  d->colours = (uint16_t)(last + 1);
  const uint32_t bytes = (uint32_t)d->colours * d->channels;
  if (pg_rest(d) < bytes) return PG_MALFORMED;
  d->palette = d->end - pg_rest(d);
  d->addr = d->palette + bytes;
  d->ahead_at = d->ahead_n = 0;
  if (window_bytes - d->size < bytes) return 0;
  d->cached = 1;
  return d->storage->read(d->storage->ctx, d->palette, window + d->size, bytes) ? PG_STORAGE : 0;
}

static int varint(pg_decoder *d, uint32_t *value) {
  *value = 0;
  for (uint8_t i = 0; i < 5; i++) {
    uint8_t byte;
    const int r = pg_take(d, &byte, 1);
    if (r) return r;
    if (i == 4 && byte > 0x0F) return PG_MALFORMED;
    *value |= (uint32_t)(byte & 0x7F) << (7 * i);
    if (byte < 0x80) return 0;
  }
  return PG_MALFORMED;
}

/* A field of the token: below its highest value the length itself, else a varint more. Checked against what is left. */
static int match_length(pg_decoder *d, uint32_t field, uint32_t full, uint32_t base) {
  uint32_t more = 0;
  const uint32_t left = d->size - d->out;
  if (field == full) {
    const int r = varint(d, &more);
    if (r) return r;
  }
  if (more > left || field + base + more > left) return PG_MALFORMED;
  d->match = field + base + more;
  return 0;
}

static int token(pg_decoder *d) {
  uint8_t t;
  uint32_t distance;
  int r = pg_take(d, &t, 1);
  if (r) return r;
  if (t < 0x80) {
    d->literals = (uint32_t)t + 1;
    return d->literals > d->size - d->out ? PG_MALFORMED : 0;
  }
  if (t < 0xC0) {
    r = match_length(d, t & 31u, 31, 2);
    if (r) return r;
    if (t >= 0xA0) {
      distance = d->d1;
      d->d1 = d->d0;
      d->d0 = distance;
    }
  } else {
    r = match_length(d, t & 63u, 63, 3);
    if (r == 0) r = varint(d, &distance);
    if (r) return r;
    if (distance >= d->out) return PG_MALFORMED;
    d->d1 = d->d0;
    d->d0 = distance + 1;
  }
  return d->d0 > d->out ? PG_MALFORMED : 0;
}

static uint32_t frame_bytes(const pg_decoder *d) {
  return d->codec == PG_CODEC_LZ ? (uint32_t)d->leds * d->channels : d->leds;
}

int pg_lz_prepare(pg_decoder *d, uint32_t budget) {
  const uint32_t target = d->shown + frame_bytes(d);
  while (d->out < target) {
    if (budget == 0) return 0;
    uint32_t n = 0;
    if (d->literals) {
      n = pg_min(pg_min(d->literals, budget), target - d->out);
      const int r = pg_take(d, d->window + d->out, n);
      if (r) return r;
      d->literals -= n;
    } else if (d->match) {
      n = pg_min(pg_min(d->match, budget), target - d->out);
      for (uint32_t i = 0; i < n; i++) d->window[d->out + i] = d->window[d->out + i - d->d0];
      d->match -= n;
    } else {
      const int r = token(d);
      if (r) return r;
    }
    d->out += n;
    budget -= n ? n : 1;
  }
  return 1;
}

static int colour(const pg_decoder *d, uint8_t index, uint8_t *pixel) {
  const uint32_t at = (uint32_t)index * d->channels;
  if (index >= d->colours) return PG_MALFORMED;
  if (d->cached) {
    memcpy(pixel, d->window + d->size + at, d->channels);
    return 0;
  }
  return d->storage->read(d->storage->ctx, d->palette + at, pixel, d->channels) ? PG_STORAGE : 0;
}

static int palette_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx) {
  uint8_t chunk[PG_CHUNK];
  uint16_t n = 0;
  for (uint16_t i = 0; i < d->leds; i++) {
    const int r = colour(d, d->window[d->shown + i], chunk + n);
    if (r) return r;
    n = (uint16_t)(n + d->channels);
    if (n + d->channels <= PG_CHUNK && i + 1 < d->leds) continue;
    emit(ctx, chunk, n);
    n = 0;
  }
  return 0;
}

/* Through a copy, since who takes the bytes may change them and the window is still history. */
static void plain_frame(const pg_decoder *d, pg_pixels_fn emit, void *ctx) {
  uint8_t chunk[PG_CHUNK];
  const uint32_t end = d->shown + frame_bytes(d);
  uint32_t at = d->shown;
  while (at < end) {
    const uint16_t n = (uint16_t)pg_min(end - at, sizeof chunk);
    memcpy(chunk, d->window + at, n);
    emit(ctx, chunk, n);
    at += n;
  }
}

int pg_lz_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx) {
  int r = 0;
  while (r == 0) r = pg_lz_prepare(d, 0xFFFFFFFFu);
  if (r < 0) return r;
  r = 0;
  if (d->codec == PG_CODEC_PALETTE)
    r = palette_frame(d, emit, ctx);
  else
    plain_frame(d, emit, ctx);
  d->shown += frame_bytes(d);
  return r;
}

#else
typedef int pg_no_lz; /* ISO C wants a declaration in every file */
#endif
