#include "rig.h"

static rig r;
static pattern a, b, c;

static void fresh(uint8_t slots) {
  rig_init(&r, slots, 16384, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
}

static void test_way(void) {
  uint8_t slot = 99;
  for (uint8_t alg = 0; alg < 2; alg++) {
    begin_test(alg ? "a pattern arrives, is verified with SipHash, tried and confirmed"
                   : "a pattern arrives, is verified with SHA-256, tried and confirmed");
    fresh(2);
    unsigned sent = 0;
    const reply *p = host_begin(&r, &a, 255, 0);
    CHECK(p && p->type == PG_T_BEGIN && p->body[0] == 0 && p->body[1] == 0);
    CHECK(rig_last(&r, PG_T_BUSY) != NULL);
    EQUAL(rig_err(host_verify(&r, alg, &a)), 3);
    EQUAL(host_send(&r, &a, 64, &sent), 0);
    p = host_verify(&r, alg, &a);
    EQUAL(p->n, alg ? 25 : 41);
    EQUAL(pg_get32(p->body + 1), pg_crc32(0, a.manifest, a.manifest_bytes));
    EQUAL(pg_get32(p->body + 5), a.image_bytes);
    if (!alg) CHECK(memcmp(p->body + 9, a.manifest + 40, 32) == 0);
    CHECK(slot_holds(&r, 0, &a));
    CHECK(!r.board.transfer.open);
    EQUAL(rig_err(host_verify(&r, alg, &a)), 0); /* again: the answer may have been lost */
    EQUAL(rig_err(host_activate(&r, 0, &a, 5)), 0);
    EQUAL(rig_ask(&r, PG_T_STATUS, NULL, 0)->body[0], 2);
    EQUAL(rig_err(host_slot(&r, PG_T_CONFIRM, 0, &a)), 0);
    EQUAL(rig_err(host_slot(&r, PG_T_CONFIRM, 0, &a)), 0);
    EQUAL(r.board.record.active, 0);
    p = host_begin(&r, &a, 255, 0);
    EQUAL(p->body[1], 2);
    EQUAL(host_upload(&r, &b, &slot), 0);
    EQUAL(slot, 1);
    CHECK(slot_holds(&r, 0, &a) && slot_holds(&r, 1, &b));
    EQUAL(r.flash.violations, 0);
  }
}

static void test_choice(void) {
  uint8_t slot;
  begin_test("a new transfer takes the oldest slot, never the active one, its trial or what that goes back to");
  fresh(3);
  host_upload(&r, &a, &slot);
  EQUAL(rig_err(host_slot(&r, PG_T_SELECT, slot, &a)), 0);
  host_upload(&r, &b, &slot);
  EQUAL(slot, 1);
  host_upload(&r, &c, &slot);
  EQUAL(slot, 2);
  pattern_make(&c, 40, 3, 1, 40, 0);
  EQUAL(host_begin(&r, &c, 255, 0)->body[0], 1); /* b is older than c */
  EQUAL(rig_err(rig_ask(&r, PG_T_ABORT, c.id, 16)), 0);
  EQUAL(rig_err(host_begin(&r, &c, 0, 0)), 11);
  EQUAL(rig_err(host_begin(&r, &c, 3, 0)), 17);
  fresh(2);
  host_upload(&r, &a, &slot);
  host_slot(&r, PG_T_SELECT, slot, &a);
  host_upload(&r, &b, &slot);
  EQUAL(rig_err(host_activate(&r, slot, &b, 60)), 0);
  EQUAL(rig_err(host_begin(&r, &c, 255, 0)), 11);
  EQUAL(rig_err(host_slot(&r, PG_T_DELETE, 0, &a)), 3);
  EQUAL(rig_err(host_slot(&r, PG_T_DELETE, 1, &b)), 3);
  CHECK(slot_holds(&r, 0, &a) && slot_holds(&r, 1, &b));

  begin_test("starting the active pattern afresh leaves its slot alone");
  fresh(2);
  host_upload(&r, &a, &slot);
  host_slot(&r, PG_T_SELECT, slot, &a);
  EQUAL(host_begin(&r, &a, 255, 1)->body[0], 1);
  CHECK(slot_holds(&r, 0, &a));

  begin_test("a board with one slot stops playing it when it is overwritten");
  fresh(1);
  host_upload(&r, &a, &slot);
  EQUAL(rig_err(host_activate(&r, 0, &a, 10)), 0);
  EQUAL(rig_err(host_slot(&r, PG_T_CONFIRM, 0, &a)), 0);
  CHECK(r.board.player.running);
  EQUAL(host_begin(&r, &b, 255, 0)->body[0], 0);
  CHECK(!r.board.player.running);
  EQUAL(r.board.record.active, 255);
}

static void test_refusals(void) {
  uint8_t slot;
  begin_test("what does not fit or makes no sense is refused at BEGIN");
  fresh(2);
  c = a;
  c.image_bytes = 8000;
  const reply *p = host_begin(&r, &c, 255, 0);
  EQUAL(rig_err(p), 7);
  EQUAL(pg_get16(p->body + 2), 7);
  c.image_bytes = 0xFFFFFFFFu;
  EQUAL(rig_err(host_begin(&r, &c, 255, 0)), 7);
  c = a;
  c.blocks = 0;
  EQUAL(rig_err(host_begin(&r, &c, 255, 0)), 17);
  EQUAL(rig_err(host_start(&r, 64)), 5);
  EQUAL(rig_err(rig_ask(&r, PG_T_DATA, "1", 1)), 5);
  EQUAL(rig_err(rig_ask(&r, PG_T_ABORT, a.id, 16)), 5);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 5);

  begin_test("a manifest that is refused is refused at once and at each later HAVEQ, as an answer to BEGIN");
  c = a;
  pg_put16(c.manifest + PG_M_LEDS, RIG_LEDS + 1);
  pattern_seal(&c);
  host_begin(&r, &c, 255, 0);
  unsigned sent = 0;
  host_send_some(&r, &c, 200, 1, &sent);
  EQUAL(r.replies[0].type, PG_T_ERR);
  EQUAL(r.replies[0].body[0], 8);
  EQUAL(r.replies[0].body[1], PG_T_BEGIN);
  EQUAL(pg_get16(r.replies[0].body + 2), RIG_LEDS);
  p = host_start(&r, 64);
  EQUAL(rig_err(p), 8);
  EQUAL(p->body[1], PG_T_BEGIN);
  EQUAL(p->seq, r.seq);

  begin_test("an image with another digest than the manifest's is not verified, and its slot is given up");
  fresh(2);
  c = a;
  c.manifest[PG_M_SHA256] ^= 1;
  host_begin(&r, &c, 255, 0);
  sent = 0;
  EQUAL(host_send(&r, &c, 64, &sent), 0);
  EQUAL(rig_err(host_verify(&r, 0, &c)), 14);
  EQUAL(rig_ask(&r, PG_T_LIST, "\0", 1)->body[2], 3);
  EQUAL(host_begin(&r, &a, 255, 0)->body[1], 0);
  EQUAL(host_upload(&r, &a, &slot), 0);

  begin_test("an active pattern survives a VERIFY that expects something else");
  host_slot(&r, PG_T_SELECT, slot, &a);
  EQUAL(rig_err(host_verify(&r, 1, &b)), 14);
  CHECK(slot_holds(&r, slot, &a));

  begin_test("only verified slots that hold the id can be activated");
  EQUAL(rig_err(host_activate(&r, slot ^ 1, &a, 5)), 15);
  EQUAL(rig_err(host_activate(&r, slot, &b, 5)), 18);
  EQUAL(rig_err(host_activate(&r, 2, &a, 5)), 17);
  EQUAL(rig_err(host_activate(&r, slot, &a, 0)), 17);
  EQUAL(rig_err(host_activate(&r, slot, &a, 3601)), 17);
  EQUAL(rig_err(host_slot(&r, PG_T_CONFIRM, slot ^ 1, &a)), 3);
}

static void test_list(void) {
  uint8_t slot;
  begin_test("LIST, NEXT, PREVIOUS, STOP, PLAY and DELETE work on what is stored");
  fresh(4);
  host_upload(&r, &a, &slot);
  host_upload(&r, &b, &slot);
  const reply *p = rig_ask(&r, PG_T_LIST, "\1", 1);
  EQUAL(p->n, 37);
  EQUAL(p->body[0], 4);
  EQUAL(p->body[2], 2);
  CHECK(memcmp(p->body + 4, b.id, 16) == 0);
  EQUAL(pg_get32(p->body + 20), b.image_bytes);
  EQUAL(pg_get16(p->body + 30), b.blocks);
  CHECK(memcmp(p->body + 32, "\4test", 5) == 0);
  EQUAL(rig_ask(&r, PG_T_LIST, "\2", 1)->body[2], 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_LIST, "\4", 1)), 17);
  p = rig_ask(&r, PG_T_NEXT, NULL, 0);
  CHECK(p->body[0] == 0 && p->body[1] == 1);
  EQUAL(rig_ask(&r, PG_T_NEXT, NULL, 0)->body[0], 1);
  EQUAL(rig_ask_seq(&r, PG_T_NEXT, r.seq, NULL, 0)->body[0], 1); /* repeated: no second step */
  EQUAL(rig_ask(&r, PG_T_NEXT, NULL, 0)->body[0], 0);
  EQUAL(rig_ask(&r, PG_T_PREVIOUS, NULL, 0)->body[0], 1);
  EQUAL(r.board.record.active, 1);
  p = rig_ask(&r, PG_T_STOP, NULL, 0);
  CHECK(p->body[0] == 1 && p->body[1] == 0);
  for (unsigned i = 0; i < RIG_LEDS * 3; i++) CHECK(r.pixels[i] == 0);
  CHECK(rig_start(&r) == 0);
  CHECK(!r.board.player.running);
  rig_hello(&r);
  EQUAL(rig_ask(&r, PG_T_PLAY, NULL, 0)->body[1], 1);
  EQUAL(rig_err(host_slot(&r, PG_T_DELETE, 0, &b)), 18);
  EQUAL(rig_err(host_slot(&r, PG_T_DELETE, 0, &a)), 0);
  EQUAL(rig_ask(&r, PG_T_LIST, "\0", 1)->body[2], 0);
  uint8_t again[17] = {0};
  memcpy(again + 1, a.id, 16);
  EQUAL(rig_err(rig_ask_seq(&r, PG_T_DELETE, (uint16_t)(r.seq - 1), again, 17)), 0); /* its answer may have been lost */
  EQUAL(rig_err(rig_ask(&r, PG_T_DELETE, again, 17)), 18);

  begin_test("ABORT forgets the transfer, may be repeated, and spares what is verified");
  host_begin(&r, &c, 255, 0);
  CHECK(r.board.transfer.open);
  EQUAL(rig_err(rig_ask(&r, PG_T_ABORT, c.id, 16)), 0);
  EQUAL(rig_err(rig_ask_seq(&r, PG_T_ABORT, r.seq, c.id, 16)), 0);
  CHECK(!r.board.transfer.open);
  EQUAL(rig_err(rig_ask(&r, PG_T_ABORT, b.id, 16)), 0);
  CHECK(slot_holds(&r, 1, &b));
}

void test_transfer(void) {
  pattern_make(&a, 1, 12, 3, 40, 0);
  pattern_make(&b, 2, 10, 4, 40, 0);
  pattern_make(&c, 3, 5, 2, 40, 0);
  test_way();
  test_choice();
  test_refusals();
  pattern_make(&c, 3, 5, 2, 40, 0);
  test_list();
}
