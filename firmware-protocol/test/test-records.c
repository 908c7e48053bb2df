#include "rig.h"

static rig r;

void test_records(void) {
  begin_test("every boot counts one, over both areas and thousands of records");
  rig_init(&r, 1, 4096, 256);
  for (uint32_t boot = 1; boot <= 2000; boot++)
    if (!EQUAL(rig_start(&r), 0) || !EQUAL(r.board.record.boot_id, boot)) return;
  EQUAL(r.flash.violations, 0);

  begin_test("a record torn at any byte leaves the one before it in force");
  for (int tear = 0; tear < 3; tear++) {
    rig_init(&r, 1, 4096, 256);
    r.flash.tear = tear;
    uint32_t boots = 0;
    for (int32_t cut = 0; cut < 700; cut++) {
      /* Dies while it counts this boot, somewhere in the write or in the erase before it. */
      r.flash.dead = 0;
      r.flash.power = cut % 330;
      const int died = pg_board_init(&r.board, &r.config, 0) != 0;
      const uint32_t counted = boots + (died ? 0 : 1);
      if (!EQUAL(rig_start(&r), 0)) return;
      /* A write whose last byte came through may count although the board died. */
      if (!CHECK(r.board.record.boot_id >= counted + 1 && r.board.record.boot_id <= boots + 2)) return;
      boots = r.board.record.boot_id;
    }
    EQUAL(r.flash.violations, 0);
  }

  begin_test("storage full of anything but records starts as a blank one");
  for (uint32_t seed = 1; seed < 50; seed++) {
    uint32_t random = seed * 7919;
    rig_init(&r, 2, 8192, 256);
    for (uint32_t i = 0; i < 8192; i++) r.flash.bytes[i] = seed == 1 ? 0 : (uint8_t)(random32(&random) >> 9);
    EQUAL(rig_start(&r), 0);
    EQUAL(r.board.record.boot_id, 1);
    EQUAL(r.board.record.active, 255);
    EQUAL(r.board.record.brightness, 255);
  }

  begin_test("a config that cannot work is refused");
  rig_init(&r, 0, 4096, 256);
  EQUAL(rig_start(&r), PG_BAD_ARGUMENT);
  rig_init(&r, 1, 4096, 0);
  EQUAL(rig_start(&r), PG_BAD_ARGUMENT);
  rig_init(&r, 4, 4096, 1024);
  EQUAL(rig_start(&r), PG_TOO_LARGE);
  rig_init(&r, 1, 64, 32);
  EQUAL(rig_start(&r), PG_TOO_LARGE);
  rig_init(&r, 1, 4096, 256);
  r.config.max_body = 63;
  EQUAL(rig_start(&r), PG_BAD_ARGUMENT);
  rig_init(&r, 1, 4096, 256);
  r.flash.dead = 1;
  EQUAL(pg_board_init(&r.board, &r.config, 0), PG_STORAGE);
}
