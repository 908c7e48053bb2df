/*
 * A host that is almost well-behaved: the input is a list of steps (steps.h).
 * Framing, CRC, ids and digests are made right here, so that the fuzzer stands behind them at once.
 */
#include "forge.h"
#include "steps.h"

#define BUNDLES 3u

static world w;
static bundle bundles[BUNDLES];
static bundle *mine;
static forge forged = {.world = &w};

static void frame(uint8_t type, uint8_t how, const uint8_t *p, size_t n) {
  uint8_t body[PG_MAX_BODY + 8] = {0};
  size_t length = n;
  if (!(how & REPEAT)) forged.seq++;
  if (how & PLAIN || how & REPEAT) memcpy(body, p, n);
  else length = forge_body(&forged, type, body, p, n, how);
  if (type == PG_T_HELLO && !(how & PLAIN)) {
    const uint8_t hello[5] = {1, 1, 64, forge_byte(p, n, 0, 2), forge_byte(p, n, 1, 0)};
    memcpy(body, hello, length = 5);
  }
  /* Whoever has not proved that he has the key changes nothing that lasts; the proof alone may do so. */
  const uint32_t touched = w.touched;
  const int stranger = !pg_trusts_host(&w.board), restarts = w.dead;
  world_frame(&w, how & VERSION ? 2 : 1, type, how & STRANGER ? 10 : 9, forged.seq, body, length);
  MUST(!stranger || restarts || w.touched == touched, "a stranger's frame of type %02x has written", type);
  if (how & NO_POLL) return;
  world_poll(&w, how & ONE_POLL ? 1 : 400);
}

static void log_in(void) {
  const uint8_t challenge[2] = {0, 1}, prove = 1;
  frame(PG_T_PAIR, 0, challenge, 2);
  frame(PG_T_PAIR, 0, &prove, 1);
}

/* HELLO … VERIFY, as far as the board lets it go. */
static void upload(uint8_t bytes) {
  const uint8_t size = bytes;
  frame(PG_T_HELLO, 0, NULL, 0);
  if (pg_paired(&w.board) && bytes & 3) log_in();
  if (pg_paired(&w.board) && bytes & 6) bundle_authenticate(mine, (uint8_t)(1 + (bytes & 1)), w.board.record.key, w.board.record.uuid, bytes >> 4);
  frame(PG_T_BEGIN, 0, NULL, 0);
  for (unsigned segment = 0; segment < 2; segment++) {
    frame(PG_T_HAVEQ, 0, &size, 1);
    for (unsigned i = 0; i < 64 && w.board.segment.open && w.board.cursor.len; i++) frame(PG_T_DATA, NO_POLL, NULL, 0);
    world_settle(&w);
  }
  frame(PG_T_VERIFY, 0, NULL, 0);
}

/* Changes any byte of the manifest; what must hold for a board to go on is up to the fuzzer. */
static void bend_manifest(uint8_t how, const uint8_t *p, size_t n) {
  for (size_t i = 0; i + 1 < n; i += 2) mine->manifest[p[i] % (PG_MANIFEST_FIXED + mine->blocks * PG_ENTRY_BYTES)] = p[i + 1];
  if (how & REPEAT) bundle_name(mine);
  else bundle_seal(mine);
}

static void bend_block(uint8_t how, const uint8_t *p, size_t n) {
  const unsigned i = (how >> 4) % BUNDLE_BLOCKS;
  if (i >= mine->blocks) mine->blocks = (uint16_t)(i + 1);
  mine->manifest[PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES + 6] = how & 7u;
  mine->length[i] = (uint8_t)(n ? pg_min((uint32_t)n, BUNDLE_BLOCK) : 1);
  if (n) memcpy(mine->block[i], p, mine->length[i]);
  bundle_seal(mine);
}

/* Frames of the table, and their sum where it belongs. */
static void bend_table(const uint8_t *p, size_t n) {
  uint32_t sum = 0;
  for (uint16_t i = 0; i < mine->blocks; i++) {
    uint8_t *frames = mine->manifest + PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES + 7;
    if (i < n) *frames = p[i];
    sum += *frames;
  }
  pg_put32(mine->manifest + PG_M_FRAMES, sum);
  bundle_seal(mine);
}

static void step(uint8_t kind, uint8_t how, const uint8_t *p, size_t n) {
  const uint32_t value = (uint32_t)forge_byte(p, n, 0, 1) | (uint32_t)forge_byte(p, n, 1, 0) << 8;
  switch (kind) {
    case TIME:
      w.now += how & REPEAT ? value * 16u : value & 1023u;
      world_settle(&w);
      break;
    case RESTART:
      world_restart(&w);
      break;
    case CUT:
      w.power = (int32_t)(value & 4095u);
      break;
    case NOISE:
      world_bytes(&w, p, n);
      break;
    case POLL:
      w.now += how & 15u;
      world_poll(&w, forge_byte(p, n, 0, 1));
      break;
    case UPLOAD:
      upload(forge_byte(p, n, 0, 32));
      break;
    case BUNDLE:
      forged.bundle = mine = &bundles[how % BUNDLES];
      break;
    case MANIFEST:
      bend_manifest(how, p, n);
      break;
    case BLOCK:
      bend_block(how, p, n);
      break;
    case TABLE:
      bend_table(p, n);
      break;
    case FINISH: { /* try it, keep it */
      const uint8_t transfer = 0;
      frame(PG_T_ACTIVATE, TARGET, &transfer, 1);
      frame(PG_T_CONFIRM, TARGET, &transfer, 1);
      break;
    }
    case JUDGE:
      world_judge(&w);
      break;
    default:
      frame(kind & 63u, how, p, n);
  }
  /* A chip without power does nothing until it has it again. */
  if (w.dead) world_restart(&w);
}

static void shape_of(const uint8_t *p, world_shape *s) {
  static const uint32_t units[] = {256, 64, 1, 1024, 48};
  static const uint16_t bodies[] = {256, 64, 128, 512, 4096};
  static const uint32_t windows[] = {128, 0, 1, 60, 512};
  memset(s, 0, sizeof *s);
  s->bytes = 16384;
  s->slots = (uint8_t)(2 - p[0] % 2 + p[0] % 5 / 4);
  s->unit = units[p[1] % 5];
  s->max_body = bodies[p[2] % 5];
  s->decode_bytes = windows[p[3] % 5];
  s->leds = (uint16_t)(8 + (p[4] & 15));
  s->live_bytes = p[4] & 16 ? 0 : 32;
  s->block_bytes = p[4] & 32 ? 20 : 4096;
  s->max_baud = p[4] & 64 ? 0 : 2000000;
  s->slice_bytes = p[5] & 3 ? (uint16_t)(p[5] & 31) : 0;
  s->guard_ms = p[5] & 32 ? 5 : 0;
  s->clocked = p[5] >> 6 & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  world_shape shape;
  if (size < SHAPE_BYTES) return -1;
  shape_of(data, &shape);
  for (uint8_t i = 0; i < BUNDLES; i++) bundle_make(&bundles[i], i, (uint8_t)(1 + 2 * i), (uint8_t)(2 + 3 * i));
  forged.bundle = mine = bundles;
  forged.seq = 0;
  world_open(&w, &shape);
  frame(PG_T_HELLO, 0, NULL, 0);
  unsigned steps = 0;
  for (size_t at = SHAPE_BYTES; at + STEP_BYTES <= size && steps < MOST_STEPS; steps++) {
    const size_t n = pg_min(data[at + 2], (uint32_t)(size - at - STEP_BYTES));
    step(data[at] % KINDS, data[at + 1], data + at + STEP_BYTES, n);
    at += STEP_BYTES + n;
  }
  world_judge(&w);
  world_close(&w);
  return 0;
}
