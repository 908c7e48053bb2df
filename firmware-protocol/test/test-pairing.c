/* PAIR: keys, proofs, what a paired board does for whom, and power cuts while a key changes (SPEC §9). */
#include "rig.h"

static rig r, saved;
static pattern a, b;
static const uint8_t uuid[16] = {0xAB, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t key1[16] = {1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9};
static const uint8_t key2[16] = {2, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2, 8};
static uint8_t mac_type = PG_MAC_HMAC;

static void tag_of(const uint8_t key[16], uint8_t label, const uint8_t *bytes, size_t n, uint8_t tag[16]) {
  pg_mac mac;
  pg_mac_init(&mac, mac_type, key, label);
  pg_mac_update(&mac, bytes, n);
  pg_mac_final(&mac, key, tag);
}

/* ---- the host ---- */

static uint8_t nonce[16], proof[16], board_proof[16], wanted_proof[16];

/* CAPS, CHALLENGE; computes both proofs from what went over the wire. Returns the code of an ERR. */
static int challenge(rig *g, const uint8_t key[16]) {
  uint8_t body[18] = {0, mac_type}, said[1 + 1 + 16 + 4 + 16 + 62];
  const reply *p = rig_hello(g);
  if (!p || p->type != PG_T_CAPS) return -1;
  memcpy(said + 40 - 2, p->body + 2, 62);
  said[39] &= 1;
  said[38 + 37] = 0;
  nonce[0]++;
  memcpy(body + 2, nonce, 16);
  p = rig_ask(g, PG_T_PAIR, body, sizeof body);
  if (rig_err(p)) return rig_err(p);
  if (!EQUAL(p->n, 38)) return -1;
  CHECK(p->body[0] == 0 && p->body[1] == mac_type);
  said[0] = mac_type;
  said[1] = g->session;
  memcpy(said + 2, nonce, 16);
  memcpy(said + 18, p->body + 2, 20);
  memcpy(board_proof, p->body + 22, 16);
  tag_of(key, PG_L_BOARD, said, 100, wanted_proof);
  tag_of(key, PG_L_HOST, said, 100, proof);
  return 0;
}

static int send_proof(rig *g, const uint8_t tag[16]) {
  uint8_t body[17] = {1};
  memcpy(body + 1, tag, 16);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

static int log_in(rig *g, const uint8_t key[16]) {
  const int e = challenge(g, key);
  return e ? e : send_proof(g, proof);
}

static int set_first(rig *g, const uint8_t key[16]) {
  uint8_t body[33] = {2};
  memcpy(body + 1, key, 16);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

/* Under the old key; the session is proven. */
static int set_again(rig *g, const uint8_t old[16], const uint8_t key[16]) {
  uint8_t body[33] = {2}, mask[16], bound[32];
  tag_of(old, PG_L_MASK, proof, 16, mask);
  for (unsigned i = 0; i < 16; i++) body[1 + i] = (uint8_t)(key[i] ^ mask[i]);
  memcpy(bound, proof, 16);
  memcpy(bound + 16, body + 1, 16);
  tag_of(old, PG_L_SET, bound, 32, body + 17);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

static int clear(rig *g, const uint8_t key[16]) {
  uint8_t body[17] = {3};
  tag_of(key, PG_L_CLEAR, proof, 16, body + 1);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

static void seal(pattern *p, const uint8_t key[16], uint32_t generation) {
  pg_sha256 hash;
  pg_mac mac;
  uint8_t digest[32];
  p->manifest[PG_M_MAC_TYPE] = mac_type;
  p->manifest[PG_M_MAC_BYTES] = 16;
  pg_put32(p->manifest + PG_M_GENERATION, generation);
  p->manifest_bytes = 104u + 8u * p->blocks + 16;
  pg_mac_init(&mac, mac_type, key, PG_L_MANIFEST);
  pg_mac_update(&mac, uuid, 16);
  pg_mac_update(&mac, p->manifest, p->manifest_bytes - 16);
  pg_mac_final(&mac, key, p->manifest + p->manifest_bytes - 16);
  pg_sha256_init(&hash);
  pg_sha256_update(&hash, p->manifest, p->manifest_bytes);
  pg_sha256_final(&hash, digest);
  memcpy(p->id, digest, 16);
}

/* In the session as it is: BEGIN … CONFIRM. Returns the code of the refusal. */
static int upload(rig *g, const pattern *p) {
  unsigned sent = 0;
  const reply *begun = host_begin(g, p, 255, 0);
  if (rig_err(begun)) return rig_err(begun);
  const uint8_t slot = begun->body[0];
  if (begun->body[1] != 2 && host_send(g, p, 256, &sent)) {
    const reply *have = host_start(g, 256);
    return rig_err(have);
  }
  int e = rig_err(host_verify(g, 0, p));
  if (e == 0) e = rig_err(host_activate(g, slot, p, 30));
  return e ? e : rig_err(host_slot(g, PG_T_CONFIRM, slot, p));
}

static void fresh(uint8_t slots) {
  rig_init(&r, slots, 16384, 256);
  memcpy(r.config.uuid, uuid, 16);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
}

static void paired(uint8_t slots) {
  fresh(slots);
  EQUAL(set_first(&r, key1), 0);
}

/* ---- tests ---- */

static void test_first(void) {
  begin_test("a board without a key takes one, durably, and then proves that it has it");
  fresh(2);
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
  fresh(1);
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
  paired(2);
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
  paired(1);
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
  paired(1);
  CHECK(pg_board_forget_key(&r.board) == 0);
  CHECK(rig_start(&r) == 0);
  EQUAL(rig_hello(&r)->body[2 + 1] & 1, 0);
  EQUAL(set_first(&r, key2), 0);

  begin_test("the key is nowhere in what the board says");
  paired(1);
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
  paired(1);
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

static void test_manifests(void) {
  begin_test("a paired board takes a manifest under its key only, whatever one changes of it");
  paired(2);
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

  begin_test("a generation below the highest that was active is refused, by a board with one slot and after a restart as well");
  for (uint8_t slots = 1; slots <= 2; slots++) {
    paired(slots);
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

  begin_test("what was on the board before the pairing still plays, and its generation binds nobody");
  uint8_t slot;
  fresh(2);
  pattern_make(&a, 1, 4, 2, 40, 0);
  pg_put32(a.manifest + PG_M_GENERATION, 0xFFFFFFFFu);
  pattern_seal(&a);
  EQUAL(host_upload(&r, &a, &slot), 0);
  EQUAL(set_first(&r, key1), 0);
  EQUAL(log_in(&r, key1), 0);
  EQUAL(rig_err(host_slot(&r, PG_T_SELECT, slot, &a)), 0);
  CHECK(r.board.player.running);
  seal(&b, key1, 1);
  EQUAL(upload(&r, &b), 0);

  begin_test("a transfer that a stranger began is not gone on with under the key");
  fresh(2);
  pattern_make(&a, 1, 4, 1, 40, 0);
  unsigned sent = 0;
  host_begin(&r, &a, 255, 0);
  EQUAL(host_send(&r, &a, 256, &sent), 0);
  EQUAL(set_first(&r, key1), 0);
  EQUAL(log_in(&r, key1), 0);
  EQUAL(rig_err(host_verify(&r, 0, &a)), 5);
  EQUAL(upload(&r, &a), 20);

  begin_test("a digest under a key of the wire proves nothing to a paired board");
  fresh(2);
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

/* ---- power cuts ---- */

enum { FIRST, CHANGE, REMOVE };

static int change_key(rig *g, int how) {
  if (how == FIRST) return rig_err(rig_hello(g)) ? -1 : set_first(g, key2);
  if (log_in(g, key1)) return -1;
  return how == CHANGE ? set_again(g, key1, key2) : clear(g, key1);
}

static void revive(rig *g) {
  g->config.storage.ctx = &g->flash;
  g->config.ctx = g;
  g->config.rx = g->rx;
  g->config.decode = g->decode;
  g->config.live = g->live;
}

/* Returns 1 after a cut, −1 when the change went through. */
static int crash(int how, int32_t power, int tear) {
  static const uint8_t none[16] = {0};
  const uint8_t *before = how == FIRST ? none : key1, *after = how == REMOVE ? none : key2;
  r = saved;
  revive(&r);
  r.flash.tear = tear;
  r.flash.seed = (uint32_t)power * 2654435761u + 1;
  r.flash.power = power; /* the boot's own record is cut as well */
  const int started = pg_board_init(&r.board, &r.config, r.now) == 0;
  const int changed = started && change_key(&r, how) == 0;
  const int cut = r.flash.dead;
  if (!CHECK(rig_start(&r) == 0)) return 0;
  const int is_old = memcmp(r.board.record.key, before, 16) == 0, is_new = memcmp(r.board.record.key, after, 16) == 0;
  if (!CHECK(is_old || is_new)) return 0;
  if (changed && !CHECK(is_new)) return 0;
  if (!CHECK(memcmp(r.board.record.uuid, uuid, 16) == 0 && slot_holds(&r, r.board.record.active, &a))) return 0;
  if (is_new && after == key2 && !EQUAL(log_in(&r, key2), 0)) return 0;
  if (is_old && before == key1 && !EQUAL(log_in(&r, key1), 0)) return 0;
  if (!is_new && !EQUAL(change_key(&r, how), 0)) return 0;
  if (!EQUAL(r.flash.violations, 0)) return 0;
  return cut ? 1 : -1;
}

/* An update under the key. What is active and the generation that counts are of one moment. */
static int crash_update(int32_t power, int tear) {
  r = saved;
  revive(&r);
  r.flash.tear = tear;
  r.flash.seed = (uint32_t)power * 2654435761u + 1;
  if (!CHECK(rig_start(&r) == 0)) return 0;
  r.flash.power = power;
  const int done = log_in(&r, key1) == 0 && upload(&r, &b) == 0 && !r.flash.dead;
  if (!CHECK(rig_start(&r) == 0 && memcmp(r.board.record.key, key1, 16) == 0)) return 0;
  const int is_new = slot_holds(&r, r.board.record.active, &b);
  if (!CHECK(is_new || slot_holds(&r, r.board.record.active, &a))) return 0;
  if (!EQUAL(r.board.record.newest, is_new ? 2 : 1)) return 0;
  if (done && !CHECK(is_new)) return 0;
  if (!EQUAL(log_in(&r, key1), 0) || !EQUAL(upload(&r, &b), 0)) return 0;
  return EQUAL(r.flash.violations, 0) ? (done ? -1 : 1) : 0;
}

static void test_update_cuts(void) {
  unsigned states = 0;
  begin_test("power cut at every byte of an update of a paired board keeps its key, and its generation with its pattern");
  pattern_make(&a, 21, 2, 1, 40, 0);
  pattern_make(&b, 22, 3, 1, 40, 0);
  seal(&a, key1, 1);
  seal(&b, key1, 2);
  for (int tear = TEAR_FRONT; tear <= TEAR_BITS; tear++) {
    rig_init(&saved, 2, 2560, 256);
    memcpy(saved.config.uuid, uuid, 16);
    CHECK(rig_start(&saved) == 0);
    rig_hello(&saved);
    EQUAL(set_first(&saved, key1), 0);
    EQUAL(log_in(&saved, key1), 0);
    EQUAL(upload(&saved, &a), 0);
    int went = 1;
    for (int32_t power = 0; went == 1; power++) {
      went = crash_update(power, tear);
      states += went == 1;
    }
    if (!EQUAL(went, -1)) return;
  }
  CHECK(states > 3000);
  printf("# an update of a paired board: %u states\n", states);
}

static void test_power_cuts(void) {
  static const char *const names[] = {"PAIR", "a change of the key", "an unpairing"};
  char name[120];
  uint8_t slot;
  pattern_make(&a, 1, 2, 1, 40, 0);
  for (int how = FIRST; how <= REMOVE; how++) {
    unsigned states = 0;
    snprintf(name, sizeof name, "power cut at every byte of %s leaves the old key or the new one, and the board whole", names[how]);
    begin_test(name);
    for (unsigned boots = 0; boots < 10; boots++) /* the record stands at each place of its areas */
      for (int tear = TEAR_FRONT; tear <= TEAR_BITS; tear++) {
        rig_init(&saved, 1, 2048, 256);
        memcpy(saved.config.uuid, uuid, 16);
        CHECK(rig_start(&saved) == 0);
        CHECK(host_upload(&saved, &a, &slot) == 0);
        CHECK(rig_err(host_slot(&saved, PG_T_SELECT, slot, &a)) == 0);
        if (how != FIRST) EQUAL(set_first(&saved, key1), 0);
        for (unsigned i = 0; i < boots; i++) CHECK(rig_start(&saved) == 0);
        int went = 1;
        for (int32_t power = 0; went == 1; power++) {
          went = crash(how, power, tear);
          states += went == 1;
        }
        if (!EQUAL(went, -1)) return;
      }
    CHECK(states > 3000);
    printf("# %s: %u states\n", name, states);
  }
}

void test_pairing(void) {
  test_first();
  test_strangers();
  test_replay();
  test_manifests();
  test_power_cuts();
  test_update_cuts();
}
