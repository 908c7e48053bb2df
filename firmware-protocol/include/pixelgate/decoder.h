/*
 * Decodes one stored block of a pattern (SPEC §10.5 … 10.12) frame by frame, reading it from storage through a
 * few bytes. Malformed blocks end in an error, never in an access out of bounds.
 */
#ifndef PIXELGATE_DECODER_H
#define PIXELGATE_DECODER_H

#include <stdint.h>

#include "pixelgate/features.h"
#include "pixelgate/manifest.h"
#include "pixelgate/storage.h"

enum pg_codec { PG_CODEC_RAW = 0, PG_CODEC_RLE = 1, PG_CODEC_PALETTE = 2, PG_CODEC_LZ = 3 };

/* Takes a piece of a frame; may change it in place. */
typedef void (*pg_pixels_fn)(void *ctx, uint8_t *bytes, uint16_t n);

typedef struct pg_decoder {
  const pg_storage *storage;
  uint32_t addr; /* next byte of the payload that was not read ahead */
  uint32_t end;
  uint32_t delay_addr; /* next run of delays */
  uint32_t delay_run;  /* frames left in the run */
  uint32_t delay_ms;
  uint16_t leds;
  uint8_t channels;
  uint8_t codec;
  uint8_t frames; /* frames not yet handed out */
  uint8_t ahead_at;
  uint8_t ahead_n;
  uint8_t ahead[PG_READ_AHEAD];
#if PG_WITH_RLE
  uint8_t run; /* pixels left of the token */
  uint8_t repeat;
  uint8_t pixel[4];
  uint32_t pixels; /* not yet covered by a token */
#endif
#if PG_WITH_LZ
  uint8_t *window; /* the decoded block */
  uint32_t window_bytes;
  uint32_t size; /* decoded size */
  uint32_t out;  /* decoded so far */
  uint32_t shown;
  uint32_t literals;
  uint32_t match;
  uint32_t d0;
  uint32_t d1;
  uint32_t palette; /* address */
  uint16_t colours;
  uint8_t cached; /* palette kept behind the decoded block */
#endif
} pg_decoder;

/*
 * Opens the block at `addr`. `window` takes decoded blocks of the codecs 2 and 3 and must stay until the block is
 * finished. Returns 0, PG_UNKNOWN_CODEC, PG_DECODE_MEMORY, PG_STORAGE or PG_BAD_MANIFEST (malformed).
 */
int pg_decoder_open(pg_decoder *d, const pg_storage *storage, uint32_t addr, const pg_entry *entry, uint16_t leds,
                    uint8_t channels, uint8_t *window, uint32_t window_bytes);

/* Decodes ahead, at most `budget` bytes. Returns 1 when the next frame is ready, 0 when more is to do, or an error. */
int pg_decoder_prepare(pg_decoder *d, uint32_t budget);

/* Hands out the next frame in order and its delay. After the last one the block must be used up (SPEC §10.12). */
int pg_decoder_frame(pg_decoder *d, pg_pixels_fn emit, void *ctx, uint32_t *delay_ms);

#endif
