/* HAVE and DATA (SPEC §5). The position of a frame follows from its seq by walking the missing blocks. */
#include "internal.h"

#define WINDOW 32u

void pg_stream_close(pg_board *b) {
  b->segment.open = 0;
  b->segment.mask = 0;
  b->segment.unacked = 0;
}

/* Moves to the first block at or behind the cursor's that is not durable. */
static int skip_durable(const pg_board *b, pg_cursor *c) {
  const uint32_t table = pg_transfer_base(b) + PG_MANIFEST_FIXED, journal = pg_transfer_journal(b);
  c->off = 0;
  c->crc = 0;
  c->len = 0;
  while (c->block < b->transfer.blocks) {
    uint8_t durable, stored[2];
    if (pg_read(b, journal + c->block, &durable, 1)) return PG_STORAGE;
    if (pg_read(b, table + (uint32_t)c->block * PG_ENTRY_BYTES + 4, stored, 2)) return PG_STORAGE;
    if (durable) {
      c->len = pg_get16(stored);
      return 0;
    }
    c->addr += pg_get16(stored);
    c->block++;
  }
  return 0;
}

static int next_block(const pg_board *b, pg_cursor *c) {
  if (c->block == PG_MANIFEST_BLOCK) {
    c->len = 0; /* the image wants a new segment (SPEC §5.4) */
    return 0;
  }
  c->addr += c->len;
  c->block++;
  return skip_durable(b, c);
}

/* Where a segment would begin: mid-block only in the first missing block, of which the board has read back a part. */
static int find_point(const pg_board *b, pg_cursor *first) {
  const pg_cursor *c = &b->cursor;
  memset(first, 0, sizeof *first);
  if (!b->transfer.manifest_done) {
    first->block = PG_MANIFEST_BLOCK;
    first->addr = pg_transfer_base(b);
    first->len = b->transfer.manifest_bytes;
  } else {
    first->addr = pg_transfer_image(b);
    if (skip_durable(b, first)) return PG_STORAGE;
  }
  /* HAVE has 16 bits for the offset, less than a manifest may be long. */
  if (c->block == first->block && c->len == first->len && c->addr == first->addr && c->off <= 0xFFFF) *first = *c;
  return 0;
}

static int put_bitmap(const pg_board *b, uint16_t from, uint8_t *bitmap, uint16_t *bytes) {
  const pg_transfer *t = &b->transfer;
  uint16_t room = (uint16_t)(pg_body_limit(b) - 13);
  uint32_t block = from;
  *bytes = 0;
  if (!t->manifest_done) return 0;
  for (; room && block < t->blocks; room--, block += 8) {
    uint8_t journal[8], bits = 0;
    const uint8_t n = (uint8_t)pg_min(8, t->blocks - block);
    if (pg_read(b, pg_transfer_journal(b) + block, journal, n)) return PG_STORAGE;
    for (uint8_t i = 0; i < n; i++)
      if (journal[i]) bits = (uint8_t)(bits | 1u << i);
    bitmap[(*bytes)++] = bits;
  }
  return 0;
}

static int start(pg_board *b, uint16_t first, uint16_t body) {
  pg_segment *s = &b->segment;
  pg_cursor point;
  if (s->open) {
    if (first == s->first && !s->touched) return 0; /* a repetition */
    /* A late copy of an older START would give the frames under way other places. */
    if ((uint16_t)(first - s->next) >= 0x8000u || first == s->first) return PG_BAD_STATE;
  }
  b->detail = 3;
  if (body < 32 || body > b->config->max_body) return PG_BAD_ARGUMENT;
  if (find_point(b, &point)) return PG_STORAGE;
  b->cursor = point;
  s->open = 1;
  s->touched = 0;
  s->unacked = 0;
  s->mask = 0;
  s->first = s->next = first;
  s->body = body;
  return 0;
}

int pg_haveq(pg_board *b, uint16_t n) {
  uint8_t *body = pg_body(b);
  const uint8_t flags = body[0] & 1;
  const uint16_t from = pg_get16(body + 5);
  pg_transfer *t = &b->transfer;
  (void)n;
  if (!t->open) return PG_NO_TRANSFER;
  if (t->refusal) {
    b->type = PG_T_BEGIN; /* SPEC §4.5 */
    b->detail = t->refusal_detail;
    return t->refusal;
  }
  int r = flags ? start(b, pg_get16(body + 1), pg_get16(body + 3)) : 0;
  if (r) return r;
  pg_cursor at = b->cursor;
  if (!flags && (!b->segment.open || at.len == 0)) r = find_point(b, &at);
  if (r) return r;
  uint16_t bytes;
  r = put_bitmap(b, from, body + 13, &bytes);
  if (r) return r;
  body[0] = flags;
  pg_put16(body + 1, b->segment.first);
  pg_put16(body + 3, b->segment.body);
  pg_put16(body + 5, at.block);
  pg_put16(body + 7, (uint16_t)at.off);
  pg_put16(body + 9, (uint16_t)(t->blocks - t->durable));
  pg_put16(body + 11, from);
  pg_reply(b, PG_T_HAVE, (uint16_t)(13 + bytes));
  return 0;
}

static uint32_t frame_bytes(const pg_board *b, const pg_cursor *c) { return pg_min(b->segment.body, c->len - c->off); }

/* The place of the frame `distance` behind the next one; len 0: there is none. */
static int locate(const pg_board *b, uint16_t distance, pg_cursor *c) {
  *c = b->cursor;
  while (c->len && distance--) {
    c->off += frame_bytes(b, c);
    if (c->off < c->len) continue;
    const int r = next_block(b, c);
    if (r) return r;
  }
  return 0;
}

static int block_complete(pg_board *b, uint16_t seq) {
  const pg_cursor *c = &b->cursor;
  pg_transfer *t = &b->transfer;
  pg_entry entry;
  const int manifest = c->block == PG_MANIFEST_BLOCK;
  entry.crc32 = t->manifest_crc;
  if (!manifest) {
    const uint32_t at = pg_transfer_base(b) + PG_MANIFEST_FIXED + (uint32_t)c->block * PG_ENTRY_BYTES;
    if (pg_entry_read(&b->config->storage, at, &entry)) return PG_STORAGE;
  }
  if (entry.crc32 != c->crc) {
    pg_send_err(b, b->session, seq, PG_BLOCK_CRC, PG_T_DATA, c->block);
    return 0;
  }
  if (!manifest) {
    if (pg_program_zero(b, pg_transfer_journal(b) + c->block)) return PG_STORAGE;
    t->durable++;
    return 0;
  }
  t->refusal = (int8_t)pg_transfer_limits(b, &t->refusal_detail);
  if (t->refusal) {
    pg_send_err(b, b->session, seq, t->refusal, PG_T_BEGIN, t->refusal_detail);
    return 0;
  }
  if (pg_slot_mark(b, t->slot, PG_MARK_MANIFEST)) return PG_STORAGE;
  t->manifest_done = 1;
  return 0;
}

/* Reads the next frame's bytes back from storage into the block's CRC. 1: its block ended with it. */
static int pass_frame(pg_board *b) {
  uint8_t chunk[PG_CHUNK];
  pg_cursor *c = &b->cursor;
  uint32_t left = frame_bytes(b, c);
  const uint16_t seq = b->segment.next;
  while (left) {
    const uint16_t n = (uint16_t)pg_min(left, sizeof chunk);
    if (pg_read(b, c->addr + c->off, chunk, n)) return PG_STORAGE;
    c->crc = pg_crc32(c->crc, chunk, n);
    c->off += n;
    left -= n;
  }
  b->segment.next++;
  if (c->off < c->len) return 0;
  int r = block_complete(b, seq);
  if (next_block(b, c)) r = PG_STORAGE;
  return r ? r : 1;
}

/* Passes the next frame and all behind it that are there already. */
static int pass_frames(pg_board *b) {
  pg_segment *s = &b->segment;
  int more, ended = 0;
  do {
    const int r = pass_frame(b);
    if (r < 0) return r;
    ended |= r;
    more = (int)(s->mask & 1u);
    s->mask >>= 1;
  } while (more);
  return ended;
}

int pg_data(pg_board *b, uint16_t n) {
  pg_segment *s = &b->segment;
  pg_cursor place;
  if (!b->transfer.open) return PG_NO_TRANSFER;
  if (!s->open) return PG_BAD_STATE;
  const uint16_t distance = (uint16_t)(b->seq - s->next);
  const uint32_t bit = distance ? (uint32_t)1 << ((distance - 1u) & 31u) : 0;
  int r = 0;
  place.len = 0;
  if (distance <= WINDOW && !(s->mask & bit)) r = locate(b, distance, &place);
  if (r) return r;
  if (place.len == 0) { /* an old frame, a second copy, or beyond the end */
    pg_ack(b);
    return 0;
  }
  if (n != frame_bytes(b, &place)) return 0;
  if (pg_program(b, place.addr + place.off, pg_body(b), n)) return PG_STORAGE;
  s->touched = 1;
  if (distance) {
    s->mask |= bit;
    pg_ack(b);
    return 0;
  }
  const int filled = s->mask != 0;
  const int ended = pass_frames(b);
  if (ended < 0) return ended;
  if (!s->unacked) s->since = b->now;
  s->unacked++;
  if (filled || ended || s->unacked >= 2) pg_ack(b);
  return 0;
}
