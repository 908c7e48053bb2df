/* Power fails at every byte of every write and erase of an update (SPEC §7.7). */
#include "rig.h"

static rig r, saved;
static pattern old, new, other;
static unsigned states;
static int with_copy;

/* The manifest, then a COPY of all that the active slot may have. Refusals do not matter, the rest is sent anyway. */
static int copy_first(rig *g) {
  uint8_t run[7] = {g->board.record.active, 0, 0, 0, 0, 8, 0};
  unsigned sent = 0;
  if (rig_err(rig_hello(g)) || rig_err(host_begin(g, &new, 255, 0))) return -1;
  host_send_some(g, &new, 256, 1, &sent);
  rig_ask(g, PG_T_COPY, run, sizeof run);
  return g->flash.dead ? -1 : 0;
}

/* The whole update. Returns 0 when confirmed, −1 when power failed or something was refused. */
static int update(rig *g) {
  uint8_t slot;
  if (with_copy && copy_first(g)) return -1;
  if (host_upload(g, &new, &slot)) return -1;
  if (rig_err(host_activate(g, slot, &new, 30))) return -1;
  return rig_err(host_slot(g, PG_T_CONFIRM, slot, &new)) ? -1 : 0;
}

static int names_whole(rig *g, int may_be_none) {
  for (uint8_t i = 0; i < g->config.slots; i++) {
    pg_slot slot;
    if (pg_slot_load(&g->board, i, &slot) || slot.state != PG_SLOT_VERIFIED) continue;
    if (!slot_holds(g, i, &old) && !slot_holds(g, i, &new) && !slot_holds(g, i, &other)) return 0;
  }
  const uint8_t active = g->board.record.active;
  if (active == 255) return may_be_none;
  return slot_holds(g, active, &old) || slot_holds(g, active, &new);
}

/* One crash state; then the host comes back and finishes. */
static int crash(int32_t power, int tear, int single) {
  r = saved;
  r.config.storage.ctx = &r.flash;
  r.config.ctx = &r;
  r.config.rx = r.rx;
  r.config.decode = r.decode;
  r.config.live = r.live;
  r.flash.tear = tear;
  r.flash.seed = (uint32_t)power * 2654435761u + 1;
  if (rig_start(&r)) return 0;
  r.flash.power = power;
  if (update(&r) == 0 && !r.flash.dead) return -1; /* beyond the last operation */
  const uint16_t durable = r.board.transfer.open ? r.board.transfer.durable : 0;
  const int reported = r.board.transfer.open && r.board.transfer.manifest_done;
  states++;
  if (!CHECK(rig_start(&r) == 0)) return 0;
  if (!CHECK(names_whole(&r, single))) return 0;
  if (!single && !CHECK(r.board.player.running)) return 0;
  if (reported && r.board.transfer.open && !CHECK(r.board.transfer.durable >= durable)) return 0;
  if (!CHECK(update(&r) == 0)) return 0;
  if (!CHECK(slot_holds(&r, r.board.record.active, &new))) return 0;
  CHECK(rig_start(&r) == 0);
  if (!CHECK(slot_holds(&r, r.board.record.active, &new))) return 0;
  return CHECK(r.flash.violations == 0);
}

/* The old pattern plays; a second slot, if there is one, is full too, so that it must be erased. */
static void install(uint8_t slots, uint32_t bytes, uint32_t unit) {
  uint8_t slot;
  rig_init(&saved, slots, bytes, unit);
  CHECK(rig_start(&saved) == 0);
  CHECK(host_upload(&saved, &old, &slot) == 0);
  CHECK(rig_err(host_slot(&saved, PG_T_SELECT, slot, &old)) == 0);
  if (slots > 1) CHECK(host_upload(&saved, &other, &slot) == 0);
}

static void every_byte(uint8_t slots, uint32_t bytes, uint32_t unit) {
  static const char *const names[] = {"first bytes done", "last bytes done", "random bits done"};
  char name[120];
  for (int tear = TEAR_FRONT; tear <= TEAR_BITS; tear++) {
    snprintf(name, sizeof name, "power cut at every byte of an update%s, %u slot%s, unit %u, %s",
             with_copy ? " with COPY" : "", slots, slots > 1 ? "s" : "", (unsigned)unit, names[tear]);
    begin_test(name);
    states = 0;
    install(slots, bytes, unit);
    for (int32_t power = 0; crash(power, tear, slots == 1) == 1;) power++;
    CHECK(states > 900);
    printf("# %s: %u states\n", name, states);
  }
}

static void test_many_cuts(void) {
  uint32_t seed = 20;
  begin_test("an update through many power cuts ends with the new pattern");
  for (unsigned round = 0; round < 60; round++) {
    install(2, 4096, 256);
    r = saved;
    r.config.storage.ctx = &r.flash;
    r.config.ctx = &r;
    r.config.rx = r.rx;
    r.config.decode = r.decode;
    for (unsigned cut = 0; cut < 400; cut++) {
      r.flash.tear = (int)(random32(&seed) % 3);
      if (!CHECK(rig_start(&r) == 0)) return;
      if (!CHECK(names_whole(&r, 0))) return;
      r.flash.power = (int32_t)(random32(&seed) % 900);
      if (update(&r) == 0 && !r.flash.dead) break;
    }
    if (!CHECK(slot_holds(&r, r.board.record.active, &new))) return;
    EQUAL(r.flash.violations, 0);
  }
}

static void test_reset_at_frames(void) {
  begin_test("a board reset after any frame resumes with at most the block under way sent again");
  pattern big;
  pattern_make(&big, 5, 12, 2, 40, 0);
  for (unsigned most = 0; most < 60; most++) {
    unsigned sent = 0, rest = 0;
    rig_init(&r, 2, 16384, 256);
    CHECK(rig_start(&r) == 0);
    rig_hello(&r);
    host_begin(&r, &big, 255, 0);
    const int left = host_send_some(&r, &big, 40, most, &sent);
    const uint16_t durable = r.board.transfer.durable;
    CHECK(rig_start(&r) == 0);
    rig_hello(&r);
    CHECK(r.board.transfer.open);
    EQUAL(host_begin(&r, &big, 255, 0)->body[1], 1);
    EQUAL(r.board.transfer.durable, durable);
    if (!EQUAL(host_send(&r, &big, 40, &rest), 0)) return;
    /* 152 bytes of manifest are four frames, 98 of a block three. */
    CHECK(sent + rest <= 4 + 18 + 4);
    EQUAL(rig_err(host_verify(&r, 0, &big)), 0);
    CHECK(slot_holds(&r, 0, &big));
    if (left == 0) break;
  }
}

void test_power(void) {
  pattern_make(&other, 13, 4, 2, 40, 0);
  pattern_make(&old, 11, 4, 2, 40, 0);
  pattern_make(&new, 12, 3, 1, 40, 0);
  every_byte(2, 2560, 256);
  every_byte(2, 2048, 16);
  with_copy = 1;
  pattern_make(&old, 12, 4, 1, 40, 0); /* the first three frames are those of the new one */
  pattern_make(&new, 12, 3, 1, 40, 0);
  every_byte(2, 2560, 256);
  with_copy = 0;
  every_byte(1, 1024, 1);
  every_byte(1, 2048, 256);
  test_many_cuts();
  test_reset_at_frames();
}
