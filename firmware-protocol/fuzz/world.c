#include "world.h"

/* ---- flash ---- */

static void within(const world *w, uint32_t addr, uint32_t n, const char *what) {
  MUST(addr <= w->shape.bytes && n <= w->shape.bytes - addr, "%s of %u bytes at %u of %u", what, (unsigned)n,
       (unsigned)addr, (unsigned)w->shape.bytes);
}

static int flash_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  world *w = ctx;
  within(w, addr, n, "read");
  if (w->dead) return -1;
  memcpy(bytes, w->flash + addr, n);
  return 0;
}

static uint8_t some_bits(world *w) {
  w->seed = w->seed * 1664525u + 1013904223u;
  return (uint8_t)(w->seed >> 24);
}

/* Byte by byte; the byte at which power fails is torn, those behind it are untouched. */
static int operate(world *w, uint32_t addr, const uint8_t *bytes, uint32_t n) {
  if (w->dead) return -1;
  w->touched += n;
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *cell = w->flash + addr + i;
    const uint8_t after = bytes ? (uint8_t)(*cell & bytes[i]) : 0xFF;
    if (w->power == 0) {
      const uint8_t some = some_bits(w);
      *cell = (uint8_t)((*cell & some) | (after & (uint8_t)~some));
      w->dead = 1;
      return -1;
    }
    *cell = after;
    if (w->power > 0) w->power--;
  }
  return 0;
}

static int flash_write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  world *w = ctx;
  const uint8_t *p = bytes;
  within(w, addr, n, "write");
  if (w->dead) return -1;
  for (uint32_t i = 0; i < n; i++)
    MUST(!(p[i] & (uint8_t)~w->flash[addr + i]), "write at %u wants bits set without an erase (flash %02x, written %02x)",
         (unsigned)(addr + i), w->flash[addr + i], p[i]);
  return operate(w, addr, p, n);
}

static int flash_erase(void *ctx, uint32_t addr, uint32_t n) {
  world *w = ctx;
  within(w, addr, n, "erase");
  MUST(addr % w->shape.unit == 0 && n % w->shape.unit == 0, "erase of part of a unit: %u at %u", (unsigned)n, (unsigned)addr);
  return operate(w, addr, NULL, n);
}

/* ---- what the board says ---- */

static void judge_frame(world *w, const uint8_t *content, size_t n) {
  world_reply *r = &w->last;
  MUST(content[0] >> 6 == 1, "the board sent version %u", content[0] >> 6);
  r->type = content[0] & 63;
  r->session = content[1];
  r->seq = pg_get16(content + 2);
  r->n = (uint16_t)(n - 8);
  memcpy(r->body, content + 4, r->n);
  w->replies++;
  const int host_only = r->type == PG_T_HELLO || r->type == PG_T_PROBE || r->type == PG_T_HAVEQ || r->type == PG_T_DATA;
  MUST(r->type && r->type <= PG_T_FILL && !host_only, "the board sent type %02x", r->type);
  const uint32_t limit = pg_min(w->board.host_body, w->shape.max_body);
  /* HELLO for a further page states a limit of its own. */
  MUST(r->n <= limit || r->type == PG_T_CAPS, "a body of %u bytes, the limit is %u (type %02x)", r->n, (unsigned)limit, r->type);
  if (r->type == PG_T_ERR) MUST(r->n == 4 && r->body[0] >= 1 && r->body[0] <= 21, "ERR of code %u", r->body[0]);
  if (w->heard) w->heard(r);
}

static void on_send(void *ctx, const uint8_t *bytes, size_t n) {
  world *w = ctx;
  uint8_t content[CONTENT_MAX + 1];
  for (size_t i = 0; i < n; i++) {
    if (bytes[i]) {
      MUST(w->out_n < WIRE_MAX, "a frame without an end");
      w->out[w->out_n++] = bytes[i];
      continue;
    }
    if (w->out_n) {
      const size_t length = cobs_content(w->out, w->out_n, content, CONTENT_MAX);
      MUST(length != NO_FRAME && sealed(content, length), "the board sent what is no frame");
      judge_frame(w, content, length);
    }
    w->out_n = 0;
  }
}

static void on_pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  const world *w = ctx;
  volatile uint8_t sum = 0;
  MUST(offset + n <= (uint32_t)w->shape.leds * 4u, "pixels %u+%u of %u LEDs", (unsigned)offset, n, w->shape.leds);
  for (uint16_t i = 0; i < n; i++) sum = (uint8_t)(sum + bytes[i]);
}

static void on_show(void *ctx, uint32_t frame, uint32_t delay, const uint8_t id[16]) {
  volatile uint8_t first = id[0], last = id[15];
  (void)ctx, (void)frame, (void)delay, (void)first, (void)last;
}

static void on_baud(void *ctx, uint32_t baud) {
  const world *w = ctx;
  MUST(baud <= w->shape.max_baud, "a baud of %u", (unsigned)baud);
}

static void on_reboot(void *ctx) { ((world *)ctx)->rebooted = 1; }
static uint32_t on_now(void *ctx) { return ((world *)ctx)->now; }
static int on_can_show(void *ctx) { return (((world *)ctx)->now & 3u) != 1; }

/* ---- the board's life ---- */

void world_open(world *w, const world_shape *s) {
  pg_config *c = &w->config;
  memset(w, 0, sizeof *w);
  memset(w->flash, 0xFF, s->bytes);
  w->shape = *s;
  w->power = -1;
  w->now = 0xFFFFF000u; /* the clock wraps on the way */
  const pg_storage storage = {flash_read, flash_write, flash_erase, w, s->bytes, s->unit};
  c->storage = storage;
  c->leds = s->leds;
  c->slots = s->slots;
  c->max_body = s->max_body;
  c->rx_bytes = 512;
  c->window = 2048;
  c->block_bytes = s->block_bytes;
  c->codecs = 15;
  c->digests = 3;
  c->macs = 3;
  c->max_baud = s->max_baud;
  c->decode_bytes = s->decode_bytes;
  c->live_bytes = s->live_bytes;
  c->slice_bytes = s->slice_bytes;
  c->show_guard_ms = s->guard_ms;
  c->firmware_name = "fuzz";
  c->board_name = "a name of more than thirty-two bytes in all";
  c->rx = malloc(PG_RX_BYTES(s->max_body));
  c->decode = s->decode_bytes ? malloc(s->decode_bytes) : NULL;
  c->live = s->live_bytes ? malloc(s->live_bytes) : NULL;
  c->ctx = w;
  c->send = on_send;
  c->pixels = on_pixels;
  c->show = on_show;
  c->set_baud = on_baud;
  c->reboot = on_reboot;
  if (s->clocked) c->now_ms = on_now, c->can_show = on_can_show;
  world_restart(w);
}

void world_close(world *w) {
  free(w->config.rx);
  free(w->config.decode);
  free(w->config.live);
}

void world_restart(world *w) {
  const uint32_t boots = w->board.record.boot_id;
  w->dead = 0;
  w->power = -1;
  w->rebooted = 0;
  w->out_n = 0;
  memset(&w->board, 0xA5, sizeof w->board);
  memset(w->config.rx, 0xA5, PG_RX_BYTES(w->shape.max_body));
  const int r = pg_board_init(&w->board, &w->config, w->now);
  MUST(r == 0, "the board does not start: %d", r);
  MUST(w->board.record.boot_id >= boots, "the boot id went back");
}

void world_poll(world *w, unsigned most) {
  unsigned idle = 0;
  for (unsigned i = 0; i < most; i++) {
    const uint32_t wait = pg_board_poll(&w->board, w->now);
    MUST(wait <= PG_IDLE_MS, "poll wants %u ms", (unsigned)wait);
    if (wait) return;
    /* A second of lost frames may be made up, each in slices; beyond that the board would never rest. */
    MUST(w->board.job.type || idle++ < 100000, "the board never rests");
  }
}

void world_settle(world *w) { world_poll(w, 400); }

void world_bytes(world *w, const uint8_t *bytes, size_t n) {
  while (n) {
    const size_t took = pg_board_sink(&w->board, bytes, n);
    MUST(took > 0 && took <= n, "sink took %zu of %zu", took, n);
    bytes += took;
    n -= took;
    if (w->rebooted) world_restart(w);
    world_poll(w, 1);
  }
}

void world_frame(world *w, uint8_t version, uint8_t type, uint8_t session, uint16_t seq, const uint8_t *body, size_t n) {
  uint8_t content[CONTENT_MAX], wire[WIRE_MAX + 2];
  if (n > PG_MAX_BODY) n = PG_MAX_BODY;
  content[0] = (uint8_t)(version << 6 | (type & 63u));
  content[1] = session;
  pg_put16(content + 2, seq);
  if (n) memcpy(content + 4, body, n);
  const size_t length = cobs_wire(content, seal(content, n + 4), wire);
  for (size_t at = 0; at < length;) { /* the poll after it is the caller's */
    at += pg_board_sink(&w->board, wire + at, length - at);
    if (w->rebooted) world_restart(w);
  }
}

/* ---- the judge ---- */

/* Every block that the journal calls durable has the CRC of the manifest, and a verified slot has them all. */
static void judge_slot(const world *w, uint8_t index) {
  const pg_board *b = &w->board;
  pg_slot slot;
  MUST(pg_slot_load(b, index, &slot) == 0, "slot %u cannot be read", index);
  if (slot.state == PG_SLOT_EMPTY || slot.state == PG_SLOT_DAMAGED || !slot.manifest_done) {
    MUST(slot.state != PG_SLOT_VERIFIED, "slot %u is verified without a manifest", index);
    return;
  }
  const uint64_t used = (uint64_t)slot.manifest_bytes + slot.blocks + slot.image_bytes;
  MUST(used <= pg_slot_room(b), "slot %u holds more than it has room for", index);
  MUST(crc_bits(w->flash + slot.manifest, slot.manifest_bytes) == slot.manifest_crc, "slot %u: CRC of the manifest", index);
  uint32_t at = slot.image, durable = 0;
  for (uint32_t i = 0; i < slot.blocks; i++) {
    const uint8_t *entry = w->flash + slot.manifest + PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES;
    const uint32_t n = pg_get16(entry + 4);
    MUST(at + n <= slot.image + slot.image_bytes, "slot %u: block %u leaves the image", index, (unsigned)i);
    if (w->flash[slot.journal + i] == 0) {
      MUST(crc_bits(w->flash + at, n) == pg_get32(entry), "slot %u: durable block %u is wrong", index, (unsigned)i);
      durable++;
    }
    at += n;
  }
  if (slot.state == PG_SLOT_VERIFIED) MUST(durable == slot.blocks, "slot %u is verified with blocks missing", index);
}

static void judge_storage(const world *w) {
  const uint8_t named[2] = {w->board.record.active, w->board.record.trial};
  for (uint8_t i = 0; i < w->shape.slots; i++) judge_slot(w, i);
  for (unsigned i = 0; i < 2; i++) {
    pg_slot slot;
    if (named[i] == PG_NO_SLOT_INDEX) continue;
    MUST(named[i] < w->shape.slots && pg_slot_load(&w->board, named[i], &slot) == 0, "the record names slot %u", named[i]);
    MUST(slot.state == PG_SLOT_VERIFIED, "the record names slot %u, whose state is %u", named[i], slot.state);
  }
}

static void judge_answers(world *w, uint8_t session) {
  const uint8_t delimiter = 0, hello[5] = {1, 1, 0, 16, 0};
  w->now += 1000;
  world_bytes(w, &delimiter, 1);
  w->replies = 0;
  world_frame(w, 1, PG_T_HELLO, session, 0x55AA, hello, sizeof hello);
  MUST(w->replies && w->last.type == PG_T_CAPS && w->last.seq == 0x55AA && w->last.session == session,
       "HELLO is not answered by CAPS");
  w->replies = 0;
  world_frame(w, 1, PG_T_PROBE, session, 0x55AB, NULL, 0);
  MUST(w->replies && w->last.type == PG_T_ECHO && w->last.seq == 0x55AB, "PROBE is not answered by ECHO");
}

void world_judge(world *w) {
  const int cut = w->dead;
  w->dead = 0;
  w->power = -1;
  if (!cut) judge_storage(w); /* after a cut only the restart tells what is */
  if (!cut) judge_answers(w, 77);
  world_restart(w);
  judge_storage(w);
  judge_answers(w, 78);
  world_poll(w, 50);
}
