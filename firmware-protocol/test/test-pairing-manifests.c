/* Which patterns a paired board takes (SPEC §9). */
#include "keyed-host.h"

static rig r;
static pattern a, b;

static void test_key(void) {
  begin_test("a paired board takes a manifest under its key only, whatever one changes of it");
  paired(&r, 2);
  pattern_make(&a, 1, 4, 2, 40, 0);
  b = a;
  EQUAL(log_in(&r, key1), 0);
  EQUAL(upload(&r, &a), 20);
  seal(&a, key2, 1);
  EQUAL(upload(&r, &a), 20);
  for (unsigned at = 1; at < 120; at += 3) {
    b = a;
    seal(&b, key1, 5);
    b.manifest[at] ^= 1;
    pg_sha256 hash;
    uint8_t digest[32];
    pg_sha256_init(&hash);
    pg_sha256_update(&hash, b.manifest, b.manifest_bytes);
    pg_sha256_final(&hash, digest);
    memcpy(b.id, digest, 16);
    if (!CHECK(upload(&r, &b) != 0)) printf("  byte %u\n", at);
  }
  seal(&a, key1, 5);
  EQUAL(upload(&r, &a), 0);
  CHECK(slot_holds(&r, r.board.record.active, &a));
}

static void test_generations(void) {
  begin_test("a generation below the highest that was active is refused, by a board with one slot and after a restart as well");
  for (uint8_t slots = 1; slots <= 2; slots++) {
    paired(&r, slots);
    pattern_make(&a, 1, 4, 2, 40, 0);
    pattern_make(&b, 2, 4, 2, 40, 0);
    EQUAL(log_in(&r, key1), 0);
    seal(&a, key1, 7);
    EQUAL(upload(&r, &a), 0);
    seal(&b, key1, 6);
    EQUAL(upload(&r, &b), 19);
    CHECK(rig_start(&r) == 0);
    EQUAL(log_in(&r, key1), 0);
    EQUAL(upload(&r, &b), 19);
    seal(&b, key1, 7);
    EQUAL(upload(&r, &b), 0);
    seal(&a, key1, 9);
    EQUAL(upload(&r, &a), 0);
    EQUAL(r.board.record.newest, 9);
  }
}

static void test_strangers_patterns(void) {
  begin_test("what was on the board before the pairing still plays, and its generation binds nobody");
  uint8_t slot;
  fresh(&r, 2);
  pattern_make(&a, 1, 4, 2, 40, 0);
  pg_put32(a.manifest + PG_M_GENERATION, 0xFFFFFFFFu);
  pattern_seal(&a);
  EQUAL(host_upload(&r, &a, &slot), 0);
  EQUAL(set_first(&r, key1), 0);
  EQUAL(log_in(&r, key1), 0);
  EQUAL(rig_err(host_slot(&r, PG_T_SELECT, slot, &a)), 0);
  CHECK(r.board.player.running);
  pattern_make(&b, 2, 4, 2, 40, 0);
  seal(&b, key1, 1);
  EQUAL(upload(&r, &b), 0);

  begin_test("a transfer that a stranger began is not gone on with under the key");
  fresh(&r, 2);
  pattern_make(&a, 1, 4, 1, 40, 0);
  unsigned sent = 0;
  host_begin(&r, &a, 255, 0);
  EQUAL(host_send(&r, &a, 256, &sent), 0);
  EQUAL(set_first(&r, key1), 0);
  EQUAL(log_in(&r, key1), 0);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 5);
  EQUAL(upload(&r, &a), 20);
}

static void test_digest(void) {
  unsigned sent = 0;
  begin_test("a digest under a key of the wire proves nothing to a paired board");
  fresh(&r, 2);
  EQUAL(set_first(&r, key1), 0);
  EQUAL(log_in(&r, key1), 0);
  pattern_make(&a, 3, 4, 1, 40, 0);
  seal(&a, key1, 1);
  host_begin(&r, &a, 255, 0);
  EQUAL(host_send(&r, &a, 256, &sent), 0);
  uint8_t body[33] = {1}, said[32], derived[16];
  pg_siphash hash;
  memcpy(said, a.id, 16);
  memcpy(said + 16, body + 1, 16);
  tag_of(key1, PG_L_DIGEST, said, 32, derived);
  pg_siphash_init(&hash, derived);
  pg_siphash_update(&hash, a.image, a.image_bytes);
  pg_siphash_final(&hash, body + 17);
  EQUAL(rig_err(rig_ask(&r, PG_T_VERIFY, body, 33)), 0);
  EQUAL(rig_err(host_verify(&r, 1, &a)), 14);
}

void test_pairing_manifests(void) {
  test_key();
  test_generations();
  test_strangers_patterns();
  test_digest();
}
