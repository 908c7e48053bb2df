/* HELLO and CAPS, SETID, SETBAUD, STATUS (SPEC §3, §8.6). */
#include "internal.h"

#define HELLO_FIXED 5u

/* A part of a record that is sent in pages: what of it falls on this page goes to its place. */
typedef struct page {
  uint8_t *to;
  uint32_t begin;
  uint32_t end;
  uint32_t at; /* bytes of the record so far */
} page;

static void put(page *p, const void *bytes, uint32_t n) {
  const uint8_t *from = bytes;
  for (uint32_t i = 0; i < n; i++, p->at++)
    if (p->at >= p->begin && p->at < p->end) p->to[p->at - p->begin] = from[i];
}

static void put_text(page *p, uint8_t tag, const char *text) {
  uint8_t head[2] = {tag, 0};
  if (!text) return;
  while (head[1] < 32 && text[head[1]]) head[1]++;
  if (head[1] == 0) return;
  put(p, head, 2);
  put(p, text, head[1]);
}

static uint8_t free_slots(const pg_board *b) {
  pg_slot slot;
  uint8_t n = 0;
  for (uint8_t i = 0; i < b->config->slots; i++)
    if (pg_slot_load(b, i, &slot) || slot.state != PG_SLOT_VERIFIED) n++;
  return n;
}

void pg_caps(const pg_board *b, uint8_t r[PG_CAPS_FIXED]) {
  const pg_config *c = b->config;
  memset(r, 0, PG_CAPS_FIXED);
  r[0] = PG_WIRE_VERSION;
  r[1] = (uint8_t)((pg_paired(b) ? 1 : 0) | (b->transfer.open ? 2 : 0) | (b->record.trial != PG_NO_SLOT_INDEX ? 4 : 0) |
                   (c->flags & PG_FLAG_NO_ERASE ? 8 : 0));
  memcpy(r + 2, b->record.uuid, 16);
  pg_put32(r + 18, b->record.boot_id);
  pg_put16(r + 22, c->max_body);
  pg_put16(r + 24, c->rx_bytes);
  pg_put32(r + 26, c->line_rate_baud);
  pg_put16(r + 30, c->window);
  pg_put16(r + 32, b->codecs);
  r[34] = b->digests;
  r[35] = pg_macs(b);
  r[36] = c->slots;
  r[37] = free_slots(b);
  pg_put32(r + 38, pg_slot_room(b));
  pg_put32(r + 42, b->decode_bytes);
  pg_put16(r + 46, c->leds);
  pg_put16(r + 48, c->width);
  pg_put16(r + 50, c->height);
  pg_put16(r + 52, c->block_bytes);
#if PG_WITH_SETBAUD
  pg_put32(r + 54, c->max_baud);
#endif
  pg_put16(r + 58, c->max_power_ma);
}

static void put_caps(const pg_board *b, page *p) {
  const pg_config *c = b->config;
  uint8_t r[PG_CAPS_FIXED];
  pg_caps(b, r);
  put(p, r, sizeof r);
  put_text(p, 1, c->firmware_name);
  put_text(p, 2, c->firmware_version);
  put_text(p, 3, c->board_name);
}

static void open_session(pg_board *b, uint16_t host_body) {
  const uint8_t from = b->from;
  if (b->job.type) pg_job_cancel(b); /* who asked for it is gone */
  pg_stream_close(b);
  memset(&b->segment, 0, sizeof b->segment);
  b->session = from;
  b->host_body = host_body;
  b->done_type = 0;
#if PG_WITH_PAIRING
  b->pairing.state = 0;
#endif
}

/* TLVs from `at` on end where the body ends (SPEC §2.2). This version knows none of them. */
static int whole_tlvs(const uint8_t *body, uint16_t at, uint16_t n) {
  while (at < n) {
    if (n - at < 2 || body[at + 1] > n - at - 2) return 0;
    at = (uint16_t)(at + 2 + body[at + 1]);
  }
  return 1;
}

int pg_hello(pg_board *b, uint16_t n) {
  uint8_t *body = pg_body(b);
  const uint16_t host_body = pg_get16(body + 2);
  const uint8_t index = body[4];
  b->detail = HELLO_FIXED;
  if (!whole_tlvs(body, HELLO_FIXED, n)) return PG_BAD_LENGTH;
  b->detail = PG_WIRE_VERSION;
  if (body[0] > PG_WIRE_VERSION || body[1] < PG_WIRE_VERSION) return PG_BAD_VERSION;
  b->detail = 2;
  if (host_body < PG_MIN_BODY) return PG_BAD_ARGUMENT;
  b->detail = PG_PATIENCE_MS;
  if (index && b->job.type == PG_T_COPY) return PG_BUSY; /* its runs stand where the page would */
  if (index == 0) open_session(b, host_body);
  const uint32_t size = pg_min(host_body, b->config->max_body) - 2;
  page p = {body + 2, index * size, index * size + size, 0};
  put_caps(b, &p);
  b->detail = 4;
  if (p.begin >= p.at) return PG_BAD_ARGUMENT;
  body[0] = index;
  body[1] = (uint8_t)((p.at + size - 1) / size);
  pg_reply(b, PG_T_CAPS, (uint16_t)(2 + pg_min(p.end, p.at) - p.begin));
  return 0;
}

int pg_setid(pg_board *b, uint16_t n) {
  static const uint8_t zero[16] = {0};
  pg_record r = b->record;
  (void)n;
  if (memcmp(r.uuid, pg_body(b), 16) != 0) {
    if (memcmp(r.uuid, zero, 16) != 0) return PG_BAD_STATE;
    memcpy(r.uuid, pg_body(b), 16);
    if (pg_record_save(b, &r)) return PG_STORAGE;
  }
  pg_reply(b, PG_T_SETID, 16);
  return 0;
}

int pg_status(pg_board *b, uint16_t n) {
  const pg_player *p = &b->player;
  uint8_t body[46];
  pg_slot slot;
  (void)n;
  memset(&slot, 0, sizeof slot);
  if (p->slot != PG_NO_SLOT_INDEX && pg_slot_load(b, p->slot, &slot)) return PG_STORAGE;
  body[0] = p->running ? (b->record.trial != PG_NO_SLOT_INDEX ? 2 : 1) : 0;
  if (b->overlay.kind) body[0] = b->overlay.kind == PG_T_IDENTIFY ? 3 : 4;
  body[1] = p->slot;
  memcpy(body + 2, slot.id, 16);
  pg_put32(body + 18, p->frame);
  body[22] = b->record.brightness;
  body[23] = b->transfer.open;
  pg_put16(body + 24, pg_trial_seconds(b));
  pg_put32(body + 26, b->uptime);
  pg_put32(body + 30, b->record.boot_id);
  pg_put32(body + 34, b->frames_received);
  pg_put32(body + 38, b->bytes_dropped);
  pg_put32(body + 42, b->frames_shown);
  pg_send(b, PG_T_STATUS, b->from, b->seq, body, sizeof body);
  return 0;
}

#if PG_WITH_SETBAUD

#define BAUD_GUARD_MS 20
#define BAUD_TRIAL_MS 500
#define BAUD_SILENCE_MS 5000

int pg_setbaud(pg_board *b, uint16_t n) {
  const pg_config *c = b->config;
  const uint32_t baud = pg_get32(pg_body(b));
  (void)n;
  if (c->max_baud == 0 || !c->set_baud) return PG_UNSUPPORTED;
  if (baud == 0 || baud > c->max_baud) return PG_BAD_ARGUMENT;
  pg_reply(b, PG_T_SETBAUD, 4);
  c->set_baud(c->ctx, baud);
  b->baud_new = baud;
  b->baud_since = b->now;
  b->baud_trial = 1;
  return 0;
}

/* A frame is a proof of the new rate, unless it came so early that it was under way before the switch (SPEC §3.6). */
void pg_baud_heard(pg_board *b) {
  if (b->baud_trial) {
    if (!pg_due(b->now, b->baud_since + BAUD_GUARD_MS)) return;
    b->baud_trial = 0;
    b->baud = b->baud_new;
  }
  b->baud_since = b->now;
}

/* Back to the old rate if nobody was heard at the new one, and to that of the start if nobody is any more (SPEC §3.6). */
uint32_t pg_baud_poll(pg_board *b) {
  if (!b->baud_trial) {
    if (!b->baud) return PG_IDLE_MS;
    if (b->job.type) b->baud_since = b->now; /* BUSY keeps the host waiting, and silent */
  }
  const uint32_t end = b->baud_since + (b->baud_trial ? BAUD_TRIAL_MS : BAUD_SILENCE_MS);
  if (!pg_due(b->now, end)) return end - b->now;
  if (!b->baud_trial) b->baud = 0;
  b->baud_trial = 0;
  b->baud_since = b->now;
  b->config->set_baud(b->config->ctx, b->baud);
  return b->baud ? BAUD_SILENCE_MS : PG_IDLE_MS;
}

#endif
