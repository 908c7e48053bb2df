#include "rig.h"

static rig r;
static pattern a, b;

static void play(uint16_t frames, uint8_t per_block, uint32_t delay, uint16_t loops) {
  uint8_t slot;
  pattern_make(&a, 6, frames, per_block, delay, loops);
  rig_init(&r, 2, 32768, 256);
  CHECK(rig_start(&r) == 0);
  CHECK(host_upload(&r, &a, &slot) == 0);
  r.shows_n = 0;
  CHECK(rig_err(host_slot(&r, PG_T_SELECT, slot, &a)) == 0);
}

static const uint8_t *frame_of(const pattern *p, uint16_t frame, uint8_t per_block, uint8_t head) {
  return p->image + p->offset[frame / per_block] + head + (uint32_t)(frame % per_block) * RIG_LEDS * 3u;
}

static void test_timing(void) {
  begin_test("frames are shown at their times, in order, over and over, with their own bytes");
  play(7, 3, 40, 0);
  const uint32_t start = r.now;
  rig_wait(&r, 40 * 30);
  EQUAL(r.shows_n, 31);
  for (unsigned i = 0; i < 31; i++) {
    EQUAL(r.shows[i].at, start + 40 * i);
    EQUAL(r.shows[i].frame, i % 7);
    EQUAL(r.shows[i].delay, 40);
    EQUAL(r.shows[i].id0, a.id[0]);
    CHECK(memcmp(r.shows[i].pixels, frame_of(&a, (uint16_t)(i % 7), 3, 2), RIG_LEDS * 3) == 0);
  }
  EQUAL(pg_get32(rig_ask(&r, PG_T_STATUS, NULL, 0)->body + 18), 30 % 7);

  begin_test("poll says when it wants to be called again, and being called then is enough");
  play(5, 2, 333, 0);
  for (unsigned i = 0; i < 40; i++) {
    uint32_t wait = pg_board_poll(&r.board, r.now);
    while (wait == 0) wait = pg_board_poll(&r.board, r.now);
    CHECK(wait <= 1000);
    r.now += wait;
  }
  for (unsigned i = 0; i < r.shows_n; i++) EQUAL(r.shows[i].at, r.shows[0].at + 333 * i);
  CHECK(r.shows_n > 35);

  begin_test("a pattern of two rounds stops after them, its last frame staying, and PLAY starts it again");
  play(3, 2, 20, 2);
  rig_wait(&r, 1000);
  EQUAL(r.shows_n, 6);
  CHECK(!r.board.player.running);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 0);
  rig_ask(&r, PG_T_PLAY, NULL, 0);
  EQUAL(r.shows_n, 7);
  EQUAL(r.shows[6].frame, 0);

  begin_test("delays of 0 and of 2^32 − 1 ms neither hang the board nor run away");
  play(3, 3, 0, 0);
  rig_wait(&r, 50);
  EQUAL(r.shows_n, 51);
  play(3, 3, 0xFFFFFFFFu, 0);
  for (unsigned i = 0; i < 100; i++) {
    r.now += 1000000;
    rig_settle(&r);
  }
  EQUAL(r.shows_n, 1);

  begin_test("time may wrap while a pattern plays");
  play(4, 2, 25, 0);
  r.now = 0xFFFFFF00u;
  r.board.player.due = r.now;
  rig_settle(&r);
  r.shows_n = 0;
  rig_wait(&r, 1000);
  EQUAL(r.shows_n, 40);

  begin_test("a show waits as long as the board says it cannot");
  play(4, 2, 25, 0);
  r.blocked = 1;
  rig_wait(&r, 40);
  EQUAL(r.shows_n, 1);
  r.blocked = 0;
  rig_wait(&r, 20);
  EQUAL(r.shows_n, 3); /* the time lost is made up */
}

static void test_brightness(void) {
  begin_test("brightness scales what is put out as SPEC §8.4 has it");
  play(2, 2, 40, 0);
  rig_ask(&r, PG_T_BRIGHTNESS, "\77", 1);
  rig_wait(&r, 40);
  const uint8_t *frame = frame_of(&a, 1, 2, 2);
  for (unsigned i = 0; i < RIG_LEDS * 3; i++) EQUAL(r.shows[1].pixels[i], frame[i] * 64 >> 8);

  begin_test("the LEDs beyond a shorter pattern are black");
  uint8_t slot;
  pattern_make(&b, 7, 2, 2, 40, 0);
  pg_put16(b.manifest + PG_M_LEDS, 10);
  b.length[0] = 2 + 2 * 30;
  pattern_seal(&b);
  CHECK(host_upload(&r, &b, &slot) == 0);
  host_slot(&r, PG_T_SELECT, slot, &b);
  for (unsigned i = 30; i < 48; i++) EQUAL(r.pixels[i], 0);
}

static void test_trial(void) {
  uint8_t slot;
  begin_test("a trial that nobody confirms goes back to the former pattern after its time");
  play(4, 2, 40, 0);
  pattern_make(&b, 7, 4, 2, 40, 0);
  CHECK(host_upload(&r, &b, &slot) == 0);
  EQUAL(rig_err(host_activate(&r, slot, &b, 3)), 0);
  EQUAL(r.shows[r.shows_n - 1].id0, b.id[0]);
  EQUAL(r.shows[r.shows_n - 1].frame, 0);
  rig_wait(&r, 2999);
  const reply *p = rig_ask(&r, PG_T_STATUS, NULL, 0);
  EQUAL(p->body[0], 2);
  EQUAL(pg_get16(p->body + 24), 1);
  rig_wait(&r, 1);
  EQUAL(r.shows[(r.shows_n - 1) % 256].id0, a.id[0]);
  EQUAL(r.board.record.active, 0);
  EQUAL(r.board.record.trial, 255);

  begin_test("ROLLBACK ends a trial at once, a restart does too, and ACTIVATE of the active slot confirms it");
  EQUAL(rig_err(host_activate(&r, slot, &b, 60)), 0);
  EQUAL(rig_ask(&r, PG_T_ROLLBACK, NULL, 0)->body[0], 0);
  EQUAL(r.board.player.slot, 0);
  EQUAL(rig_ask(&r, PG_T_ROLLBACK, NULL, 0)->body[0], 0);
  EQUAL(rig_err(host_activate(&r, slot, &b, 60)), 0);
  CHECK(rig_start(&r) == 0);
  EQUAL(r.board.player.slot, 0);
  EQUAL(r.board.record.trial, 255);
  rig_hello(&r);
  EQUAL(rig_err(host_activate(&r, slot, &b, 60)), 0);
  EQUAL(rig_err(host_activate(&r, 0, &a, 60)), 0);
  EQUAL(r.board.record.trial, 255);
  EQUAL(r.board.player.slot, 0);
}

static void test_overlays(void) {
  begin_test("IDENTIFY blinks at 2 Hz and a quarter of full level, then the pattern goes on");
  play(4, 2, 40, 0);
  rig_wait(&r, 85);
  EQUAL(rig_err(rig_ask(&r, PG_T_IDENTIFY, "\350\3", 2)), 0);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 3);
  unsigned lit = 0;
  for (unsigned i = 0; i < 1000; i++) {
    CHECK(r.pixels[0] == r.pixels[47] && (r.pixels[0] == 0 || r.pixels[0] == 64));
    lit += r.pixels[0] != 0;
    rig_wait(&r, 1);
  }
  EQUAL(lit, 500);
  EQUAL(r.shows[r.shows_n - 1].frame, 3);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 1);

  begin_test("FILL and FRAME show at once and give way after their time");
  EQUAL(rig_err(rig_ask(&r, PG_T_FILL, "\144\0\3\1\2\3", 6)), 0);
  CHECK(r.pixels[0] == 1 && r.pixels[46] == 2 && r.pixels[47] == 3);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 4);
  rig_wait(&r, 99);
  CHECK(r.pixels[47] == 3);
  rig_wait(&r, 1);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 1);
  uint8_t body[5 + 48] = {0, 0, 0, 0, 0};
  memset(body + 5, 9, 48);
  EQUAL(rig_err(rig_ask(&r, PG_T_FRAME, body, 5 + 24)), 0);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 1);
  body[2] = 24;
  body[4] = 1;
  EQUAL(rig_err(rig_ask(&r, PG_T_FRAME, body, 5 + 24)), 0);
  CHECK(r.pixels[0] == 9 && r.pixels[47] == 9);
  rig_wait(&r, 999);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 4);
  rig_wait(&r, 1);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 1);
  body[2] = 41;
  EQUAL(rig_err(rig_ask(&r, PG_T_FRAME, body, 5 + 24)), 17);
  EQUAL(rig_err(rig_ask(&r, PG_T_FILL, "\0\0\2\1\1", 5)), 17);
  EQUAL(rig_err(rig_ask(&r, PG_T_FILL, "\0\0\3\1\1", 5)), 2);
  r.config.live_bytes = 0;
  EQUAL(rig_err(rig_ask(&r, PG_T_FRAME, body, 5 + 24)), 1);

  begin_test("a stopped board is black again after an overlay");
  rig_ask(&r, PG_T_STOP, NULL, 0);
  rig_ask(&r, PG_T_FILL, "\144\0\3\1\2\3", 6);
  rig_wait(&r, 100);
  for (unsigned i = 0; i < 48; i++) EQUAL(r.pixels[i], 0);
}

static void test_damage(void) {
  begin_test("a block that does not decode stops the show and nothing else");
  uint8_t slot;
  pattern_make(&a, 6, 4, 2, 40, 0);
  a.manifest[104 + 8 + 6] = PG_CODEC_LZ; /* random bytes, with a good CRC */
  pattern_seal(&a);
  rig_init(&r, 2, 32768, 256);
  CHECK(rig_start(&r) == 0);
  CHECK(host_upload(&r, &a, &slot) == 0);
  EQUAL(rig_err(host_slot(&r, PG_T_SELECT, slot, &a)), 0);
  rig_wait(&r, 500);
  CHECK(!r.board.player.running);
  EQUAL(r.board.player.frame, 1);
  EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 0);
  EQUAL(rig_ask(&r, PG_T_LIST, "\0", 1)->body[2], 2);
}

/* Flash that erases behind: a unit takes 10 ms, in which it can be read. */
static pg_storage plain;
static uint32_t erase_ends;
static unsigned erases, hasty;

static int erase_behind(void *ctx, uint32_t addr, uint32_t n) {
  hasty += r.now < erase_ends;
  erase_ends = r.now + 10;
  erases++;
  return plain.erase(ctx, addr, n);
}

static int write_after(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  hasty += r.now < erase_ends;
  return plain.write(ctx, addr, bytes, n);
}

static int erases_still(void *ctx) {
  (void)ctx;
  return r.now < erase_ends;
}

static void test_erase_behind(void) {
  begin_test("while flash erases behind, a pattern plays on in time, the host hears BUSY, and BEGIN waits");
  play(5, 2, 2, 0);
  pattern_make(&b, 9, 60, 2, 40, 0);
  plain = r.config.storage;
  r.config.storage.erase = erase_behind;
  r.config.storage.write = write_after;
  r.config.erases = erases_still;
  erase_ends = r.now;
  const uint32_t began = r.now;
  r.shows_n = 0;
  const reply *p = host_begin(&r, &b, 1, 0);
  CHECK(p == NULL || p->type == PG_T_BUSY);
  uint32_t waited = 0, busy = 0;
  for (; waited < 1000 && !rig_last(&r, PG_T_BEGIN); waited++) {
    rig_wait(&r, 1);
    busy += r.replies_n && r.replies[r.replies_n - 1].type == PG_T_BUSY;
  }
  CHECK(erases >= 10);
  EQUAL(hasty, 0);
  CHECK(waited >= 10 * erases && waited <= 10 * erases + 5);
  CHECK(busy > 0);
  CHECK(r.shows_n >= waited / 2);
  for (unsigned i = 0; i < r.shows_n && i < 256; i++) EQUAL(r.shows[i].at, began + 2 * (i + 1));
}

void test_player(void) {
  test_erase_behind();
  test_timing();
  test_brightness();
  test_trial();
  test_overlays();
  test_damage();
}
