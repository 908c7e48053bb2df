/*
 * Bytes as a stored block. It is decoded at once, in slices of a few bytes, and with room for the palette in the window;
 * all three must give the same pixels, delays and verdict, within their window to the byte.
 */
#include "bundle.h"

#define MOST_PIXELS 70000u

static const uint8_t *stored;
static size_t stored_n;

static int read_stored(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  MUST(addr <= stored_n && n <= stored_n - addr, "read of %u at %u of %zu", (unsigned)n, (unsigned)addr, stored_n);
  memcpy(bytes, stored + addr, n);
  return 0;
}

typedef struct picture {
  uint8_t *bytes;
  uint32_t n, cap;
  uint32_t sum; /* of the delays, in order */
} picture;

static void take(void *ctx, uint8_t *bytes, uint16_t n) {
  picture *p = ctx;
  MUST(n && p->n + n <= p->cap, "%u bytes beyond %u of %u", n, (unsigned)p->n, (unsigned)p->cap);
  memcpy(p->bytes + p->n, bytes, n);
  p->n += n;
  memset(bytes, 0x5A, n); /* the receiver may change them */
}

static int decode(const pg_entry *e, uint16_t leds, uint8_t channels, uint32_t window_bytes, uint32_t budget, picture *p) {
  const pg_storage storage = {read_stored, NULL, NULL, NULL, 0, 1};
  uint8_t *window = window_bytes ? malloc(window_bytes) : NULL;
  pg_decoder d;
  uint32_t delay;
  p->n = 0;
  p->sum = 0;
  int r = pg_decoder_open(&d, &storage, 0, e, leds, channels, window, window_bytes);
  for (unsigned i = 0; i < e->frames && r == 0; i++) {
    int ready = budget ? 0 : 1;
    for (uint32_t k = 0; !ready; k++) {
      ready = pg_decoder_prepare(&d, budget);
      MUST(k < 4u * MOST_PIXELS, "a frame that is never ready");
    }
    r = ready < 0 ? ready : pg_decoder_frame(&d, take, p, &delay);
    if (r == 0) {
      MUST(p->n == (i + 1u) * leds * channels, "frame %u ends at byte %u", i, (unsigned)p->n);
      p->sum = p->sum * 31u + delay;
    }
  }
  free(window);
  return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 5 || size > 4096 + 5) return -1;
  const pg_entry e = {0, (uint16_t)(size - 5), (uint8_t)(data[0] & 7), data[1]};
  const uint16_t leds = (uint16_t)(data[2] | (data[0] >> 6) << 8);
  const uint8_t channels = (uint8_t)(3 + (data[0] >> 3 & 3));
  const uint32_t pixels = (uint32_t)e.frames * leds, bytes = pixels * channels;
  if (pixels > MOST_PIXELS) return -1;
  picture a = {malloc(bytes + 1), 0, bytes, 0}, b = {malloc(bytes + 1), 0, bytes, 0};
  uint8_t *copy = malloc(size - 5 + 1);
  memcpy(copy, data + 5, size - 5);
  stored = copy;
  stored_n = size - 5;
  const uint32_t needed = e.codec == PG_CODEC_PALETTE ? pixels : bytes;
  const int whole = decode(&e, leds, channels, needed, 0, &a);
  MUST(whole <= 0, "code %d", whole);
  const int sliced = decode(&e, leds, channels, needed, 1u + data[3], &b);
  MUST(sliced == whole, "in slices %d, at once %d", sliced, whole);
  if (whole == 0) MUST(a.n == b.n && a.sum == b.sum && memcmp(a.bytes, b.bytes, a.n) == 0, "slices decode otherwise");
  const int roomy = decode(&e, leds, channels, needed + 256u * channels, 1u + data[4], &b);
  MUST(roomy == whole, "with room for the palette %d, without %d", roomy, whole);
  if (whole == 0) MUST(a.n == b.n && a.sum == b.sum && memcmp(a.bytes, b.bytes, a.n) == 0, "the cached palette differs");
  if (needed > 1 && e.codec >= PG_CODEC_PALETTE) {
    const int tight = decode(&e, leds, channels, needed - 1, 0, &b);
    MUST(tight == PG_DECODE_MEMORY || (whole && tight < 0), "a window too small by one: %d", tight);
  }
  free(copy);
  free(a.bytes);
  free(b.bytes);
  return 0;
}
