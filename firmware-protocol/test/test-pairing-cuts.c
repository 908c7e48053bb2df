/* Power cuts while a key changes, and while a paired board takes an update (SPEC §9). */
#include "keyed-host.h"

static rig r, saved;
static pattern a, b;

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
  if (!CHECK(memcmp(r.board.record.uuid, keyed_uuid, 16) == 0 && slot_holds(&r, r.board.record.active, &a))) return 0;
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
    memcpy(saved.config.uuid, keyed_uuid, 16);
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
        memcpy(saved.config.uuid, keyed_uuid, 16);
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

void test_pairing_cuts(void) {
  test_power_cuts();
  test_update_cuts();
}
