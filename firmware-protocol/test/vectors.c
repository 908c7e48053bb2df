/* Runs the tables made of the files in vectors/. */
#include "rig.h"
#include "vector-types.h"
#include "vectors.h"

static rig r;

static void titled(const char *kind, const char *name) {
  static char title[256];
  snprintf(title, sizeof title, "vectors: %s: %s", kind, name);
  begin_test(title);
}

static int push_all(pg_rx *rx, uint8_t *buf, vector_bytes wire) {
  int got = 0;
  for (size_t i = 0; i < wire.n; i++) {
    got = pg_rx_push(rx, buf, wire.bytes[i]);
    if (wire.bytes[i] == 0 && got <= 0) rx->n = 0, rx->wire = 0;
  }
  return got;
}

static int is_frame(const uint8_t *buf, uint16_t n, const vector_frame *f, int with_version) {
  if (with_version) EQUAL(buf[0] >> 6, f->version);
  EQUAL(buf[0] & 63, f->type);
  EQUAL(buf[1], f->session);
  EQUAL(pg_get16(buf + 2), f->seq);
  return EQUAL(n, f->body.n + 8) && CHECK(memcmp(buf + 4, f->body.bytes, f->body.n) == 0);
}

static void run_frames(void) {
  static uint8_t buf[PG_MAX_BODY + 8], wire[PG_MAX_BODY + 64];
  for (size_t i = 0; i < vector_frames_count; i++) {
    const vector_frame *f = &vector_frames[i];
    pg_rx rx;
    titled("frame", f->name);
    memset(&rx, 0, sizeof rx);
    rx.cap = sizeof buf;
    if (CHECK(push_all(&rx, buf, f->wire) == 1)) is_frame(buf, rx.n, f, 1);
    const size_t n = encode_frame(wire, f->version, f->type, f->session, f->seq, f->body.bytes, f->body.n);
    CHECK(n == f->wire.n && memcmp(wire, f->wire.bytes, n) == 0);
  }
  for (size_t i = 0; i < vector_bad_frames_count; i++) {
    pg_rx rx;
    titled("bad frame", vector_bad_frames[i].name);
    memset(&rx, 0, sizeof rx);
    rx.cap = sizeof buf;
    CHECK(push_all(&rx, buf, vector_bad_frames[i].wire) <= 0);
  }
  for (size_t i = 0; i < vector_streams_count; i++) {
    const vector_stream *s = &vector_streams[i];
    pg_rx rx;
    size_t k = 0;
    titled("stream", s->name);
    memset(&rx, 0, sizeof rx);
    rx.cap = sizeof buf;
    for (size_t j = 0; j < s->wire.n; j++) {
      const int got = pg_rx_push(&rx, buf, s->wire.bytes[j]);
      if (got > 0 && CHECK(k < s->count)) is_frame(buf, rx.n, &s->frames[k++], 0);
      if (s->wire.bytes[j] == 0) rx.n = 0, rx.wire = 0;
    }
    EQUAL(k, s->count);
  }
}

static vector_bytes memory;

static int memory_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  if (!CHECK(addr <= memory.n && n <= memory.n - addr)) return -1;
  memcpy(bytes, memory.bytes + addr, n);
  return 0;
}

static const pg_storage memory_storage = {memory_read, NULL, NULL, NULL, 0, 1};
static uint8_t decoded[1u << 20];
static size_t decoded_n;

static void keep(void *ctx, uint8_t *bytes, uint16_t n) {
  (void)ctx;
  if (CHECK(decoded_n + n <= sizeof decoded)) memcpy(decoded + decoded_n, bytes, n);
  decoded_n += n;
}

static int decode(const vector_block *v, int good) {
  static uint8_t window[1u << 20];
  const pg_entry entry = {0, (uint16_t)v->stored.n, v->codec, v->frames};
  pg_decoder d;
  uint32_t delay;
  memory = v->stored;
  decoded_n = 0;
  int x = pg_decoder_open(&d, &memory_storage, 0, &entry, v->leds, v->channels, window, sizeof window);
  for (uint8_t i = 0; i < v->frames && x == 0; i++) {
    x = pg_decoder_frame(&d, keep, NULL, &delay);
    if (x == 0 && good) EQUAL(delay, v->delays[i]);
  }
  return x;
}

static void run_blocks(void) {
  for (size_t i = 0; i < vector_blocks_count; i++) {
    titled("block", vector_blocks[i].name);
    EQUAL(decode(&vector_blocks[i], 1), 0);
    CHECK(decoded_n == vector_blocks[i].decoded.n && memcmp(decoded, vector_blocks[i].decoded.bytes, decoded_n) == 0);
  }
  for (size_t i = 0; i < vector_bad_blocks_count; i++) {
    titled("bad block", vector_bad_blocks[i].name);
    CHECK(decode(&vector_bad_blocks[i], 0) < 0);
  }
}

static void run_manifests(void) {
  for (size_t i = 0; i < vector_manifests_count; i++) {
    const vector_manifest *v = &vector_manifests[i];
    const pg_manifest_limits limits = {(uint32_t)v->bytes.n,      v->image_bytes,           v->blocks,       (uint16_t)v->leds,
                                       (uint16_t)v->block_bytes, (uint16_t)v->codecs, v->decode_bytes};
    uint16_t detail = 0;
    titled("manifest", v->name);
    memory = v->bytes;
    EQUAL(pg_manifest_check(&memory_storage, 0, &limits, &detail), v->error);
    if (v->error && v->detail >= 0) EQUAL(detail, v->detail);
  }
}

static void run_refusals(void) {
  if (vector_refused_count == 0) return;
  rig_init(&r, 2, 16384, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
  for (size_t i = 0; i < vector_refused_count; i++) {
    const vector_message *v = &vector_refused[i];
    titled("refused", v->name);
    const reply *p = rig_ask(&r, v->type, v->body.bytes, v->body.n);
    EQUAL(rig_err(p), v->code);
    if (p && v->detail >= 0) EQUAL(pg_get16(p->body + 2), v->detail);
  }
}

static void run_digests(void) {
  uint8_t digest[32];
  titled("digests", "CRC-32, SipHash-2-4-128 and SHA-256");
  for (size_t i = 0; i < vector_crcs_count; i++)
    EQUAL(pg_crc32(0, vector_crcs[i].bytes.bytes, vector_crcs[i].bytes.n), vector_crcs[i].crc32);
  for (size_t i = 0; i < vector_sips_count; i++) {
    pg_siphash hash;
    pg_siphash_init(&hash, vector_sips[i].key.bytes);
    pg_siphash_update(&hash, vector_sips[i].bytes.bytes, vector_sips[i].bytes.n);
    pg_siphash_final(&hash, digest);
    CHECK(memcmp(digest, vector_sips[i].digest.bytes, 16) == 0);
  }
  for (size_t i = 0; i < vector_shas_count; i++) {
    pg_sha256 hash;
    pg_sha256_init(&hash);
    pg_sha256_update(&hash, vector_shas[i].bytes.bytes, vector_shas[i].bytes.n);
    pg_sha256_final(&hash, digest);
    CHECK(memcmp(digest, vector_shas[i].digest.bytes, 32) == 0);
  }
}

static void drop_pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  (void)ctx, (void)offset, (void)bytes, (void)n;
}

static void drop_show(void *ctx, uint32_t frame, uint32_t delay, const uint8_t id[16]) {
  (void)ctx, (void)frame, (void)delay, (void)id;
}

static void settle_raw(void) {
  for (unsigned i = 0; i < 100000 && pg_board_poll(&r.board, r.now) == 0; i++) continue;
}

static void run_dialogue(const vector_dialogue *v) {
  static uint8_t decode_buffer[65536];
  const uint32_t *s = v->settings;
  titled("dialogue", v->name);
  rig_init(&r, (uint8_t)s[3], s[4], s[5]);
  pg_config *c = &r.config;
  if (!CHECK(s[4] <= RIG_STORAGE && s[11] <= sizeof decode_buffer)) return;
  c->leds = (uint16_t)s[0];
  c->width = (uint16_t)s[1];
  c->height = (uint16_t)s[2];
  c->max_body = (uint16_t)s[6];
  c->rx_bytes = (uint16_t)s[7];
  c->window = (uint16_t)s[8];
  c->line_rate_baud = s[9];
  c->max_baud = s[10];
  c->decode = decode_buffer;
  c->decode_bytes = s[11];
  c->block_bytes = (uint16_t)s[12];
  c->max_power_ma = (uint16_t)s[13];
  c->codecs = (uint16_t)s[14];
  c->digests = (uint8_t)s[15];
  c->flags = (uint8_t)s[16];
  c->macs = (uint8_t)s[17];
  memcpy(c->uuid, v->uuid.bytes, 16);
  c->firmware_name = v->firmware_name;
  c->firmware_version = v->firmware_version;
  c->board_name = v->board_name;
  c->pixels = drop_pixels;
  c->show = drop_show;
  CHECK(rig_start(&r) == 0);
  size_t told = 0;
  for (size_t i = 0; i <= v->count; i++) {
    const vector_step *step = &v->steps[i];
    if (i < v->count && step->kind == VECTOR_BOARD) {
      const int same = r.out_n - told >= step->wire.n && memcmp(r.out + told, step->wire.bytes, step->wire.n) == 0;
      if (!CHECK(same)) printf("  step %u\n", (unsigned)i);
      told += step->wire.n;
      continue;
    }
    if (!CHECK(told == r.out_n)) printf("  output that is not listed before step %u\n", (unsigned)i);
    r.out_n = told = 0;
    if (i == v->count) return;
    if (step->kind == VECTOR_ADVANCE) r.now += step->ms;
    for (size_t at = 0; at < step->wire.n;) {
      at += pg_board_sink(&r.board, step->wire.bytes + at, step->wire.n - at);
      pg_board_poll(&r.board, r.now);
    }
    settle_raw();
  }
}

void test_vectors(void) {
  for (size_t i = 0; vectors_absent[i]; i++) printf("# skipped: %s is absent\n", vectors_absent[i]);
  run_frames();
  run_blocks();
  run_manifests();
  run_refusals();
  run_digests();
  for (size_t i = 0; i < vector_dialogues_count; i++) run_dialogue(&vector_dialogues[i]);
}
