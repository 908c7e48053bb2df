/* Codecs against a plain decoder of their own text; malformed blocks are in the vectors and in test-fuzz.c. */
#include "rig.h"

static struct {
  const uint8_t *bytes;
  size_t n;
} memory;

static int memory_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  if (!CHECK(addr <= memory.n && n <= memory.n - addr)) return -1;
  memcpy(bytes, memory.bytes + addr, n);
  return 0;
}

static const pg_storage memory_storage = {memory_read, NULL, NULL, NULL, 0, 1};

static uint8_t pixels[65536];
static size_t pixels_n;

static void keep(void *ctx, uint8_t *bytes, uint16_t n) {
  (void)ctx;
  memcpy(pixels + pixels_n, bytes, n);
  memset(bytes, 0xEE, n); /* the decoder must not mind */
  pixels_n += n;
}

/* Decodes a whole block in slices of `budget`. Returns 0 or the error. */
static int decode(const uint8_t *stored, uint16_t n, uint8_t codec, uint16_t leds, uint8_t channels, uint8_t frames,
                  uint32_t window_bytes, uint32_t budget) {
  static uint8_t window[65536];
  const pg_entry entry = {0, n, codec, frames};
  pg_decoder d;
  uint32_t delay;
  memory.bytes = stored;
  memory.n = n;
  pixels_n = 0;
  int r = pg_decoder_open(&d, &memory_storage, 0, &entry, leds, channels, window, window_bytes);
  for (uint8_t i = 0; i < frames && r == 0; i++) {
    while ((r = pg_decoder_prepare(&d, budget)) == 0) continue;
    if (r == 1) r = pg_decoder_frame(&d, keep, NULL, &delay);
  }
  return r;
}

static uint8_t stored[65536];
static uint8_t wanted[65536];

static uint32_t put_varint(uint32_t at, uint32_t v) {
  for (; v >= 128; v >>= 7) stored[at++] = (uint8_t)(v | 128);
  stored[at++] = (uint8_t)v;
  return at;
}

/* Random LZ tokens and what they stand for, `size` bytes in all. */
static uint32_t make_lz(uint32_t at, uint8_t *out, uint32_t size, uint8_t colours, uint32_t *seed) {
  uint32_t n = 0, d0 = 1, d1 = 1;
  while (n < size) {
    const uint32_t left = size - n;
    uint32_t kind = random32(seed) % 4, length = 1 + random32(seed) % (random32(seed) % 8 ? 20 : 400), distance;
    if (length > left) length = left;
    if (n == 0 || kind == 0 || (kind == 3 && length < 3) || length < 2 || d0 > n || d1 > n) {
      if (length > 128) length = 128;
      stored[at++] = (uint8_t)(length - 1);
      for (; length; length--) stored[at++] = out[n++] = (uint8_t)(random32(seed) % colours);
      continue;
    }
    if (kind == 3) {
      distance = 1 + random32(seed) % n;
      stored[at++] = (uint8_t)(0xC0 | (length >= 66 ? 63 : length - 3));
      if (length >= 66) at = put_varint(at, length - 66);
      at = put_varint(at, distance - 1);
      d1 = d0;
      d0 = distance;
    } else {
      stored[at++] = (uint8_t)((kind == 1 ? 0x80 : 0xA0) | (length >= 33 ? 31 : length - 2));
      if (length >= 33) at = put_varint(at, length - 33);
      distance = kind == 1 ? d0 : d1;
      if (kind == 2) d1 = d0;
      d0 = distance;
    }
    for (; length; length--, n++) out[n] = out[n - distance];
  }
  return at;
}

static void test_lz(void) {
  uint32_t seed = 4711;
  begin_test("random LZ streams decode to what they stand for, in slices of any size");
  for (unsigned round = 0; round < 1500; round++) {
    const uint8_t channels = (uint8_t)(3 + random32(&seed) % 2), frames = (uint8_t)(1 + random32(&seed) % 9);
    const uint16_t leds = (uint16_t)(1 + random32(&seed) % 90);
    const uint32_t size = (uint32_t)leds * channels * frames;
    uint32_t at = put_varint(0, frames);
    at = put_varint(at, random32(&seed) % 1000);
    at = make_lz(at, wanted, size, 255, &seed);
    const uint32_t budget = 1 + random32(&seed) % 700;
    if (!EQUAL(decode(stored, (uint16_t)at, PG_CODEC_LZ, leds, channels, frames, size, budget), 0)) return;
    if (!CHECK(pixels_n == size && memcmp(pixels, wanted, size) == 0)) return;
    EQUAL(decode(stored, (uint16_t)at, PG_CODEC_LZ, leds, channels, frames, size - 1, budget), PG_DECODE_MEMORY);
    if (!CHECK(decode(stored, (uint16_t)(at - 1), PG_CODEC_LZ, leds, channels, frames, size, budget) < 0)) return;
  }
}

static void test_palette(void) {
  uint32_t seed = 815;
  static uint8_t indices[65536];
  begin_test("palette blocks decode alike with the palette kept in memory and read from storage");
  for (unsigned round = 0; round < 1500; round++) {
    const uint8_t channels = (uint8_t)(3 + random32(&seed) % 2), frames = (uint8_t)(1 + random32(&seed) % 9);
    const uint16_t leds = (uint16_t)(1 + random32(&seed) % 90);
    const uint8_t colours = (uint8_t)(1 + random32(&seed) % 255);
    const uint32_t size = (uint32_t)leds * frames;
    uint32_t at = put_varint(0, frames);
    at = put_varint(at, 40);
    stored[at++] = (uint8_t)(colours - 1);
    const uint8_t *palette = stored + at;
    for (unsigned i = 0; i < (unsigned)colours * channels; i++) stored[at++] = (uint8_t)random32(&seed);
    at = make_lz(at, indices, size, colours, &seed);
    for (uint32_t i = 0; i < size; i++) memcpy(wanted + i * channels, palette + indices[i] * channels, channels);
    for (uint32_t spare = 0; spare <= 1024; spare += 1024) {
      if (!EQUAL(decode(stored, (uint16_t)at, PG_CODEC_PALETTE, leds, channels, frames, size + spare, 50), 0)) return;
      if (!CHECK(pixels_n == size * channels && memcmp(pixels, wanted, pixels_n) == 0)) return;
    }
  }
}

static void test_rle(void) {
  uint32_t seed = 99;
  begin_test("random RLE streams decode to what they stand for, runs across frames included");
  for (unsigned round = 0; round < 1500; round++) {
    const uint8_t channels = (uint8_t)(3 + random32(&seed) % 2), frames = (uint8_t)(1 + random32(&seed) % 9);
    const uint16_t leds = (uint16_t)(1 + random32(&seed) % 90);
    const uint32_t total = (uint32_t)leds * frames;
    uint32_t at = put_varint(put_varint(0, frames), 40), n = 0;
    while (n < total) {
      const int repeat = random32(&seed) & 1 && total - n >= 2;
      const uint32_t run = repeat ? pg_min(2 + random32(&seed) % 128, total - n) : pg_min(1 + random32(&seed) % 128, total - n);
      stored[at++] = (uint8_t)(repeat ? run + 126 : run - 1);
      for (uint32_t i = 0; i < run; i++, n++)
        for (uint8_t c = 0; c < channels; c++) {
          if (i == 0 || !repeat) stored[at++] = wanted[n * channels + c] = (uint8_t)random32(&seed);
          else wanted[n * channels + c] = wanted[(n - 1) * channels + c];
        }
    }
    if (!EQUAL(decode(stored, (uint16_t)at, PG_CODEC_RLE, leds, channels, frames, 0, 1), 0)) return;
    if (!CHECK(pixels_n == total * channels && memcmp(pixels, wanted, pixels_n) == 0)) return;
  }
}

void test_codecs(void) {
  test_lz();
  test_palette();
  test_rle();
}
