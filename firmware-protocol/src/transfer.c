/* BEGIN, ABORT and the open transfer (SPEC §4). */
#include "internal.h"

uint32_t pg_transfer_base(const pg_board *b) { return pg_slot_addr(b, b->transfer.slot) + PG_SLOT_HEADER; }

uint32_t pg_transfer_journal(const pg_board *b) { return pg_transfer_base(b) + b->transfer.manifest_bytes; }

uint32_t pg_transfer_image(const pg_board *b) { return pg_transfer_journal(b) + b->transfer.blocks; }

int pg_transfer_limits(const pg_board *b, uint16_t *detail) {
  const pg_config *c = b->config;
  const pg_transfer *t = &b->transfer;
  const pg_manifest_limits limits = {t->manifest_bytes, t->image_bytes, t->blocks,      c->leds,
                                     c->block_bytes,    b->codecs,      b->decode_bytes};
  const int r = pg_manifest_check(&c->storage, pg_transfer_base(b), &limits, detail);
#if PG_WITH_PAIRING
  *detail = r ? *detail : 0;
  return r ? r : pg_pairing_judge(b);
#else
  return r;
#endif
}

void pg_transfer_close(pg_board *b) {
  pg_stream_close(b);
  b->transfer.slot = PG_NO_SLOT_INDEX;
  b->transfer.open = 0;
}

static int count_durable(const pg_board *b, const pg_slot *slot, uint16_t *durable) {
  uint8_t chunk[PG_CHUNK];
  *durable = 0;
  for (uint16_t at = 0; at < slot->blocks;) {
    const uint16_t n = (uint16_t)pg_min((uint32_t)(slot->blocks - at), sizeof chunk);
    if (pg_read(b, slot->journal + at, chunk, n)) return PG_STORAGE;
    for (uint16_t i = 0; i < n; i++) *durable = (uint16_t)(*durable + (chunk[i] == 0));
    at = (uint16_t)(at + n);
  }
  return 0;
}

/* Takes up what a slot holds. A cut leaves the stream at the start of the first missing block. */
int pg_transfer_load(pg_board *b, uint8_t index, const pg_slot *slot) {
  pg_transfer *t = &b->transfer;
  pg_transfer_close(b);
  memset(t, 0, sizeof *t);
  t->slot = index;
  t->blocks = slot->blocks;
  t->manifest_bytes = slot->manifest_bytes;
  t->manifest_crc = slot->manifest_crc;
  t->image_bytes = slot->image_bytes;
  t->manifest_done = slot->manifest_done;
  t->open = slot->state == PG_SLOT_RECEIVING;
  memset(&b->cursor, 0, sizeof b->cursor);
  if (!t->manifest_done) return 0;
  if (count_durable(b, slot, &t->durable)) return PG_STORAGE;
  t->refusal = (int8_t)pg_transfer_limits(b, &t->refusal_detail); /* the firmware may be another since */
  return 0;
}

/* After a boot the open transfer is the one begun last. */
void pg_transfer_resume(pg_board *b) {
  pg_slot slot, newest;
  uint8_t found = PG_NO_SLOT_INDEX;
  memset(&newest, 0, sizeof newest);
  b->transfer.slot = PG_NO_SLOT_INDEX;
  for (uint8_t i = 0; i < b->config->slots; i++) {
    if (pg_slot_load(b, i, &slot) || slot.state != PG_SLOT_RECEIVING) continue;
    if (found != PG_NO_SLOT_INDEX && slot.sequence < newest.sequence) continue;
    found = i;
    newest = slot;
  }
  if (found != PG_NO_SLOT_INDEX && pg_transfer_load(b, found, &newest)) pg_transfer_close(b);
}

static int holds(const pg_slot *slot, const uint8_t *body) {
  return slot->state != PG_SLOT_EMPTY && slot->state != PG_SLOT_DAMAGED && memcmp(slot->id, body, 16) == 0 &&
         slot->manifest_bytes == pg_get32(body + 16) && slot->manifest_crc == pg_get32(body + 20) &&
         slot->image_bytes == pg_get32(body + 24) && slot->blocks == pg_get16(body + 28);
}

/* SPEC §4.4: the slot with this id, else an empty one, else the oldest that is not in use. */
static int choose(const pg_board *b, const uint8_t *body, int fresh, uint32_t *sequence) {
  const uint8_t slots = b->config->slots, wanted = body[30];
  int same = -1, empty = -1, oldest = -1;
  uint32_t oldest_sequence = 0;
  pg_slot slot;
  *sequence = 0;
  for (uint8_t i = 0; i < slots; i++) {
    if (pg_slot_load(b, i, &slot)) return PG_STORAGE;
    if (slot.state != PG_SLOT_EMPTY && slot.sequence >= *sequence) *sequence = slot.sequence + 1;
    const int kept = slots > 1 && pg_slot_in_use(b, i);
    if (holds(&slot, body) && (!fresh || !kept) && (wanted == PG_NO_SLOT_INDEX || wanted == i) && same < 0)
      same = i;
    if (kept) continue;
    if (slot.state == PG_SLOT_EMPTY || slot.state == PG_SLOT_DAMAGED) {
      if (empty < 0) empty = i;
    } else if (oldest < 0 || slot.sequence < oldest_sequence) {
      oldest = i;
      oldest_sequence = slot.sequence;
    }
  }
  if (same >= 0) return same;
  if (wanted != PG_NO_SLOT_INDEX) return slots > 1 && pg_slot_in_use(b, wanted) ? PG_NO_SLOT : wanted;
  if (empty >= 0) return empty;
  return oldest >= 0 ? oldest : PG_NO_SLOT;
}

/* A board with one slot gives up what it plays, durably, before that is touched (SPEC §4.4). */
static int release(pg_board *b, uint8_t index) {
  if (pg_slot_in_use(b, index)) {
    pg_record r = b->record;
    r.active = r.trial = PG_NO_SLOT_INDEX;
    if (pg_record_save(b, &r)) return PG_STORAGE;
    pg_play(b, PG_NO_SLOT_INDEX);
  }
  return pg_slot_wipe(b, index);
}

static int start_fresh(pg_board *b, uint8_t index, uint32_t sequence) {
  const uint8_t *body = pg_body(b);
  const uint32_t unit = b->config->storage.erase_unit;
  pg_transfer *t = &b->transfer;
  pg_transfer_close(b);
  if (release(b, index)) return PG_STORAGE;
  memset(t, 0, sizeof *t);
  t->manifest_bytes = pg_get32(body + 16);
  t->manifest_crc = pg_get32(body + 20);
  t->image_bytes = pg_get32(body + 24);
  t->blocks = pg_get16(body + 28);
  t->slot = PG_NO_SLOT_INDEX;
  pg_job_start(b, PG_T_BEGIN);
  pg_slot_header(b->job.u.begin.header, body, t, sequence);
  b->job.u.begin.slot = index;
  const uint32_t used = PG_SLOT_HEADER + t->manifest_bytes + t->blocks + t->image_bytes;
  b->job.end = (used + unit - 1) / unit;
  pg_job_busy(b); /* an erase may last longer than the host's timeout */
  return 0;
}

static void reply_begin(pg_board *b, uint8_t session, uint16_t seq, uint8_t slot, uint8_t state) {
  const uint8_t body[2] = {slot, state};
  b->done_type = PG_T_BEGIN;
  b->done_seq = seq;
  pg_send(b, PG_T_BEGIN, session, seq, body, sizeof body);
}

int pg_begin(pg_board *b, uint16_t n) {
  const uint8_t *body = pg_body(b);
  const uint32_t manifest = pg_get32(body + 16), image = pg_get32(body + 24), room = pg_slot_room(b);
  const uint16_t blocks = pg_get16(body + 28);
  uint32_t sequence;
  pg_slot slot;
  (void)n;
  b->detail = 16;
  if (manifest < PG_MANIFEST_FIXED) return PG_BAD_ARGUMENT;
  b->detail = 28;
  if (blocks == 0 || blocks > PG_MAX_BLOCKS) return PG_BAD_ARGUMENT;
  b->detail = 30;
  if (body[30] != PG_NO_SLOT_INDEX && body[30] >= b->config->slots) return PG_BAD_ARGUMENT;
  b->detail = (uint16_t)pg_min(room >> 10, 0xFFFF);
  if (manifest > room || image > room || manifest + blocks > room - image) return PG_TOO_LARGE;
  /* A repetition must not erase what its first copy began. */
  const int again = b->done_type == PG_T_BEGIN && b->done_seq == b->seq;
  const int fresh = (body[31] & 1) && !again;
  b->detail = 0;
  const int index = choose(b, body, fresh, &sequence);
  if (index < 0) return index;
  if (pg_slot_load(b, (uint8_t)index, &slot)) return PG_STORAGE;
  if (fresh || !holds(&slot, body)) return start_fresh(b, (uint8_t)index, sequence);
  if (b->transfer.slot != index && pg_transfer_load(b, (uint8_t)index, &slot)) return PG_STORAGE;
  reply_begin(b, b->from, b->seq, (uint8_t)index, slot.state == PG_SLOT_VERIFIED ? 2 : 1);
  return 0;
}

/* One erase unit; after the last the header, which alone makes the slot exist. */
int pg_begin_slice(pg_board *b) {
  const pg_storage *s = &b->config->storage;
  const uint8_t index = b->job.u.begin.slot;
  const uint32_t base = pg_slot_addr(b, index);
  pg_slot slot;
  if (b->job.at < b->job.end) {
    const uint32_t addr = base + b->job.at++ * s->erase_unit;
    return s->erase(s->ctx, addr, s->erase_unit) ? PG_STORAGE : 0;
  }
  if (pg_write(b, base, b->job.u.begin.header, 44)) return PG_STORAGE;
  if (pg_slot_load(b, index, &slot) || slot.state != PG_SLOT_RECEIVING) return PG_STORAGE;
  if (pg_transfer_load(b, index, &slot)) return PG_STORAGE;
  pg_job_cancel(b);
  reply_begin(b, b->session, b->job.seq, index, 0);
  return 0;
}

int pg_abort(pg_board *b, uint16_t n) {
  pg_slot slot;
  (void)n;
  const int index = pg_slot_find(b, pg_body(b), &slot);
  const int again = b->done_type == PG_T_ABORT && b->done_seq == b->seq;
  if (index < 0 && !(again && index == PG_NOT_FOUND)) return index == PG_NOT_FOUND ? PG_NO_TRANSFER : index;
  if (index >= 0 && slot.state != PG_SLOT_VERIFIED) {
    if (pg_slot_wipe(b, (uint8_t)index)) return PG_STORAGE;
    if (b->transfer.slot == index) pg_transfer_close(b);
  }
  b->done_type = PG_T_ABORT;
  b->done_seq = b->seq;
  pg_reply(b, PG_T_ABORT, 16);
  return 0;
}
