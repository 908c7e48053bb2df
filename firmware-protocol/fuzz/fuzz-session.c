/*
 * A host that is almost well-behaved: the input is a list of steps, each three bytes (what, how, length) and its own bytes.
 * Framing, CRC, ids and digests are made right here, so that the fuzzer stands behind them at once.
 */
#include "bundle.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#define SHAPE_BYTES 6u
#define STEP_BYTES 3u
#define MOST_STEPS 200u
#define BUNDLES 3u

/* Steps beyond the 64 message types. */
enum { TIME = 64, RESTART, CUT, NOISE, POLL, UPLOAD, BUNDLE, MANIFEST, BLOCK, TABLE, FINISH, JUDGE, KINDS };
/* How a frame is sent. */
enum { REPEAT = 1, STRANGER = 2, VERSION = 4, PLAIN = 8, ONE_POLL = 16, NO_POLL = 32, AHEAD = 64, TARGET = 128 };

static world w;
static bundle bundles[BUNDLES];
static bundle *mine;
static uint16_t seq;

static uint8_t byte(const uint8_t *p, size_t n, size_t at, uint8_t otherwise) { return at < n ? p[at] : otherwise; }

/* Slots 0 … 3, the transfer's, the one that plays, the trial's. */
static uint8_t slot_of(uint8_t how, uint8_t value) {
  const pg_board *b = &w.board;
  if (!(how & TARGET)) return value;
  const uint8_t named[4] = {b->transfer.slot, b->record.active, b->record.trial, PG_NO_SLOT_INDEX};
  return named[value & 3u];
}

static size_t fill_begin(uint8_t *body, const uint8_t *p, size_t n, uint8_t how) {
  memcpy(body, mine->id, 16);
  pg_put32(body + 16, mine->manifest_bytes);
  pg_put32(body + 20, crc_bits(mine->manifest, mine->manifest_bytes));
  pg_put32(body + 24, mine->image_bytes);
  pg_put16(body + 28, mine->blocks);
  body[30] = slot_of(how, byte(p, n, 0, 255));
  body[31] = byte(p, n, 1, 0);
  return 32;
}

static size_t fill_data(uint8_t *body, const uint8_t *p, size_t n, uint8_t how) {
  const pg_segment *s = &w.board.segment;
  const pg_cursor *c = &w.board.cursor;
  const uint8_t *from = mine->manifest;
  uint32_t size = mine->manifest_bytes, off = c->off;
  const uint32_t distance = how & AHEAD ? byte(p, n, 0, 1) & 63u : 0;
  seq = (uint16_t)(s->next + distance);
  off += distance * s->body;
  if (c->block != 0xFFFF) {
    from = mine->image;
    for (uint16_t i = 0; i < c->block && i < mine->blocks; i++) from += mine->length[i];
    size = c->block < mine->blocks ? mine->length[c->block] : 0;
  }
  if (!s->open || off >= size) return 0;
  const uint32_t take = pg_min(pg_min(s->body, size - off), PG_MAX_BODY);
  memcpy(body, from + off, take);
  for (size_t i = 1; i + 1 < n; i += 2) body[p[i] % take] ^= p[i + 1];
  return take;
}

static size_t fill_verify(uint8_t *body, const uint8_t *p, size_t n) {
  pg_siphash hash;
  memset(body, 0, 33);
  body[0] = byte(p, n, 0, 0);
  if (body[0] == 0) return 33;
  pg_siphash_init(&hash, body + 1);
  pg_siphash_update(&hash, mine->image, mine->image_bytes);
  pg_siphash_final(&hash, body + 17);
  body[17] ^= byte(p, n, 1, 0);
  return 33;
}

/* What a host with the key would say; the fuzzer may change it. */
static size_t fill_pair(uint8_t *body, const uint8_t *p, size_t n) {
  static const uint8_t bytes[4] = {18, 17, 33, 17};
  const pg_board *b = &w.board;
  const uint8_t op = byte(p, n, 0, 0) & 3u, *key = b->record.key;
  uint8_t *tag = body + bytes[op] - 16;
  body[0] = op;
  body[1] = (uint8_t)(1 + (byte(p, n, 1, 0) & 1u));
  if (op == 1) memcpy(tag, b->pairing.proof, 16);
  if (op == 2) memset(body + 1, byte(p, n, 1, 5), 16);
  if (op >= 2 && pg_paired(b) && b->pairing.mac) {
    pg_mac mac;
    pg_mac_init(&mac, b->pairing.mac, key, op == 2 ? PG_L_SET : PG_L_CLEAR);
    pg_mac_update(&mac, b->pairing.proof, 16);
    if (op == 2) pg_mac_update(&mac, body + 1, 16);
    pg_mac_final(&mac, key, tag);
  }
  if (n > 3) body[p[2] % bytes[op]] ^= p[3];
  return bytes[op];
}

static size_t fill(uint8_t type, uint8_t *body, const uint8_t *p, size_t n, uint8_t how) {
  switch (type) {
    case PG_T_BEGIN:
      return fill_begin(body, p, n, how);
    case PG_T_HAVEQ:
      seq++;
      body[0] = byte(p, n, 2, 1);
      pg_put16(body + 1, (uint16_t)(w.board.segment.next + 40));
      pg_put16(body + 3, (uint16_t)(32 + byte(p, n, 0, 0)));
      pg_put16(body + 5, byte(p, n, 1, 0));
      return 7;
    case PG_T_DATA:
      return fill_data(body, p, n, how);
    case PG_T_VERIFY:
      return fill_verify(body, p, n);
    case PG_T_ACTIVATE:
    case PG_T_CONFIRM:
    case PG_T_SELECT:
    case PG_T_DELETE:
      body[0] = slot_of(how, byte(p, n, 0, 0));
      memcpy(body + 1, mine->id, 16);
      pg_put16(body + 17, byte(p, n, 1, 1));
      return type == PG_T_ACTIVATE ? 19 : 17;
    case PG_T_ABORT:
      memcpy(body, mine->id, 16);
      return 16;
    case PG_T_PAIR:
      return fill_pair(body, p, n);
    default:
      if (n) memcpy(body, p, n);
      return n;
  }
}

static void frame(uint8_t type, uint8_t how, const uint8_t *p, size_t n) {
  uint8_t body[PG_MAX_BODY + 8] = {0};
  size_t length = n;
  if (!(how & REPEAT)) seq++;
  if (how & PLAIN || how & REPEAT) memcpy(body, p, n);
  else length = fill(type, body, p, n, how);
  if (type == PG_T_HELLO && !(how & PLAIN)) {
    const uint8_t hello[5] = {1, 1, 64, byte(p, n, 0, 2), byte(p, n, 1, 0)};
    memcpy(body, hello, length = 5);
  }
  /* Whoever has not proved that he has the key changes nothing that lasts; the proof alone may do so. */
  const uint32_t touched = w.touched;
  const int stranger = !pg_trusts_host(&w.board), restarts = w.dead;
  world_frame(&w, how & VERSION ? 2 : 1, type, how & STRANGER ? 10 : 9, seq, body, length);
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
  const uint32_t value = (uint32_t)byte(p, n, 0, 1) | (uint32_t)byte(p, n, 1, 0) << 8;
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
      world_poll(&w, byte(p, n, 0, 1));
      break;
    case UPLOAD:
      upload(byte(p, n, 0, 32));
      break;
    case BUNDLE:
      mine = &bundles[how % BUNDLES];
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
  mine = bundles;
  seq = 0;
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

/* ---- whole steps are inserted, doubled, taken out and changed ---- */

static unsigned state;
static unsigned any(unsigned below) {
  state = state * 1103515245u + 12345u;
  return (state >> 16) % below;
}

static size_t splice(uint8_t *data, size_t size, size_t max, size_t at, size_t old, const uint8_t *bytes, size_t n) {
  if (size - old + n > max) return size;
  memmove(data + at + n, data + at + old, size - at - old);
  memcpy(data + at, bytes, n);
  return size - old + n;
}

static size_t new_step(uint8_t *to) {
  static const uint8_t often[] = {PG_T_BEGIN, PG_T_HAVEQ, PG_T_DATA, PG_T_DATA, PG_T_COPY, PG_T_VERIFY, PG_T_ACTIVATE,
                                  PG_T_CONFIRM, PG_T_DELETE, PG_T_SELECT, PG_T_LIST, PG_T_BLOCKS, PG_T_FRAME, PG_T_FILL, PG_T_PAIR, PG_T_SETID,
                                  TIME, RESTART, CUT, POLL, UPLOAD, BUNDLE, MANIFEST, BLOCK, TABLE, FINISH, JUDGE};
  to[0] = any(2) ? often[any(sizeof often)] : (uint8_t)any(KINDS);
  to[1] = (uint8_t)(any(2) ? 0 : any(256));
  to[2] = (uint8_t)(any(3) ? any(9) : any(40));
  for (unsigned i = 0; i < to[2]; i++) to[STEP_BYTES + i] = (uint8_t)(any(2) ? any(4) : any(256));
  return STEP_BYTES + to[2];
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  static size_t starts[MOST_STEPS];
  uint8_t bytes[STEP_BYTES + 255 + 8];
  unsigned n = 0;
  state = seed;
  if (size < SHAPE_BYTES) memset(data, 0, size = max < SHAPE_BYTES ? max : SHAPE_BYTES);
  size_t at = SHAPE_BYTES;
  while (at + STEP_BYTES <= size && n < MOST_STEPS && at + STEP_BYTES + data[at + 2] <= size) {
    starts[n++] = at;
    at += STEP_BYTES + data[at + 2];
  }
  const unsigned how = any(10);
  if (how == 0) return LLVMFuzzerMutate(data, size, max);
  if (how == 1) return data[any(SHAPE_BYTES)] = (uint8_t)any(256), size;
  if (n == 0 || how < 4) return splice(data, size, max, n ? starts[any(n)] : at < size ? at : size, 0, bytes, new_step(bytes));
  const size_t from = starts[any(n)], length = STEP_BYTES + data[from + 2];
  if (how == 4) return splice(data, size, max, from, length, bytes, 0);
  memcpy(bytes, data + from, length);
  if (how == 5) return splice(data, size, max, starts[any(n)], 0, bytes, length);
  if (how == 6) bytes[1] ^= (uint8_t)(1u << any(8));
  else bytes[2] = (uint8_t)LLVMFuzzerMutate(bytes + STEP_BYTES, bytes[2], 255);
  return splice(data, size, max, from, length, bytes, STEP_BYTES + bytes[2]);
}
