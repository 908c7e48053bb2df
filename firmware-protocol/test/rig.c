#include "rig.h"

unsigned passed, failed;
const char *test_name;
static int sound = 1;

void begin_test(const char *name) {
  if (test_name) {
    if (sound) passed++;
    else failed++;
  }
  test_name = name;
  sound = 1;
}

int check_at(int condition, const char *text, const char *file, int line) {
  if (!condition && sound) printf("not ok: %s\n  %s:%d: %s\n", test_name, file, line, text);
  if (!condition) sound = 0;
  return condition;
}

int check_equal(long long a, long long b, const char *text, const char *file, int line) {
  if (a != b && sound) printf("  %lld is not %lld\n", a, b);
  return check_at(a == b, text, file, line);
}

uint32_t random32(uint32_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

/* ---- flash ---- */

void flash_blank(flash *f, uint32_t unit) {
  memset(f, 0, sizeof *f);
  memset(f->bytes, 0xFF, sizeof f->bytes);
  f->unit = unit;
  f->power = -1;
  f->seed = 1;
}

static int flash_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  flash *f = ctx;
  if (f->dead) return -1;
  if (addr > RIG_STORAGE || n > RIG_STORAGE - addr) {
    f->violations++;
    return -1;
  }
  if (n > f->largest) f->largest = n;
  memcpy(bytes, f->bytes + addr, n);
  return 0;
}

/* Byte i of an operation over n, while power lasts. */
static void touch(flash *f, uint8_t *cell, uint8_t value, uint32_t i, uint32_t n, uint32_t lasting) {
  const uint32_t place = f->tear == TEAR_BACK ? n - 1 - i : i;
  if (place < lasting) *cell = value;
  else if (f->tear == TEAR_BITS) {
    const uint8_t some = (uint8_t)random32(&f->seed);
    *cell = (uint8_t)((*cell & some) | (value & (uint8_t)~some));
  }
}

static int operate(flash *f, uint32_t addr, const uint8_t *bytes, uint32_t n) {
  uint32_t lasting = n;
  if (f->dead) return -1;
  if (addr > RIG_STORAGE || n > RIG_STORAGE - addr) {
    f->violations++;
    return -1;
  }
  if (f->power >= 0 && (uint32_t)f->power < n) {
    lasting = (uint32_t)f->power;
    f->dead = 1;
  }
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *cell = f->bytes + addr + i;
    if (f->stuck && addr + i == f->stuck) continue;
    touch(f, cell, bytes ? (uint8_t)(*cell & bytes[i]) : 0xFF, i, n, lasting);
  }
  if (f->power >= 0) f->power -= (int32_t)lasting;
  f->worked += lasting;
  return f->dead ? -1 : 0;
}

static int flash_write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  flash *f = ctx;
  const uint8_t *p = bytes;
  for (uint32_t i = 0; i < n && addr + i < RIG_STORAGE; i++)
    if (p[i] & (uint8_t)~f->bytes[addr + i]) f->violations++;
  if (n > f->largest) f->largest = n;
  return operate(f, addr, p, n);
}

static int flash_erase(void *ctx, uint32_t addr, uint32_t n) {
  flash *f = ctx;
  if (addr % f->unit || n % f->unit) f->violations++;
  return operate(f, addr, NULL, n);
}

pg_storage flash_storage(flash *f, uint32_t bytes) {
  const pg_storage s = {flash_read, flash_write, flash_erase, f, bytes, f->unit};
  return s;
}

/* ---- rig ---- */

static void on_send(void *ctx, const uint8_t *bytes, size_t n) {
  rig *r = ctx;
  if (r->out_n + n > sizeof r->out) r->out_n = 0;
  memcpy(r->out + r->out_n, bytes, n);
  r->out_n += n;
}

static void on_pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  rig *r = ctx;
  if (CHECK(offset + n <= RIG_PIXELS)) memcpy(r->pixels + offset, bytes, n);
}

static void on_show(void *ctx, uint32_t frame, uint32_t delay, const uint8_t id[16]) {
  rig *r = ctx;
  shown *s = &r->shows[r->shows_n++ % 256];
  s->at = r->now;
  s->frame = frame;
  s->delay = delay;
  s->id0 = id[0];
  memcpy(s->pixels, r->pixels, sizeof s->pixels);
}

static void on_baud(void *ctx, uint32_t baud) {
  rig *r = ctx;
  r->baud = baud;
  r->bauds++;
}

static void on_reboot(void *ctx) { ((rig *)ctx)->reboots++; }

static int on_can_show(void *ctx) { return !((rig *)ctx)->blocked; }

void rig_init(rig *r, uint8_t slots, uint32_t bytes, uint32_t unit) {
  memset(r, 0, sizeof *r);
  flash_blank(&r->flash, unit);
  pg_config *c = &r->config;
  c->storage = flash_storage(&r->flash, bytes);
  c->leds = RIG_LEDS;
  c->width = c->height = 4;
  c->max_body = 256;
  c->rx_bytes = 512;
  c->window = 2048;
  c->block_bytes = 4096;
  c->codecs = 15;
  c->digests = 3;
  c->macs = 3;
  c->max_baud = 2000000;
  c->slots = slots;
  c->firmware_name = "rig";
  c->firmware_version = "1.2.3";
  c->board_name = "bench";
  c->rx = r->rx;
  c->decode = r->decode;
  c->decode_bytes = sizeof r->decode;
  c->live = r->live;
  c->live_bytes = sizeof r->live;
  c->ctx = r;
  c->send = on_send;
  c->pixels = on_pixels;
  c->show = on_show;
  c->set_baud = on_baud;
  c->reboot = on_reboot;
  c->can_show = on_can_show;
  r->session = 9;
}

int rig_start(rig *r) {
  r->flash.dead = 0;
  r->flash.power = -1;
  memset(&r->board, 0xA5, sizeof r->board);
  memset(r->rx, 0xA5, sizeof r->rx);
  return pg_board_init(&r->board, &r->config, r->now);
}

static void collect(rig *r) {
  pg_rx rx;
  uint8_t buf[PG_MAX_BODY + PG_FRAME_EXTRA];
  memset(&rx, 0, sizeof rx);
  rx.cap = sizeof buf;
  for (size_t i = 0; i < r->out_n; i++) {
    const int got = pg_rx_push(&rx, buf, r->out[i]);
    CHECK(got >= 0);
    if (got > 0 && r->replies_n < 64) {
      reply *p = &r->replies[r->replies_n++];
      CHECK(buf[0] >> 6 == 1);
      p->type = buf[0] & 63;
      p->session = buf[1];
      p->seq = pg_get16(buf + 2);
      p->n = (uint16_t)(rx.n - PG_FRAME_EXTRA);
      memcpy(p->body, buf + 4, p->n);
    }
    if (r->out[i] == 0) rx.n = 0, rx.wire = 0;
  }
  r->out_n = 0;
}

void rig_settle(rig *r) {
  for (unsigned i = 0; i < 10000 && pg_board_poll(&r->board, r->now) == 0; i++) continue;
  collect(r);
}

void rig_wait(rig *r, uint32_t ms) {
  while (ms--) {
    r->now++;
    rig_settle(r);
  }
}

void rig_bytes(rig *r, const uint8_t *bytes, size_t n) {
  while (n) {
    const size_t took = pg_board_sink(&r->board, bytes, n);
    if (!CHECK(took > 0 && took <= n)) return;
    bytes += took;
    n -= took;
    rig_settle(r);
  }
}

typedef struct wire_out {
  uint8_t *to;
  size_t n;
} wire_out;

static void wire_write(void *ctx, const uint8_t *bytes, size_t n) {
  wire_out *o = ctx;
  memcpy(o->to + o->n, bytes, n);
  o->n += n;
}

size_t encode_frame(uint8_t *wire, uint8_t version, uint8_t type, uint8_t session, uint16_t seq, const void *body,
                    size_t n) {
  uint8_t content[PG_MAX_BODY + 64];
  wire_out o = {wire, 0};
  content[0] = (uint8_t)(version << 6 | type);
  content[1] = session;
  pg_put16(content + 2, seq);
  if (n) memcpy(content + 4, body, n);
  pg_put32(content + 4 + n, pg_crc32(0, content, 4 + n));
  pg_cobs_write(content, n + 8, wire_write, &o);
  return o.n;
}

reply *rig_ask_seq(rig *r, uint8_t type, uint16_t seq, const void *body, size_t n) {
  static uint8_t wire[PG_MAX_BODY + 128];
  r->replies_n = 0;
  rig_bytes(r, wire, encode_frame(wire, 1, type, r->session, seq, body, n));
  for (unsigned i = r->replies_n; i--;)
    if (r->replies[i].seq == seq && r->replies[i].type != PG_T_BUSY && r->replies[i].type != PG_T_ACK)
      return &r->replies[i];
  return NULL;
}

reply *rig_ask(rig *r, uint8_t type, const void *body, size_t n) { return rig_ask_seq(r, type, ++r->seq, body, n); }

reply *rig_last(rig *r, uint8_t type) {
  for (unsigned i = r->replies_n; i--;)
    if (r->replies[i].type == type) return &r->replies[i];
  return NULL;
}

int rig_err(const reply *p) { return !p ? -1 : p->type == PG_T_ERR ? p->body[0] : 0; }

reply *rig_hello(rig *r) {
  const uint8_t body[5] = {1, 1, 0, 2, 0}; /* 512 */
  return rig_ask(r, PG_T_HELLO, body, sizeof body);
}
