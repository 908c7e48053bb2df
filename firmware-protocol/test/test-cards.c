/*
 * The storage on an SD card (boards/avr/pages.c), on a card that loses the whole sector when power fails in it: at every sector that an update
 * writes, the boots before and after it included.
 */
#include "rig.h"
#include "sd.h"
#include "store.h"

#define FIRST 3u
#define PAGES 26u
#define SECTORS (FIRST + 2 * PAGES)

enum { TORN_OLD, TORN_NEW, TORN_FRONT, TORN_BACK, TORN_MIDDLE, TORN_ANY, TORN_UNREADABLE, TORN_KINDS };

typedef struct card {
  uint8_t bytes[SECTORS][SD_SECTOR_BYTES];
  uint8_t unreadable[SECTORS];
  int32_t power; /* sectors until the cut, −1 = none */
  int torn;
  int dead;
  uint32_t seed;
  unsigned strays; /* accesses outside the partition, but for reading sector 0 */
} card;

static card now, kept;
static rig r, saved;
static pattern old, new, other;

static uint16_t crc16(const uint8_t *bytes, uint32_t n) {
  uint16_t crc = 0;
  for (uint32_t i = 0; i < n; i++) {
    crc = (uint16_t)(crc ^ bytes[i] << 8);
    for (int bit = 0; bit < 8; bit++) crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

int sd_start(void) { return now.dead ? SD_FAILS : 0; }

int sd_read(uint32_t sector, uint8_t bytes[SD_SECTOR_BYTES], const uint32_t *newer_than, uint16_t *mark) {
  if (now.dead) return SD_FAILS;
  if (sector >= SECTORS || (sector && sector < FIRST)) {
    now.strays++;
    return SD_FAILS;
  }
  if (now.unreadable[sector]) return SD_UNREADABLE;
  const uint8_t *from = now.bytes[sector];
  *mark = (uint16_t)(crc16(from, SD_OWN_BYTES) ^ (from[SD_OWN_BYTES] << 8 | from[SD_OWN_BYTES + 1]));
  if (newer_than && (int32_t)(pg_get32(from) - *newer_than) <= 0) return SD_NOT_NEWER;
  memcpy(bytes, from, SD_SECTOR_BYTES);
  return 0;
}

int sd_write(uint32_t sector, const uint8_t *bytes, uint16_t mark) {
  uint8_t whole[SD_SECTOR_BYTES];
  if (now.dead) return SD_FAILS;
  if (sector >= SECTORS || sector < FIRST) {
    now.strays++;
    return SD_FAILS;
  }
  memcpy(whole, bytes, SD_OWN_BYTES);
  mark ^= crc16(bytes, SD_OWN_BYTES);
  whole[SD_OWN_BYTES] = (uint8_t)(mark >> 8);
  whole[SD_OWN_BYTES + 1] = (uint8_t)mark;
  uint8_t *cells = now.bytes[sector];
  const uint32_t half = 1 + random32(&now.seed) % (SD_SECTOR_BYTES - 1);
  const int cut = now.power == 0;
  if (now.power > 0) now.power--;
  now.dead = cut;
  now.unreadable[sector] = cut && now.torn == TORN_UNREADABLE;
  if (!cut || now.torn == TORN_NEW) memcpy(cells, whole, sizeof whole);
  else if (now.torn == TORN_FRONT) memcpy(cells, whole, half);
  else if (now.torn == TORN_BACK) memcpy(cells + half, whole + half, sizeof whole - half);
  else if (now.torn == TORN_MIDDLE) {
    memcpy(cells, whole, 4 + half / 4);
    memcpy(cells + sizeof whole - 4 - half / 4, whole + sizeof whole - 4 - half / 4, 4 + half / 4);
  } else if (now.torn == TORN_ANY)
    for (uint32_t i = 0; i < sizeof whole; i++) cells[i] = (uint8_t)(random32(&now.seed) >> 7);
  return cut ? SD_FAILS : 0;
}

/* Power comes back. What of the storage was in RAM is gone. */
static int boot(int32_t power) {
  now.dead = 0;
  now.power = power;
  return store_start(&r.config.storage) || rig_start(&r) ? -1 : 0;
}

static int holds(uint8_t index, const pattern *p) {
  static uint8_t bytes[sizeof p->image];
  pg_slot slot;
  if (index >= r.config.slots || pg_slot_load(&r.board, index, &slot)) return 0;
  if (slot.state != PG_SLOT_VERIFIED || memcmp(slot.id, p->id, 16) != 0) return 0;
  if (pg_read(&r.board, slot.manifest, bytes, p->manifest_bytes) || memcmp(bytes, p->manifest, p->manifest_bytes) != 0) return 0;
  return !pg_read(&r.board, slot.image, bytes, p->image_bytes) && memcmp(bytes, p->image, p->image_bytes) == 0;
}

static int update(void) {
  uint8_t slot;
  if (host_upload(&r, &new, &slot)) return -1;
  if (rig_err(host_activate(&r, slot, &new, 30))) return -1;
  return rig_err(host_slot(&r, PG_T_CONFIRM, slot, &new)) ? -1 : 0;
}

static int verified_is_whole(void) {
  for (uint8_t i = 0; i < r.config.slots; i++) {
    pg_slot slot;
    if (pg_slot_load(&r.board, i, &slot)) return 0;
    if (slot.state == PG_SLOT_VERIFIED && !holds(i, &old) && !holds(i, &new) && !holds(i, &other)) return 0;
  }
  const uint8_t active = r.board.record.active;
  return r.board.player.running && (holds(active, &old) || holds(active, &new));
}

/* The old pattern plays, and the other slot is full too. The partition held something else before. */
static void install(void) {
  uint8_t slot;
  uint8_t *entry = now.bytes[0] + 446 + 16;
  memset(&now, 0, sizeof now);
  now.seed = 99;
  for (uint32_t s = 1; s < SECTORS; s++)
    for (uint32_t i = 0; i < SD_SECTOR_BYTES; i++) now.bytes[s][i] = (uint8_t)(random32(&now.seed) >> 7);
  entry[-12] = 0x0C; /* a file system's partition comes first */
  pg_put32(entry - 8, 1);
  pg_put32(entry - 4, 2);
  entry[4] = 0x7F;
  pg_put32(entry + 8, FIRST);
  pg_put32(entry + 12, 2 * PAGES);
  now.bytes[0][510] = 0x55;
  now.bytes[0][511] = 0xAA;
  rig_init(&r, 2, 4096, 256);
  CHECK(boot(-1) == 0);
  CHECK(host_upload(&r, &old, &slot) == 0);
  CHECK(rig_err(host_slot(&r, PG_T_SELECT, slot, &old)) == 0);
  CHECK(host_upload(&r, &other, &slot) == 0);
  for (unsigned i = 0; i < 5; i++) CHECK(boot(-1) == 0); /* so that a record area becomes full within the update */
  kept = now;
  saved = r;
}

/* Returns 0 behind the last write, or when something is wrong. */
static int crash(int32_t power, int torn) {
  now = kept;
  now.torn = torn;
  now.seed = (uint32_t)power * 2654435761u + 1;
  r = saved;
  r.config.ctx = &r;
  r.config.rx = r.rx;
  r.config.decode = r.decode;
  r.config.live = r.live;
  const uint32_t boot_id = r.board.record.boot_id;
  uint32_t answered = boot_id;
  uint16_t durable = 0;
  if (boot(power) == 0) {
    answered = r.board.record.boot_id;
    if (update() == 0 && !now.dead) return 0;
    if (r.board.transfer.open && r.board.transfer.manifest_done) durable = r.board.transfer.durable;
  }
  if (!CHECK(boot(-1) == 0) || !CHECK(verified_is_whole())) return 0;
  if (!CHECK(r.board.record.boot_id > answered)) return 0;
  if (durable && r.board.transfer.open && !CHECK(r.board.transfer.durable >= durable)) return 0;
  if (!CHECK(update() == 0) || !CHECK(holds(r.board.record.active, &new))) return 0;
  if (!CHECK(boot(-1) == 0) || !CHECK(verified_is_whole())) return 0;
  return CHECK(now.strays == 0);
}

static void test_every_sector(void) {
  static const char *const names[TORN_KINDS] = {"nothing of it", "all of it", "its front", "its back", "all but its middle", "anything in it", "it unreadable"};
  char name[100];
  for (int torn = 0; torn < TORN_KINDS; torn++) {
    int32_t power = 0;
    snprintf(name, sizeof name, "power cut in every sector of an SD card that an update writes, %s", names[torn]);
    begin_test(name);
    install();
    while (crash(power, torn)) power++;
    CHECK(power > 30);
    printf("# %s: %d states\n", name, (int)power);
  }
}

static void test_many_cuts(void) {
  uint32_t seed = 31;
  begin_test("an update to an SD card through many power cuts ends with the new pattern");
  for (unsigned round = 0; round < 40; round++) {
    install();
    for (unsigned cut = 0; cut < 400; cut++) {
      now.torn = (int)(random32(&seed) % TORN_KINDS);
      if (boot((int32_t)(random32(&seed) % 25)) == 0) {
        if (!CHECK(verified_is_whole())) return;
        if (update() == 0 && !now.dead) break;
      }
    }
    if (!CHECK(boot(-1) == 0) || !CHECK(holds(r.board.record.active, &new))) return;
  }
}

/* What the storage has to hold after each change of a page, the newest last. */
#define STATES 48u
#define PAGE_BYTES 504u
static uint8_t history[STATES][PAGES * PAGE_BYTES];
static unsigned newest, oldest;

static void change_state(uint32_t addr, const uint8_t *bytes, uint32_t n, int durable) {
  while (n) {
    const uint32_t room = PAGE_BYTES - addr % PAGE_BYTES, part = n < room ? n : room;
    memcpy(history[newest + 1], history[newest], sizeof history[0]);
    newest++;
    memcpy(history[newest] + addr, bytes, part);
    addr += part;
    bytes += part;
    n -= part;
  }
  if (durable) oldest = newest;
}

/* Only the newest, or what it was at some change since the last durable one. */
static int is_state(pg_storage *s) {
  static uint8_t found[sizeof history[0]];
  if (s->read(s->ctx, 0, found, sizeof found)) return 0;
  for (unsigned i = oldest; i <= newest; i++)
    if (memcmp(found, history[i], sizeof found) == 0) {
      memcpy(history[0], found, sizeof found);
      newest = oldest = 0;
      return 1;
    }
  return 0;
}

static void test_order(void) {
  uint32_t seed = 77;
  unsigned cuts = 0;
  pg_storage s;
  begin_test("an SD card holds what was written, after a cut as it was at some point since the last durable write");
  install();
  CHECK(store_start(&s) == 0);
  for (uint32_t at = 0; at < s.bytes; at += PAGE_BYTES) CHECK(s.erase(s.ctx, at, PAGE_BYTES) == 0);
  memset(history[0], 0xFF, sizeof history[0]);
  newest = oldest = 0;
  for (unsigned i = 0; i < 40000; i++) {
    uint8_t bytes[300], back[300];
    const uint32_t n = 1 + random32(&seed) % (seed & 256 ? (uint32_t)sizeof bytes : 20u), addr = random32(&seed) % (s.bytes - n);
    const unsigned what = (seed >> 12) % 8;
    int r = 0;
    if (now.power < 0 && (seed >> 20) % 16 == 0) {
      now.power = (int32_t)(random32(&seed) % 12);
      now.torn = (int)(random32(&seed) % TORN_KINDS);
    }
    if (what < 4) {
      r = s.read(s.ctx, addr, back, n);
      if (r == 0 && !CHECK(memcmp(back, history[newest] + addr, n) == 0)) return;
    } else if (what < 7) {
      for (uint32_t k = 0; k < n; k++) bytes[k] = (uint8_t)random32(&seed);
      r = s.write(s.ctx, addr, bytes, n);
      change_state(addr, bytes, n, r == 0 && n < 64);
    } else {
      static uint8_t blank[PAGE_BYTES];
      memset(blank, 0xFF, sizeof blank);
      r = s.erase(s.ctx, addr / PAGE_BYTES * PAGE_BYTES, PAGE_BYTES);
      change_state(addr / PAGE_BYTES * PAGE_BYTES, blank, PAGE_BYTES, r == 0);
    }
    if (!CHECK(r == 0 || now.dead)) return;
    if (!now.dead && newest < STATES - 4) continue;
    cuts++;
    now.dead = 0;
    now.power = -1;
    if (!CHECK(store_start(&s) == 0) || !CHECK(is_state(&s))) return;
  }
  CHECK(cuts > 1000);
}

static void test_refusals(void) {
  begin_test("a card without a partition for patterns is refused and not written to");
  install();
  for (unsigned i = 0; i < 3; i++) {
    now = kept;
    uint8_t *table = now.bytes[0];
    if (i == 0) table[446 + 16 + 4] = 0x83;
    if (i == 1) table[510] = 0;
    if (i == 2) now.unreadable[0] = 1;
    const card before = now;
    CHECK(store_start(&r.config.storage) != 0);
    CHECK(memcmp(before.bytes, now.bytes, sizeof now.bytes) == 0);
  }
}

void test_cards(void) {
  pattern_make(&other, 13, 48, 16, 40, 0);
  pattern_make(&old, 11, 48, 16, 40, 0);
  pattern_make(&new, 12, 60, 9, 40, 0); /* blocks of about a page */
  test_every_sector();
  test_many_cuts();
  test_order();
  test_refusals();
}
