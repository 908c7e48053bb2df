#include "forge.h"

#include "steps.h"

uint8_t forge_byte(const uint8_t *p, size_t n, size_t at, uint8_t otherwise) { return at < n ? p[at] : otherwise; }

/* Slots 0 … 3, the transfer's, the one that plays, the trial's. */
static uint8_t slot_of(const forge *f, uint8_t how, uint8_t value) {
  const pg_board *b = &f->world->board;
  if (!(how & TARGET)) return value;
  const uint8_t named[4] = {b->transfer.slot, b->record.active, b->record.trial, PG_NO_SLOT_INDEX};
  return named[value & 3u];
}

static size_t fill_begin(const forge *f, uint8_t *body, const uint8_t *p, size_t n, uint8_t how) {
  memcpy(body, f->bundle->id, 16);
  pg_put32(body + 16, f->bundle->manifest_bytes);
  pg_put32(body + 20, crc_bits(f->bundle->manifest, f->bundle->manifest_bytes));
  pg_put32(body + 24, f->bundle->image_bytes);
  pg_put16(body + 28, f->bundle->blocks);
  body[30] = slot_of(f, how, forge_byte(p, n, 0, 255));
  body[31] = forge_byte(p, n, 1, 0);
  return 32;
}

static size_t fill_data(forge *f, uint8_t *body, const uint8_t *p, size_t n, uint8_t how) {
  const pg_segment *s = &f->world->board.segment;
  const pg_cursor *c = &f->world->board.cursor;
  const uint8_t *from = f->bundle->manifest;
  uint32_t size = f->bundle->manifest_bytes, off = c->off;
  const uint32_t distance = how & AHEAD ? forge_byte(p, n, 0, 1) & 63u : 0;
  f->seq = (uint16_t)(s->next + distance);
  off += distance * s->body;
  if (c->block != 0xFFFF) {
    from = f->bundle->image;
    for (uint16_t i = 0; i < c->block && i < f->bundle->blocks; i++) from += f->bundle->length[i];
    size = c->block < f->bundle->blocks ? f->bundle->length[c->block] : 0;
  }
  if (!s->open || off >= size) return 0;
  const uint32_t take = pg_min(pg_min(s->body, size - off), PG_MAX_BODY);
  memcpy(body, from + off, take);
  for (size_t i = 1; i + 1 < n; i += 2) body[p[i] % take] ^= p[i + 1];
  return take;
}

static size_t fill_verify(const forge *f, uint8_t *body, const uint8_t *p, size_t n) {
  pg_siphash hash;
  memset(body, 0, 33);
  body[0] = forge_byte(p, n, 0, 0);
  if (body[0] == 0) return 33;
  pg_siphash_init(&hash, body + 1);
  pg_siphash_update(&hash, f->bundle->image, f->bundle->image_bytes);
  pg_siphash_final(&hash, body + 17);
  body[17] ^= forge_byte(p, n, 1, 0);
  return 33;
}

/* What a host with the key would say; the fuzzer may change it. */
static size_t fill_pair(const forge *f, uint8_t *body, const uint8_t *p, size_t n) {
  static const uint8_t bytes[4] = {18, 17, 33, 17};
  const pg_board *b = &f->world->board;
  const uint8_t op = forge_byte(p, n, 0, 0) & 3u, *key = b->record.key;
  uint8_t *tag = body + bytes[op] - 16;
  body[0] = op;
  body[1] = (uint8_t)(1 + (forge_byte(p, n, 1, 0) & 1u));
  if (op == 1) memcpy(tag, b->pairing.proof, 16);
  if (op == 2) memset(body + 1, forge_byte(p, n, 1, 5), 16);
  if (op >= 2 && pg_paired(b) && b->pairing.mac) {
    pg_mac mac;
    pg_mac_init(&mac, b->pairing.mac, key, op == 2 ? PG_L_SET : PG_L_CLEAR);
    pg_mac_update(&mac, b->pairing.proof, 16);
    if (op == 2) pg_mac_update(&mac, body + 1, 16);
    pg_mac_final(&mac, key, tag);
  }
  if (n > 3) body[p[2] % bytes[op]] ^= p[3];
  return bytes[op];
}

size_t forge_body(forge *f, uint8_t type, uint8_t *body, const uint8_t *p, size_t n, uint8_t how) {
  switch (type) {
    case PG_T_BEGIN:
      return fill_begin(f, body, p, n, how);
    case PG_T_HAVEQ:
      f->seq++;
      body[0] = forge_byte(p, n, 2, 1);
      pg_put16(body + 1, (uint16_t)(f->world->board.segment.next + 40));
      pg_put16(body + 3, (uint16_t)(32 + forge_byte(p, n, 0, 0)));
      pg_put16(body + 5, forge_byte(p, n, 1, 0));
      return 7;
    case PG_T_DATA:
      return fill_data(f, body, p, n, how);
    case PG_T_VERIFY:
      return fill_verify(f, body, p, n);
    case PG_T_ACTIVATE:
    case PG_T_CONFIRM:
    case PG_T_SELECT:
    case PG_T_DELETE:
      body[0] = slot_of(f, how, forge_byte(p, n, 0, 0));
      memcpy(body + 1, f->bundle->id, 16);
      pg_put16(body + 17, forge_byte(p, n, 1, 1));
      return type == PG_T_ACTIVATE ? 19 : 17;
    case PG_T_ABORT:
      memcpy(body, f->bundle->id, 16);
      return 16;
    case PG_T_PAIR:
      return fill_pair(f, body, p, n);
    default:
      if (n) memcpy(body, p, n);
      return n;
  }
}
