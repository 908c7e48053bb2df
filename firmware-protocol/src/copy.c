/* Delta: BLOCKS and COPY (SPEC §6). */
#include "internal.h"

#if PG_WITH_COPY

#define RUN_BYTES 7u

enum { PHASE_RUN, PHASE_SEEK, PHASE_HASH, PHASE_COPY };

int pg_blocks(pg_board *b, uint16_t n) {
  uint8_t *body = pg_body(b);
  const uint16_t from = pg_get16(body + 1);
  pg_slot slot;
  (void)n;
  if (body[0] >= b->config->slots) return PG_NOT_FOUND;
  if (pg_slot_load(b, body[0], &slot)) return PG_STORAGE;
  if (slot.state != PG_SLOT_VERIFIED) return PG_NOT_FOUND;
  pg_put16(body + 3, slot.blocks);
  uint32_t bytes = (pg_body_limit(b) - 5u) / PG_ENTRY_BYTES * PG_ENTRY_BYTES;
  if (from >= slot.blocks) bytes = 0;
  else bytes = pg_min(bytes, (uint32_t)(slot.blocks - from) * PG_ENTRY_BYTES);
  const uint32_t at = slot.manifest + PG_MANIFEST_FIXED + (uint32_t)from * PG_ENTRY_BYTES;
  if (bytes && pg_read(b, at, body + 5, bytes)) return PG_STORAGE;
  pg_reply(b, PG_T_BLOCKS, (uint16_t)(5 + bytes));
  return 0;
}

/* The runs wait at the end of the receive buffer; frames short enough to fit before them are still taken. */
int pg_copy(pg_board *b, uint16_t n) {
  uint8_t *body = pg_body(b);
  b->detail = RUN_BYTES;
  if (n == 0 || n % RUN_BYTES) return PG_BAD_LENGTH;
  b->detail = 0;
  if (!b->transfer.open) return PG_NO_TRANSFER;
  if (!b->transfer.manifest_done) return PG_BAD_STATE;
  pg_stream_close(b); /* what is missing changes (SPEC §5.4) */
  pg_job_start(b, PG_T_COPY);
  b->job.u.copy.runs = (uint16_t)(n / RUN_BYTES);
  for (uint16_t i = 0; i < n; i = (uint16_t)(i + RUN_BYTES)) b->job.end += pg_get16(body + i + 5);
  const uint16_t cap = (uint16_t)(PG_RX_BYTES(b->config->max_body) - n);
  uint8_t *runs = b->config->rx + cap;
  for (uint16_t i = n; i--;) runs[i] = body[i]; /* may overlap, upwards */
  b->rx.cap = (uint16_t)pg_min(cap, b->rx.cap);
  b->job.u.copy.slot = PG_NO_SLOT_INDEX;
  return 0;
}

static uint32_t table_of(const pg_board *b) { return pg_transfer_base(b) + PG_MANIFEST_FIXED; }

/* Loads the next run; a source that is not verified has no blocks. */
static int next_run(pg_board *b) {
  uint32_t at = PG_RX_BYTES(b->config->max_body);
  pg_job *j = &b->job;
  at -= (uint32_t)j->u.copy.runs-- * RUN_BYTES;
  const uint8_t *run = b->config->rx + at;
  pg_slot slot;
  memset(&slot, 0, sizeof slot);
  if (run[0] < b->config->slots && pg_slot_load(b, run[0], &slot)) return PG_STORAGE;
  j->u.copy.from_blocks = slot.state == PG_SLOT_VERIFIED ? slot.blocks : 0;
  j->u.copy.table = slot.manifest + PG_MANIFEST_FIXED;
  j->u.copy.from = pg_get16(run + 1);
  j->u.copy.to = pg_get16(run + 3);
  j->u.copy.count = pg_get16(run + 5);
  if (j->u.copy.slot != run[0] || j->u.copy.source.block > j->u.copy.from) {
    j->u.copy.slot = run[0];
    j->u.copy.source.block = 0;
    j->u.copy.source.addr = slot.image;
  }
  if (j->u.copy.target.addr == 0 || j->u.copy.target.block > j->u.copy.to) {
    j->u.copy.target.block = 0;
    j->u.copy.target.addr = pg_transfer_image(b);
  }
  j->u.copy.phase = PHASE_SEEK;
  return 0;
}

static void block_done(pg_job *j, int copied) {
  uint16_t *count = copied ? &j->u.copy.copied : &j->u.copy.failed;
  if (*count < 0xFFFF) (*count)++;
  j->at++;
  j->u.copy.count--;
  j->u.copy.from++;
  j->u.copy.to++;
  j->u.copy.phase = PHASE_SEEK;
}

/* One step of a cursor along its block table. 1: it stands at `block`. */
static int seek(const pg_board *b, pg_cursor *c, uint32_t block, uint32_t table) {
  uint8_t stored[2];
  if (c->block == block) return 1;
  if (pg_read(b, table + (uint32_t)c->block * PG_ENTRY_BYTES + 4, stored, 2)) return PG_STORAGE;
  c->addr += pg_get16(stored);
  c->block++;
  return 0;
}

static int begin_block(pg_board *b) {
  pg_job *j = &b->job;
  pg_entry from, to;
  uint8_t journal;
  if (j->u.copy.to >= b->transfer.blocks) return block_done(j, 0), 0;
  if (pg_read(b, pg_transfer_journal(b) + j->u.copy.to, &journal, 1)) return PG_STORAGE;
  if (journal == 0) return block_done(j, 1), 0;
  if (j->u.copy.from >= j->u.copy.from_blocks) return block_done(j, 0), 0;
  int r = seek(b, &j->u.copy.source, j->u.copy.from, j->u.copy.table);
  if (r == 1) r = seek(b, &j->u.copy.target, j->u.copy.to, table_of(b));
  if (r != 1) return r;
  const pg_storage *s = &b->config->storage;
  if (pg_entry_read(s, j->u.copy.table + j->u.copy.from * PG_ENTRY_BYTES, &from)) return PG_STORAGE;
  if (pg_entry_read(s, table_of(b) + j->u.copy.to * PG_ENTRY_BYTES, &to)) return PG_STORAGE;
  if (from.stored_bytes != to.stored_bytes || from.crc32 != to.crc32) return block_done(j, 0), 0;
  j->u.copy.source.len = to.stored_bytes;
  j->u.copy.source.off = 0;
  j->u.copy.source.crc = 0;
  j->u.copy.target.crc = to.crc32;
  j->u.copy.phase = PHASE_HASH;
  return 0;
}

/* First the source is read for its CRC, so that rot in it never spoils blank storage; then it is copied and read back. */
static int move_chunk(pg_board *b, uint16_t n) {
  uint8_t chunk[PG_CHUNK];
  pg_job *j = &b->job;
  pg_cursor *c = &j->u.copy.source;
  if (pg_read(b, c->addr + c->off, chunk, n)) return PG_STORAGE;
  if (j->u.copy.phase == PHASE_COPY) {
    const uint32_t to = j->u.copy.target.addr + c->off;
    if (pg_program(b, to, chunk, n) || pg_read(b, to, chunk, n)) return PG_STORAGE;
  }
  c->crc = pg_crc32(c->crc, chunk, n);
  c->off += n;
  if (c->off < c->len) return 0;
  const int good = c->crc == j->u.copy.target.crc;
  const int copied = good && j->u.copy.phase == PHASE_COPY;
  c->off = 0;
  c->crc = 0;
  if (good && !copied) {
    j->u.copy.phase = PHASE_COPY;
    return 0;
  }
  if (copied) {
    if (pg_program_zero(b, pg_transfer_journal(b) + j->u.copy.to)) return PG_STORAGE;
    b->transfer.durable++;
  }
  block_done(j, copied);
  return 0;
}

static int finish(pg_board *b) {
  uint8_t body[4];
  pg_put16(body, b->job.u.copy.copied);
  pg_put16(body + 2, b->job.u.copy.failed);
  pg_job_cancel(b);
  pg_send(b, PG_T_COPY, b->session, b->job.seq, body, sizeof body);
  return 0;
}

int pg_copy_slice(pg_board *b) {
  pg_job *j = &b->job;
  for (uint32_t budget = pg_slice(b); budget;) {
    uint32_t cost = 16;
    int r = 0;
    if (j->u.copy.phase == PHASE_SEEK && j->u.copy.count == 0) j->u.copy.phase = PHASE_RUN;
    if (j->u.copy.phase == PHASE_RUN) {
      if (j->u.copy.runs == 0) return finish(b);
      r = next_run(b);
    } else if (j->u.copy.phase == PHASE_SEEK) {
      r = begin_block(b);
    } else {
      cost = pg_min(pg_min(j->u.copy.source.len - j->u.copy.source.off, budget), PG_CHUNK);
      r = move_chunk(b, (uint16_t)cost);
    }
    if (r) return r;
    budget -= pg_min(budget, cost);
  }
  return 0;
}

#else
typedef int pg_no_copy; /* ISO C wants a declaration in every file */
#endif
