#include "decoding.h"

int pg_take(pg_decoder *d, uint8_t *bytes, uint32_t n) {
  while (n) {
    if (d->ahead_at == d->ahead_n) {
      const uint32_t more = pg_min(d->end - d->addr, sizeof d->ahead);
      if (more == 0) return PG_MALFORMED;
      if (d->storage->read(d->storage->ctx, d->addr, d->ahead, more)) return PG_STORAGE;
      d->addr += more;
      d->ahead_at = 0;
      d->ahead_n = (uint8_t)more;
    }
    const uint8_t take = (uint8_t)pg_min(n, (uint32_t)(d->ahead_n - d->ahead_at));
    memcpy(bytes, d->ahead + d->ahead_at, take);
    d->ahead_at = (uint8_t)(d->ahead_at + take);
    bytes += take;
    n -= take;
  }
  return 0;
}

/* LEB128 at *addr (SPEC §10.6). */
static int varint_at(const pg_storage *storage, uint32_t *addr, uint32_t end, uint32_t *value) {
  uint8_t raw[5];
  const uint8_t n = (uint8_t)pg_min(end - *addr, sizeof raw);
  if (storage->read(storage->ctx, *addr, raw, n)) return PG_STORAGE;
  *value = 0;
  for (uint8_t i = 0; i < n; i++) {
    if (i == 4 && raw[i] > 0x0F) return PG_MALFORMED;
    *value |= (uint32_t)(raw[i] & 0x7F) << (7 * i);
    if (raw[i] < 0x80) {
      *addr += i + 1u;
      return 0;
    }
  }
  return PG_MALFORMED;
}

static int next_run(pg_decoder *d) {
  int r = varint_at(d->storage, &d->delay_addr, d->end, &d->delay_run);
  if (r == 0) r = varint_at(d->storage, &d->delay_addr, d->end, &d->delay_ms);
  return r;
}

/* Walks over the delays to find the payload, and checks them on the way. */
static int skip_delays(pg_decoder *d) {
  uint8_t covered = 0;
  d->delay_addr = d->addr;
  while (covered < d->frames) {
    const int r = next_run(d);
    if (r) return r;
    if (d->delay_run == 0 || d->delay_run > (uint32_t)(d->frames - covered)) return PG_MALFORMED;
    covered = (uint8_t)(covered + d->delay_run);
  }
  const uint32_t payload = d->delay_addr;
  d->delay_addr = d->addr;
  d->delay_run = 0;
  d->addr = payload;
  return 0;
}

int pg_decoder_open(pg_decoder *d, const pg_storage *storage, uint32_t addr, const pg_entry *entry, uint16_t leds,
                    uint8_t channels, uint8_t *window, uint32_t window_bytes) {
  memset(d, 0, sizeof *d);
  d->storage = storage;
  d->addr = addr;
  d->end = addr + entry->stored_bytes;
  d->leds = leds;
  d->channels = channels;
  d->codec = entry->codec;
  d->frames = entry->frames;
  if (leds == 0 || entry->frames == 0 || (channels != 3 && channels != 4)) return PG_MALFORMED;
  const int r = skip_delays(d);
  if (r) return r;
  const uint32_t pixels = (uint32_t)entry->frames * leds;
  (void)window;
  (void)window_bytes;
  switch (entry->codec) {
    case PG_CODEC_RAW:
      return pg_rest(d) == pixels * channels ? 0 : PG_MALFORMED;
#if PG_WITH_RLE
    case PG_CODEC_RLE:
      d->pixels = pixels;
      return 0;
#endif
#if PG_WITH_LZ
    case PG_CODEC_PALETTE:
    case PG_CODEC_LZ:
      d->size = entry->codec == PG_CODEC_LZ ? pixels * channels : pixels;
      return pg_lz_open(d, window, window_bytes);
#endif
    default:
      return PG_UNKNOWN_CODEC;
  }
}

int pg_decoder_prepare(pg_decoder *d, uint32_t budget) {
#if PG_WITH_LZ
  if (d->codec >= PG_CODEC_PALETTE) return pg_lz_prepare(d, budget);
#else
  (void)d;
  (void)budget;
#endif
  return 1;
}

static int raw_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx) {
  uint8_t chunk[PG_CHUNK];
  uint32_t left = (uint32_t)d->leds * d->channels;
  while (left) {
    const uint16_t n = (uint16_t)pg_min(left, sizeof chunk);
    const int r = pg_take(d, chunk, n);
    if (r) return r;
    emit(ctx, chunk, n);
    left -= n;
  }
  return 0;
}

static int payload_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx) {
#if PG_WITH_RLE
  if (d->codec == PG_CODEC_RLE) return pg_rle_frame(d, emit, ctx);
#endif
#if PG_WITH_LZ
  if (d->codec >= PG_CODEC_PALETTE) return pg_lz_frame(d, emit, ctx);
#endif
  return raw_frame(d, emit, ctx);
}

int pg_decoder_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx, uint32_t *delay_ms) {
  if (d->frames == 0) return PG_BAD_STATE;
  int r = d->delay_run ? 0 : next_run(d);
  if (r == 0) r = payload_frame(d, emit, ctx);
  if (r) return r;
  d->delay_run--;
  *delay_ms = d->delay_ms;
  if (--d->frames == 0 && pg_rest(d)) return PG_MALFORMED;
  return 0;
}
