/* Delta, and what long requests mean for the others. */
#include "rig.h"

static rig r;
static pattern a, b, c;

static void fresh(uint8_t slots) {
  rig_init(&r, slots, 16384, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
}

static reply *copy_run(uint8_t slot, uint16_t from, uint16_t to, uint16_t count) {
  uint8_t run[7] = {slot};
  pg_put16(run + 1, from);
  pg_put16(run + 3, to);
  pg_put16(run + 5, count);
  return rig_ask(&r, PG_T_COPY, run, 7);
}

static void test_copy(void) {
  uint8_t slot;
  unsigned sent = 0;
  begin_test("COPY takes equal blocks from a verified slot and only what differs is sent");
  fresh(3);
  pattern_make(&a, 1, 8, 1, 40, 0);
  b = a;
  memset(b.image + b.offset[3] + 2, 0x5A, 10); /* block 3 differs */
  pattern_seal(&b);
  host_upload(&r, &a, &slot);
  const reply *p = rig_ask(&r, PG_T_BLOCKS, "\0\2\0", 3);
  EQUAL(p->n, 5 + 6 * 8);
  EQUAL(pg_get16(p->body + 3), 8);
  CHECK(memcmp(p->body + 5, a.manifest + 104 + 16, 48) == 0);
  EQUAL(rig_ask(&r, PG_T_BLOCKS, "\0\10\0", 3)->n, 5);
  EQUAL(rig_err(rig_ask(&r, PG_T_BLOCKS, "\1\0\0", 3)), 18);
  EQUAL(rig_err(copy_run(0, 0, 0, 8)), 5); /* nothing is open */
  EQUAL(host_begin(&r, &b, 255, 0)->body[1], 0);
  EQUAL(rig_err(copy_run(0, 0, 0, 8)), 3); /* no manifest yet */
  host_send_some(&r, &b, 256, 1, &sent);
  EQUAL(rig_err(rig_ask(&r, PG_T_COPY, "123456", 6)), 2);
  pg_slot target;
  pg_slot_load(&r.board, 1, &target);
  r.flash.stuck = target.image + b.offset[6] + 7;
  p = copy_run(0, 0, 0, 8);
  EQUAL(pg_get16(p->body), 6);
  EQUAL(pg_get16(p->body + 2), 2);
  r.flash.stuck = 0;
  p = copy_run(0, 0, 0, 8);
  EQUAL(pg_get16(p->body), 7);
  p = copy_run(2, 0, 3, 2);
  EQUAL(pg_get16(p->body), 1); /* block 4 is durable already */
  p = copy_run(0, 7, 7, 0xFFFF);
  EQUAL(pg_get16(p->body) + pg_get16(p->body + 2), 0xFFFF);
  sent = 0;
  EQUAL(host_send(&r, &b, 256, &sent), 0);
  EQUAL(sent, 1);
  EQUAL(rig_err(host_verify(&r, 0, &b)), 0);
  CHECK(slot_holds(&r, 1, &b));
  EQUAL(r.flash.violations, 0);

  begin_test("blocks move to other places, and rotten sources fail without spoiling the target");
  pattern_make(&c, 2, 8, 1, 40, 0);
  memcpy(c.image + c.offset[7], a.image + a.offset[0], a.length[0]);
  memcpy(c.image + c.offset[0], a.image + a.offset[7], a.length[7]);
  memcpy(c.image + c.offset[1], a.image + a.offset[6], a.length[6]);
  pattern_seal(&c);
  pg_slot source;
  pg_slot_load(&r.board, 0, &source);
  r.flash.bytes[source.image + a.offset[6] + 5] ^= 0x10;
  EQUAL(host_begin(&r, &c, 255, 0)->body[0], 2);
  sent = 0;
  host_send_some(&r, &c, 256, 1, &sent);
  uint8_t runs[21] = {0, 0, 0, 7, 0, 1, 0, 0, 7, 0, 0, 0, 1, 0, 0, 6, 0, 1, 0, 1, 0};
  p = rig_ask(&r, PG_T_COPY, runs, 21);
  EQUAL(pg_get16(p->body), 2);
  EQUAL(pg_get16(p->body + 2), 1);
  EQUAL(host_send(&r, &c, 100, &sent), 0);
  EQUAL(rig_err(host_verify(&r, 1, &c)), 0);
  CHECK(slot_holds(&r, 2, &c));
  EQUAL(r.flash.violations, 0);

  begin_test("COPY leaves cells alone that hold another form of the block, and the block fails");
  const uint8_t wrong[64] = {0};
  fresh(2);
  host_upload(&r, &a, &slot);
  EQUAL(host_begin(&r, &b, 255, 0)->body[1], 0);
  host_send_some(&r, &b, 256, 1, &sent);
  const uint16_t first = pg_get16(host_start(&r, 256)->body + 1);
  rig_ask_seq(&r, PG_T_DATA, first, wrong, b.length[0]);
  EQUAL(rig_err(rig_last(&r, PG_T_ERR)), 13);
  p = copy_run(0, 0, 0, 8);
  EQUAL(pg_get16(p->body), 6);
  EQUAL(pg_get16(p->body + 2), 2);
  EQUAL(r.flash.violations, 0);
}

static void ask_unsettled(uint8_t type, uint16_t seq, const void *body, size_t n) {
  uint8_t wire[64];
  const size_t length = encode_frame(wire, 1, type, r.session, seq, body, n);
  r.replies_n = 0;
  pg_board_sink(&r.board, wire, length);
}

static void test_busy(void) {
  uint8_t slot, body[33];
  begin_test("while it works the board says BUSY, answers PROBE and STATUS, and refuses what needs the storage");
  pattern_make(&a, 1, 60, 2, 40, 0);
  fresh(1);
  host_upload(&r, &a, &slot);
  memset(body, 0, sizeof body);
  ask_unsettled(PG_T_VERIFY, 900, body, 33);
  EQUAL(pg_board_poll(&r.board, r.now), 0);
  CHECK(r.board.job.type == PG_T_VERIFY);
  ask_unsettled(PG_T_PROBE, 901, NULL, 0);
  ask_unsettled(PG_T_STATUS, 902, NULL, 0);
  ask_unsettled(PG_T_LIST, 903, "\0", 1);
  ask_unsettled(PG_T_VERIFY, 900, body, 33);
  r.now += 150;
  EQUAL(pg_board_poll(&r.board, r.now), 0);
  rig_settle(&r);
  CHECK(r.replies[0].type == PG_T_ECHO && r.replies[1].type == PG_T_STATUS);
  EQUAL(rig_err(&r.replies[2]), 16);
  CHECK(r.replies[3].type == PG_T_BUSY && r.replies[3].seq == 900 && r.replies[3].body[0] == PG_T_VERIFY);
  EQUAL(pg_get16(r.replies[3].body + 2), 200);
  CHECK(r.replies[4].type == PG_T_BUSY);
  EQUAL(r.replies[r.replies_n - 1].type, PG_T_VERIFY);
  EQUAL(r.replies[r.replies_n - 1].seq, 900);
  CHECK(r.flash.largest <= 256);

  begin_test("HELLO ends what a former host asked for");
  ask_unsettled(PG_T_VERIFY, 905, body, 33);
  pg_board_poll(&r.board, r.now);
  r.session = 77;
  CHECK(rig_hello(&r)->type == PG_T_CAPS);
  EQUAL(r.board.job.type, 0);
  EQUAL(r.replies_n, 1);
}

void test_copies(void) {
  test_copy();
  test_busy();
}
