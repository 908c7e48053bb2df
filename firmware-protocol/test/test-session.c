#include "rig.h"

static rig r;

static void test_hello(void) {
  begin_test("HELLO opens a session and CAPS tells the board, in pages of the host's size");
  rig_init(&r, 2, 16384, 256);
  memset(r.config.uuid, 0x42, 16);
  CHECK(rig_start(&r) == 0);
  uint8_t body[5] = {0, 3, 64, 0, 0}, record[256];
  uint32_t at = 0;
  const reply *p = rig_ask(&r, PG_T_HELLO, body, 5);
  CHECK(p && p->type == PG_T_CAPS);
  const uint8_t pages = p->body[1];
  EQUAL(pages, 2);
  for (uint8_t i = 0; i < pages; i++) {
    body[4] = i;
    p = rig_ask(&r, PG_T_HELLO, body, 5);
    EQUAL(p->body[0], i);
    EQUAL(p->n, i + 1 < pages ? 64 : p->n);
    memcpy(record + at, p->body + 2, p->n - 2u);
    at += p->n - 2u;
  }
  EQUAL(at, 62 + 5 + 7 + 7);
  EQUAL(record[0], 1);
  EQUAL(record[2], 0x42);
  EQUAL(pg_get32(record + 18), 1);
  EQUAL(record[37], 2);
  EQUAL(pg_get32(record + 38), (16384 - 512) / 2 / 256 * 256 - 48);
  CHECK(memcmp(record + 62, "\1\3rig\2\0051.2.3\3\5bench", 19) == 0);
  body[4] = pages;
  EQUAL(rig_err(rig_ask(&r, PG_T_HELLO, body, 5)), 17);

  begin_test("a host of other versions only is told the board's");
  body[0] = 2;
  p = rig_ask(&r, PG_T_HELLO, body, 5);
  EQUAL(rig_err(p), 21);
  EQUAL(pg_get16(p->body + 2), 1);
  uint8_t wire[64];
  r.replies_n = 0;
  rig_bytes(&r, wire, encode_frame(wire, 2, PG_T_STATUS, 9, 77, NULL, 0));
  EQUAL(rig_err(rig_last(&r, PG_T_ERR)), 21);
}

static void test_no_session(void) {
  begin_test("without a session, or in another, the answer is NO_SESSION, at most one in 20 ms");
  rig_init(&r, 1, 8192, 256);
  CHECK(rig_start(&r) == 0);
  const reply *p = rig_ask_seq(&r, PG_T_STATUS, 300, NULL, 0);
  EQUAL(rig_err(p), 4);
  EQUAL(p->session, 9);
  EQUAL(pg_get16(p->body + 2), 1);
  CHECK(rig_ask(&r, PG_T_STATUS, NULL, 0) == NULL);
  rig_wait(&r, 19);
  CHECK(rig_ask(&r, PG_T_STATUS, NULL, 0) == NULL);
  rig_wait(&r, 1);
  EQUAL(rig_err(rig_ask(&r, PG_T_STATUS, NULL, 0)), 4);
  CHECK(rig_err(rig_hello(&r)) == 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_STATUS, NULL, 0)), 0);
  r.session = 10;
  rig_wait(&r, 20);
  EQUAL(rig_err(rig_ask(&r, PG_T_STATUS, NULL, 0)), 4);
  CHECK(rig_ask(&r, PG_T_ERR, "\4\50\0\0", 4) == NULL);
}

static void test_lengths(void) {
  begin_test("a body of the wrong length is told the right one, an unknown type is told so");
  rig_init(&r, 1, 8192, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
  const reply *p = rig_ask(&r, PG_T_BEGIN, "123", 3);
  EQUAL(rig_err(p), 2);
  EQUAL(p->body[1], PG_T_BEGIN);
  EQUAL(pg_get16(p->body + 2), 32);
  EQUAL(rig_err(rig_ask(&r, PG_T_PLAY, "1", 1)), 2);
  for (uint8_t type = 0; type < 64; type++) {
    const int known = (type >= 1 && type <= 8) || (type >= 0x10 && type <= 0x1B) || (type >= 0x20 && type <= 0x31);
    if (!known || type == PG_T_TIME || type == PG_T_TEST || type == PG_T_ACK)
      EQUAL(rig_err(rig_ask(&r, type, NULL, 0)), 1);
  }

  begin_test("frames that are too long or broken are counted and forgotten");
  static uint8_t wire[600];
  const uint32_t before = r.board.bytes_dropped;
  memset(wire, 7, sizeof wire);
  wire[599] = 0;
  CHECK(rig_err(rig_ask(&r, PG_T_LINKTEST, wire, 256)) == 0);
  EQUAL(r.board.bytes_dropped, before);
  CHECK(rig_ask(&r, PG_T_LINKTEST, wire, 257) == NULL);
  EQUAL(r.board.bytes_dropped, before + 257 + 8 + 1 + 2);
  rig_bytes(&r, wire, 600);
  EQUAL(r.board.bytes_dropped, before + 268 + 600);
  EQUAL(rig_err(rig_ask(&r, PG_T_PROBE, NULL, 0)), 0);
}

static void test_small_requests(void) {
  uint8_t uuid[16] = {1, 2, 3}, other[16] = {9};
  begin_test("a board without UUID takes one, once, and keeps it");
  rig_init(&r, 1, 8192, 256);
  CHECK(rig_start(&r) == 0);
  rig_hello(&r);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETID, uuid, 16)), 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETID, uuid, 16)), 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETID, other, 16)), 3);
  CHECK(rig_start(&r) == 0);
  CHECK(memcmp(r.board.record.uuid, uuid, 16) == 0);

  begin_test("SETBAUD switches after its answer, and back after 500 ms without a frame");
  rig_hello(&r);
  uint8_t baud[4];
  pg_put32(baud, 500000);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETBAUD, baud, 4)), 0);
  EQUAL(r.baud, 500000);
  rig_wait(&r, 499);
  EQUAL(r.baud, 500000);
  rig_wait(&r, 1);
  EQUAL(r.baud, 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETBAUD, baud, 4)), 0);
  rig_wait(&r, 20);
  EQUAL(rig_err(rig_ask(&r, PG_T_PROBE, NULL, 0)), 0);
  rig_wait(&r, 600);
  EQUAL(r.baud, 500000);
  pg_put32(baud, 2000001);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETBAUD, baud, 4)), 17);

  begin_test("five seconds without a frame at a raised rate bring the rate of the start back");
  rig_wait(&r, 4999);
  EQUAL(r.baud, 500000);
  EQUAL(rig_err(rig_ask(&r, PG_T_PROBE, NULL, 0)), 0);
  rig_wait(&r, 4999);
  EQUAL(r.baud, 500000);
  rig_wait(&r, 1);
  EQUAL(r.baud, 0);
  const unsigned changes = r.bauds;
  rig_wait(&r, 20000);
  EQUAL(r.bauds, changes);

  begin_test("a frame that was under way before the switch proves nothing about the new rate");
  pg_put32(baud, 500000);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETBAUD, baud, 4)), 0);
  rig_wait(&r, 19);
  EQUAL(rig_err(rig_ask(&r, PG_T_PROBE, NULL, 0)), 0);
  EQUAL(r.baud, 500000);
  rig_wait(&r, 481);
  EQUAL(r.baud, 0);

  begin_test("a second change that fails leads back to the first one, and silence from there to the start");
  EQUAL(rig_err(rig_ask(&r, PG_T_SETBAUD, baud, 4)), 0);
  rig_wait(&r, 20);
  EQUAL(rig_err(rig_ask(&r, PG_T_PROBE, NULL, 0)), 0);
  pg_put32(baud, 1000000);
  EQUAL(rig_err(rig_ask(&r, PG_T_SETBAUD, baud, 4)), 0);
  EQUAL(r.baud, 1000000);
  rig_wait(&r, 500);
  EQUAL(r.baud, 500000);
  rig_wait(&r, 5000);
  EQUAL(r.baud, 0);

  begin_test("brightness and REBOOT are answered, and brightness is durable");
  EQUAL(rig_err(rig_ask(&r, PG_T_BRIGHTNESS, "\100", 1)), 0);
  EQUAL(rig_err(rig_ask(&r, PG_T_REBOOT, NULL, 0)), 0);
  EQUAL(r.reboots, 1);
  CHECK(rig_start(&r) == 0);
  EQUAL(r.board.record.brightness, 64);

  begin_test("STATUS tells mode, boot, uptime and counters");
  rig_hello(&r);
  r.now += 12345;
  rig_settle(&r);
  const reply *p = rig_ask(&r, PG_T_STATUS, NULL, 0);
  EQUAL(p->n, 46);
  EQUAL(p->body[0], 0);
  EQUAL(p->body[1], 255);
  EQUAL(p->body[22], 64);
  EQUAL(pg_get32(p->body + 26), 12);
  EQUAL(pg_get32(p->body + 30), 3);
  EQUAL(pg_get32(p->body + 34), 2);

  begin_test("after 20 ms of silence a frame begins with a delimiter, before that it does not");
  uint8_t wire[32];
  const size_t n = encode_frame(wire, 1, PG_T_PROBE, 9, 5, NULL, 0);
  rig_wait(&r, 20);
  for (int i = 0; i < 2; i++) {
    r.out_n = 0;
    pg_board_sink(&r.board, wire, n);
    EQUAL(r.out[0] == 0, i == 0);
  }
  r.out_n = 0;
}

void test_session(void) {
  test_hello();
  test_no_session();
  test_lengths();
  test_small_requests();
}
