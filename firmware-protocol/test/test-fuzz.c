/* Bytes from nowhere. The sanitizers are the judges; what the flash model forbids is counted. */
#include "rig.h"

static rig r;
static pattern a;

static void random_frame(uint32_t *seed) {
  static const uint8_t types[] = {0x01, 0x05, 0x07, 0x08, 0x10, 0x11, 0x13, 0x13, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19,
                                  0x1A, 0x1B, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2B, 0x30, 0x31};
  static const uint8_t lengths[] = {5, 0, 4, 9, 32, 7, 64, 64, 64, 14, 33, 19, 17, 0, 16, 3, 1, 17, 17, 1, 0, 0, 0, 0, 0, 2, 16, 9, 6};
  static uint8_t wire[400];
  uint8_t body[256];
  const uint32_t k = random32(seed) % sizeof types;
  size_t n = random32(seed) % 8 ? lengths[k] : random32(seed) % 257;
  for (size_t i = 0; i < n; i++) body[i] = (uint8_t)(random32(seed) % 3 ? random32(seed) % 4 : random32(seed));
  if (types[k] == 0x01 && n >= 5) body[0] = 0, body[3] = 1, body[4] = (uint8_t)(random32(seed) % 3);
  if (n >= 17 && random32(seed) % 2) memcpy(body + (n != 32 && n != 16), a.id, 16);
  if (types[k] == 0x10 && n == 32 && random32(seed) % 2) {
    pg_put32(body + 16, a.manifest_bytes);
    pg_put32(body + 20, pg_crc32(0, a.manifest, a.manifest_bytes));
    pg_put32(body + 24, a.image_bytes);
    pg_put16(body + 28, a.blocks);
    body[30] = 255;
  }
  const uint16_t seq = types[k] == 0x13 ? (uint16_t)(r.board.segment.next + random32(seed) % 40) : (uint16_t)random32(seed);
  if (types[k] == 0x13 && random32(seed) % 2) memcpy(body, a.manifest, 64);
  const size_t length = encode_frame(wire, 1, types[k], 9, seq, body, n);
  pg_board_sink(&r.board, wire, length);
}

static void test_requests(void) {
  uint32_t seed = 123456;
  begin_test("random requests, well framed, never harm the board or its storage's rules");
  pattern_make(&a, 6, 6, 2, 40, 0);
  for (unsigned round = 0; round < 12; round++) {
    uint8_t slot;
    rig_init(&r, (uint8_t)(1 + round % 3), 16384, 256);
    CHECK(rig_start(&r) == 0);
    if (round % 2) host_upload(&r, &a, &slot);
    for (unsigned i = 0; i < 4000; i++) {
      random_frame(&seed);
      if (random32(&seed) % 4) pg_board_poll(&r.board, r.now);
      if (random32(&seed) % 8 == 0) r.now += random32(&seed) % 300;
      if (r.out_n > 30000) r.out_n = 0;
    }
    r.out_n = 0;
    rig_settle(&r);
    CHECK(rig_hello(&r) && rig_last(&r, PG_T_CAPS));
    CHECK(rig_start(&r) == 0);
    if (!EQUAL(r.flash.violations, 0)) return;
  }
}

static void test_noise(void) {
  uint32_t seed = 999;
  begin_test("noise is dropped, counted to the byte, and the next frame after a delimiter is taken");
  rig_init(&r, 1, 8192, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
  for (unsigned round = 0; round < 3000; round++) {
    uint8_t noise[300];
    const size_t n = 1 + random32(&seed) % 299;
    const uint32_t before = r.board.bytes_dropped;
    for (size_t i = 0; i < n; i++) noise[i] = (uint8_t)(1 + random32(&seed) % 255);
    rig_bytes(&r, noise, n);
    rig_bytes(&r, (const uint8_t *)"", 1);
    EQUAL(r.board.bytes_dropped, before + n + 1);
    if (!EQUAL(rig_err(rig_ask(&r, PG_T_PROBE, NULL, 0)), 0)) return;
  }
}

static uint8_t *heap;
static size_t heap_n;

static int heap_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  if (!CHECK(addr <= heap_n && n <= heap_n - addr)) return -1;
  memcpy(bytes, heap + addr, n);
  return 0;
}

static void nothing(void *ctx, uint8_t *bytes, uint16_t n) {
  (void)ctx;
  memset(bytes, 0, n);
}

static void test_decoders(void) {
  static uint8_t stored[128];
  static struct {
    uint8_t before[64], bytes[300], after[64];
  } window;
  const pg_storage storage = {heap_read, NULL, NULL, NULL, 0, 1};
  uint32_t seed = 4242, good = 0;
  begin_test("random blocks end in an error or in whole frames, within their window");
  memset(&window, 0xC3, sizeof window);
  heap = stored;
  for (unsigned round = 0; round < 400000; round++) {
    pg_decoder d;
    const pg_entry entry = {0, (uint16_t)(1 + random32(&seed) % 40), (uint8_t)(random32(&seed) % 5), (uint8_t)(random32(&seed) % 4)};
    const uint32_t space = 1 + random32(&seed) % 300;
    uint32_t delay;
    heap_n = entry.stored_bytes;
    for (size_t i = 0; i < heap_n; i++) stored[i] = (uint8_t)(random32(&seed) % 3 ? random32(&seed) : random32(&seed) % 8);
    if (random32(&seed) % 8) stored[0] = entry.frames, stored[1] = 40;
    int x = pg_decoder_open(&d, &storage, 0, &entry, (uint16_t)(random32(&seed) % 9), (uint8_t)(3 + random32(&seed) % 2), window.bytes, space);
    for (uint8_t i = 0; i < entry.frames && x == 0; i++) x = pg_decoder_frame(&d, nothing, NULL, &delay);
    if (x == 0) good++;
    for (unsigned i = 0; i < 64; i++)
      if (!CHECK(window.before[i] == 0xC3 && window.after[i] == 0xC3)) return;
  }
  printf("# %u of 400000 random blocks were whole\n", (unsigned)good);
  CHECK(good > 100);
}

void test_fuzz(void) {
  test_requests();
  test_noise();
  test_decoders();
}
