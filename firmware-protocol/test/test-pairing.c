/* PAIR: keys, proofs, and what a paired board does for whom (SPEC §9). */
#include "keyed-host.h"

static rig r;

static void test_first(void) {
  begin_test("a board without a key takes one, durably, and then proves that it has it");
  fresh(&r, 2);
  EQUAL(rig_hello(&r)->body[2 + 35], 3);
  EQUAL(challenge(&r, key1), 3);
  EQUAL(set_first(&r, key1), 0);
  EQUAL(rig_hello(&r)->body[2 + 1] & 1, 1);
  CHECK(rig_start(&r) == 0);
  for (mac_type = 1; mac_type <= 2; mac_type++) {
    EQUAL(log_in(&r, key1), 0);
    CHECK(memcmp(board_proof, wanted_proof, 16) == 0);
    EQUAL(rig_err(rig_ask(&r, PG_T_BRIGHTNESS, "\7", 1)), 0);
  }
  mac_type = PG_MAC_HMAC;

  begin_test("a key goes to a board that can be told from others, is not zero, and needs pairing compiled and configured");
  fresh(&r, 1);
  const uint8_t none[16] = {0};
  EQUAL(set_first(&r, none), 17);
  memset(r.board.record.uuid, 0, 16);
  EQUAL(set_first(&r, key1), 3);
  r.config.macs = 0;
  EQUAL(set_first(&r, key1), 1);
  EQUAL(rig_hello(&r)->body[2 + 35], 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_PAIR, NULL, 0)), 1);
}

static void test_strangers(void) {
  static const uint8_t closed[] = {PG_T_BEGIN, PG_T_HAVEQ, PG_T_DATA, PG_T_COPY, PG_T_VERIFY, PG_T_ACTIVATE, PG_T_CONFIRM,
                                   PG_T_ROLLBACK, PG_T_ABORT, PG_T_DELETE, PG_T_SELECT, PG_T_BRIGHTNESS, PG_T_PLAY,
                                   PG_T_STOP, PG_T_NEXT, PG_T_PREVIOUS, PG_T_IDENTIFY, PG_T_REBOOT, PG_T_SETID, PG_T_FRAME,
                                   PG_T_FILL};
  static const uint8_t bytes[] = {32, 7, 5, 7, 33, 19, 17, 0, 16, 17, 17, 1, 0, 0, 0, 0, 2, 0, 16, 5, 6};
  static const uint8_t open[] = {PG_T_PROBE, PG_T_LINKTEST, PG_T_LIST, PG_T_STATUS};
  static const uint8_t open_bytes[] = {0, 3, 1, 0};
  const uint8_t body[64] = {0};
  begin_test("a paired board does for a stranger what changes nothing, and nothing else");
  paired(&r, 2);
  const uint32_t worked = r.flash.worked;
  for (unsigned i = 0; i < sizeof closed; i++) EQUAL(rig_err(rig_ask(&r, closed[i], body, bytes[i])), 20);
  for (unsigned i = 0; i < sizeof open; i++) EQUAL(rig_err(rig_ask(&r, open[i], body, open_bytes[i])), 0);
  EQUAL(r.flash.worked, worked);
  EQUAL(r.reboots, 0);
  EQUAL(log_in(&r, key1), 0);
  for (unsigned i = 0; i < sizeof closed; i++) CHECK(rig_err(rig_ask(&r, closed[i], body, bytes[i])) != 20);
  rig_hello(&r);
  EQUAL(rig_err(rig_ask(&r, PG_T_PLAY, NULL, 0)), 20); /* a new session begins without trust */

  begin_test("a paired board refuses a key from whoever cannot prove the old one");
  paired(&r, 1);
  EQUAL(set_first(&r, key2), 20);
  EQUAL(log_in(&r, key2), 20);
  EQUAL(set_first(&r, key2), 20);
  EQUAL(challenge(&r, key1), 0);
  EQUAL(set_again(&r, key1, key2), 20); /* not proven yet */
  EQUAL(log_in(&r, key1), 0);
  EQUAL(set_first(&r, key2), 20); /* proven, but anybody on the line could say this */
  EQUAL(set_again(&r, key2, key2), 20);
  EQUAL(clear(&r, key2), 20);
  CHECK(memcmp(r.board.record.key, key1, 16) == 0);
  EQUAL(set_again(&r, key1, key2), 0);
  CHECK(memcmp(r.board.record.key, key2, 16) == 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_PLAY, NULL, 0)), 20);
  EQUAL(log_in(&r, key1), 20);
  EQUAL(log_in(&r, key2), 0);
  EQUAL(clear(&r, key2), 0);
  EQUAL(rig_err(rig_ask_seq(&r, PG_T_PAIR, r.seq, "\3\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 17)), 0); /* its answer was lost */
  EQUAL(rig_err(rig_ask(&r, PG_T_PLAY, NULL, 0)), 0);
  EQUAL(rig_hello(&r)->body[2 + 1] & 1, 0);

  begin_test("whoever stands at the board can take its key away");
  paired(&r, 1);
  CHECK(pg_board_forget_key(&r.board) == 0);
  CHECK(rig_start(&r) == 0);
  EQUAL(rig_hello(&r)->body[2 + 1] & 1, 0);
  EQUAL(set_first(&r, key2), 0);

  begin_test("the key is nowhere in what the board says");
  paired(&r, 1);
  log_in(&r, key1);
  for (unsigned type = 1; type < 64; type++) {
    static const uint8_t body64[64] = {0, 2};
    for (unsigned n = 0; n < 40; n++) {
      if (type == PG_T_LINKTEST || type == PG_T_REBOOT) continue;
      rig_ask(&r, (uint8_t)type, body64, n);
      for (unsigned i = 0; i < r.replies_n; i++)
        for (unsigned at = 0; at + 8 <= r.replies[i].n; at++) CHECK(memcmp(r.replies[i].body + at, key1, 8) != 0);
    }
  }
}

static void test_replay(void) {
  uint32_t seed = 77;
  uint8_t seen[200][16], old[16];
  begin_test("a proof counts for its challenge only: once, in its session, for its boot");
  paired(&r, 1);
  EQUAL(log_in(&r, key1), 0);
  memcpy(old, proof, 16);
  EQUAL(send_proof(&r, old), 0); /* repeated within its session */
  rig_hello(&r);
  EQUAL(send_proof(&r, old), 20);
  EQUAL(challenge(&r, key1), 0);
  EQUAL(send_proof(&r, old), 20);
  EQUAL(send_proof(&r, proof), 20); /* the wrong one has spent the challenge */
  EQUAL(challenge(&r, key1), 0);
  EQUAL(send_proof(&r, board_proof), 20); /* its own words */
  EQUAL(challenge(&r, key1), 0);
  proof[15] ^= 0x80;
  EQUAL(send_proof(&r, proof), 20);

  begin_test("the board's nonces never come twice, over sessions and boots, whatever the host's nonce");
  unsigned n = 0;
  for (unsigned i = 0; i < 200; i++) {
    uint8_t body[18] = {0, (uint8_t)(1 + i % 2)};
    if (random32(&seed) % 3 == 0) CHECK(rig_start(&r) == 0);
    if (random32(&seed) % 2 || !r.board.session) rig_hello(&r);
    const reply *p = rig_ask(&r, PG_T_PAIR, body, sizeof body);
    if (!EQUAL(rig_err(p), 0)) return;
    memcpy(seen[n], p->body + 6, 16);
    for (unsigned k = 0; k < n; k++) CHECK(memcmp(seen[k], seen[n], 16) != 0);
    n++;
    p = rig_ask_seq(&r, PG_T_PAIR, r.seq, body, sizeof body);
    CHECK(memcmp(seen[n - 1], p->body + 6, 16) == 0); /* but a repetition is answered alike */
  }
}

void test_pairing(void) {
  test_first();
  test_strangers();
  test_replay();
}
