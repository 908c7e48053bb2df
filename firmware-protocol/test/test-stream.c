/* The stream of DATA: order, loss, ACKs (SPEC §5). */
#include "rig.h"

static rig r;
static pattern a;
static uint8_t slot;

/* The frames of the image's segment, cut as SPEC §5.4 has it. */
static struct {
  const uint8_t *bytes;
  uint16_t n;
} cut[600];
static unsigned cuts;
static uint16_t first;

static void open_image(uint16_t body, uint8_t per_block) {
  unsigned sent = 0;
  pattern_make(&a, 9, 24, per_block, 40, 0);
  rig_init(&r, 1, 16384, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
  slot = host_begin(&r, &a, 255, 0)->body[0];
  host_send_some(&r, &a, 256, (a.manifest_bytes + 255) / 256, &sent);
  const reply *have = host_start(&r, body);
  first = pg_get16(have->body + 1);
  cuts = 0;
  for (uint16_t i = 0; i < a.blocks; i++)
    for (uint32_t at = 0; at < a.length[i]; at += body, cuts++) {
      cut[cuts].bytes = a.image + a.offset[i] + at;
      cut[cuts].n = (uint16_t)pg_min(body, a.length[i] - at);
    }
}

static void send(unsigned k) { rig_ask_seq(&r, PG_T_DATA, (uint16_t)(first + k), cut[k].bytes, cut[k].n); }

static const reply *ack(void) { return rig_last(&r, PG_T_ACK); }

static void test_acks(void) {
  begin_test("ACK comes after two frames, 5 ms after one, and at once on gap, duplicate, filled gap and block end");
  open_image(32, 4); /* 194 bytes: seven frames a block */
  send(0);
  CHECK(!ack());
  rig_wait(&r, 4);
  CHECK(!ack());
  rig_wait(&r, 1);
  CHECK(ack());
  EQUAL(pg_get16(ack()->body), first + 1);
  EQUAL(pg_get16(ack()->body + 6), 2048);
  send(1);
  CHECK(!ack());
  send(2);
  CHECK(ack());
  const uint16_t acks = ack()->seq;
  send(2);
  EQUAL(ack()->seq, acks + 1);
  send(4);
  EQUAL(pg_get16(ack()->body), first + 3);
  EQUAL(pg_get32(ack()->body + 2), 1);
  send(6);
  EQUAL(pg_get32(ack()->body + 2), 5);
  send(8);
  EQUAL(pg_get32(ack()->body + 2), 21);
  send(3);
  EQUAL(pg_get16(ack()->body), first + 5);
  EQUAL(pg_get32(ack()->body + 2), 5);
  EQUAL(pg_get16(ack()->body + 8), 0);
  send(5);
  EQUAL(pg_get16(ack()->body), first + 7);
  EQUAL(pg_get16(ack()->body + 8), 1);
  send(7 + 33);
  CHECK(ack()); /* beyond the window: not taken, but told */
  EQUAL(pg_get32(ack()->body + 2), 1);
  send(7 + 32);
  EQUAL(pg_get32(ack()->body + 2), 0x80000001u);
  rig_ask_seq(&r, PG_T_DATA, (uint16_t)(first + 7), cut[7].bytes, cut[7].n - 1u);
  CHECK(!ack());
  const reply *echo = rig_ask(&r, PG_T_PROBE, NULL, 0);
  EQUAL(echo->type, PG_T_ECHO);
  EQUAL(pg_get32(echo->body + 2), 0x80000001u);

  begin_test("a late or repeated START changes nothing once data came, and a page of the bitmap can be read alone");
  uint8_t body[7] = {1, 0, 0, 32, 0, 0, 0};
  pg_put16(body + 1, first);
  EQUAL(rig_err(rig_ask(&r, PG_T_HAVEQ, body, 7)), 3);
  pg_put16(body + 1, (uint16_t)(first - 40));
  EQUAL(rig_err(rig_ask(&r, PG_T_HAVEQ, body, 7)), 3);
  body[0] = 0;
  body[5] = 3;
  const reply *have = rig_ask(&r, PG_T_HAVEQ, body, 7);
  EQUAL(have->body[0], 0);
  EQUAL(pg_get16(have->body + 1), first);
  EQUAL(pg_get16(have->body + 9), a.blocks - 1);
  EQUAL(pg_get16(have->body + 11), 3);
  EQUAL(have->n, 14);
  EQUAL(have->body[13], 7);
  for (unsigned k = 7; k < cuts; k++) send(k);
  EQUAL(pg_get16(ack()->body + 8), a.blocks);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 0);
  CHECK(slot_holds(&r, slot, &a));
}

static void test_disorder(void) {
  uint32_t seed = 31337;
  begin_test("frames in any order within the window, lost and doubled, end in the right bytes");
  for (unsigned round = 0; round < 60; round++) {
    static const uint16_t bodies[] = {32, 33, 50, 64, 97, 128, 256};
    open_image(bodies[round % 7], (uint8_t)(1 + round % 5));
    uint16_t next = 0;
    for (unsigned step = 0; next < cuts && step < 20000; step++) {
      const unsigned k = next + random32(&seed) % 36;
      if (k < cuts) send(k);
      next = (uint16_t)(r.board.segment.next - first);
    }
    EQUAL(next, cuts);
    if (!EQUAL(rig_err(host_verify(&r, 0, &a)), 0)) return;
    if (!CHECK(slot_holds(&r, slot, &a))) return;
    EQUAL(r.flash.violations, 0);
  }
}

static void test_segments(void) {
  uint32_t seed = 99;
  begin_test("segments with ever other body sizes, begun anywhere, end in the right bytes and repeat no frame's worth");
  for (unsigned round = 0; round < 40; round++) {
    unsigned sent = 0, tries = 0;
    open_image(64, (uint8_t)(1 + round % 6));
    int left = 1;
    while (left && tries++ < 2000)
      left = host_send_some(&r, &a, (uint16_t)(32 + random32(&seed) % 200), 1 + random32(&seed) % 5, &sent);
    if (!EQUAL(left, 0)) return;
    if (!EQUAL(rig_err(host_verify(&r, 0, &a)), 0)) return;
    CHECK(slot_holds(&r, slot, &a));
  }

  begin_test("a new segment forgets what came out of order in the one before");
  open_image(32, 4);
  send(0);
  send(2);
  unsigned frames = 0;
  EQUAL(host_send(&r, &a, 32, &frames), 0);
  EQUAL(frames, cuts - 1);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 0);

  begin_test("after HELLO the stream goes on mid-block, where the board has read back all before");
  open_image(32, 4);
  for (unsigned k = 0; k < 10; k++) send(k);
  send(11);
  r.session++;
  rig_hello(&r);
  const reply *have = host_start(&r, 64);
  EQUAL(pg_get16(have->body + 5), 1);
  EQUAL(pg_get16(have->body + 7), 96);
  unsigned sent = 0;
  EQUAL(host_send(&r, &a, 64, &sent), 0);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 0);
}

static void test_bad_block(void) {
  begin_test("a block whose CRC fails is reported, stays missing in this segment, and a fresh start cures it");
  open_image(128, 1); /* one frame a block */
  uint8_t wrong[128];
  memcpy(wrong, cut[2].bytes, cut[2].n);
  CHECK(wrong[9] != 0);
  wrong[9] = 0;
  send(0);
  send(1);
  rig_ask_seq(&r, PG_T_DATA, (uint16_t)(first + 2), wrong, cut[2].n);
  const reply *err = rig_last(&r, PG_T_ERR);
  EQUAL(rig_err(err), 13);
  EQUAL(err->body[1], PG_T_DATA);
  EQUAL(pg_get16(err->body + 2), 2);
  EQUAL(err->seq, (uint16_t)(first + 2));
  for (unsigned k = 3; k < cuts; k++) send(k);
  EQUAL(pg_get16(ack()->body + 8), a.blocks - 1);
  send(2);
  CHECK(ack());
  EQUAL(pg_get16(ack()->body + 8), a.blocks - 1);
  EQUAL(r.flash.violations, 0);
  const reply *have = host_start(&r, 64);
  EQUAL(pg_get16(have->body + 5), 2);
  EQUAL(pg_get16(have->body + 9), 1);
  EQUAL(have->body[13], 4);

  begin_test("cells that hold another form of a block are not programmed again: the block fails anew, until BEGIN erases");
  uint8_t seen[128];
  pg_slot where;
  pg_slot_load(&r.board, slot, &where);
  memcpy(seen, r.flash.bytes + where.image + a.offset[2], cut[2].n);
  CHECK(memcmp(seen, wrong, cut[2].n) == 0);
  rig_ask_seq(&r, PG_T_DATA, pg_get16(host_start(&r, 128)->body + 1), cut[2].bytes, cut[2].n);
  EQUAL(rig_err(rig_last(&r, PG_T_ERR)), 13);
  CHECK(memcmp(seen, r.flash.bytes + where.image + a.offset[2], cut[2].n) == 0);
  EQUAL(r.flash.violations, 0);
  EQUAL(host_begin(&r, &a, 255, 1)->body[1], 0);
  unsigned sent = 0;
  EQUAL(host_send(&r, &a, 64, &sent), 0);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 0);
  EQUAL(r.flash.violations, 0);
  begin_test("BEGIN repeated with its seq does not erase what came since");
  uint8_t body[32];
  pattern_make(&a, 10, 6, 1, 40, 0);
  host_begin(&r, &a, 255, 1);
  const uint16_t seq = r.seq;
  host_send_some(&r, &a, 256, 3, &sent);
  memcpy(body, a.id, 16);
  pg_put32(body + 16, a.manifest_bytes);
  pg_put32(body + 20, pg_crc32(0, a.manifest, a.manifest_bytes));
  pg_put32(body + 24, a.image_bytes);
  pg_put16(body + 28, a.blocks);
  body[30] = 255;
  body[31] = 1;
  EQUAL(r.board.transfer.durable, 2);
  EQUAL(rig_ask_seq(&r, PG_T_BEGIN, seq, body, 32)->body[1], 1);
  EQUAL(r.board.transfer.durable, 2);
}

static void test_bad_cells(void) {
  begin_test("a cell that takes no write fails its block, and its journal byte or mark fails as STORAGE");
  open_image(128, 1);
  pg_slot where;
  pg_slot_load(&r.board, slot, &where);
  r.flash.stuck = where.image + a.offset[1] + 9;
  for (unsigned k = 0; k < 2; k++) send(k);
  EQUAL(rig_err(rig_last(&r, PG_T_ERR)), 13);
  EQUAL(r.board.transfer.durable, 1);
  r.flash.stuck = where.journal + 2;
  send(2);
  EQUAL(rig_err(rig_last(&r, PG_T_ERR)), 12);
  EQUAL(r.board.transfer.durable, 1);
  r.flash.stuck = 0;
  unsigned sent = 0;
  EQUAL(host_send(&r, &a, 128, &sent), 0);
  r.flash.stuck = where.manifest - PG_SLOT_HEADER + PG_MARK_VERIFIED;
  EQUAL(rig_err(host_verify(&r, 0, &a)), 12);
  r.flash.stuck = 0;
  EQUAL(rig_err(host_verify(&r, 0, &a)), 0);
  CHECK(slot_holds(&r, slot, &a));

  begin_test("a record that cannot be written is tried at other places, then refused, and the old one stays");
  rig_init(&r, 1, 8192, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
  r.flash.stuck = 56 + 2;
  EQUAL(rig_err(rig_ask(&r, PG_T_BRIGHTNESS, "\1", 1)), 0);
  CHECK(rig_start(&r) == 0);
  EQUAL(r.board.record.brightness, 1);
}

static void test_exclusive(void) {
  begin_test("a chip that cannot receive while it shows gives no credit before a show and some after it");
  open_image(128, 1);
  for (unsigned k = 0; k < cuts; k++) send(k);
  host_verify(&r, 0, &a);
  r.config.show_guard_ms = 5;
  EQUAL(rig_err(host_slot(&r, PG_T_SELECT, slot, &a)), 0);
  rig_wait(&r, 1);
  const reply *p = rig_ask(&r, PG_T_PROBE, NULL, 0);
  EQUAL(pg_get16(p->body + 6), 2048);
  rig_wait(&r, 36);
  p = rig_ask(&r, PG_T_PROBE, NULL, 0);
  EQUAL(pg_get16(p->body + 6), 0);
  const unsigned shows = r.shows_n;
  r.replies_n = 0;
  const uint8_t part = 5;
  pg_board_sink(&r.board, &part, 1); /* a frame has begun */
  rig_wait(&r, 10);
  EQUAL(r.shows_n, shows);
  CHECK(!ack());
  const uint8_t end = 0;
  pg_board_sink(&r.board, &end, 1);
  rig_wait(&r, 1);
  EQUAL(r.shows_n, shows + 1);
  rig_wait(&r, 1);
  CHECK(ack() && pg_get16(ack()->body + 6) == 2048);
}

void test_stream(void) {
  test_acks();
  test_disorder();
  test_segments();
  test_bad_block();
  test_bad_cells();
  test_exclusive();
}
