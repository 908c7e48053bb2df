/*
 * The durable record: two areas, each a log of fixed-size records. The highest generation with a good CRC counts. A
 * record is appended behind the last; when its area is full the other one is erased and takes it, so the newest good
 * record is never in danger.
 *
 * 0 generation u32, 4 boot id u32, 8 uuid, 24 pairing key (zero: none), 40 active, 41 trial, 42 brightness, 43 playing,
 * 44 highest generation that was active under the key u32, 48 … 51 zero, 52 CRC-32 of what is before it.
 */
#include "internal.h"

#define RECORD_BYTES 56u

static uint32_t record_addr(const pg_board *b, uint8_t area, uint16_t index) {
  return (uint32_t)area * b->area_bytes + (uint32_t)index * RECORD_BYTES;
}

static uint16_t per_area(const pg_board *b) { return (uint16_t)pg_min(b->area_bytes / RECORD_BYTES, 0xFFFE); }

/* A place with remains of a torn write is passed over: only blank bytes can take any value. */
static int is_blank(const pg_board *b, uint32_t addr) {
  uint8_t raw[RECORD_BYTES];
  if (pg_read(b, addr, raw, RECORD_BYTES)) return 0;
  for (uint8_t i = 0; i < RECORD_BYTES; i++)
    if (raw[i] != 0xFF) return 0;
  return 1;
}

int pg_record_load(pg_board *b) {
  uint8_t raw[RECORD_BYTES];
  pg_record *r = &b->record;
  memset(r, 0, sizeof *r);
  r->active = r->trial = PG_NO_SLOT_INDEX;
  r->brightness = 255;
  r->playing = 1;
  b->record_area = 0;
  b->record_next = 0;
  for (uint8_t area = 0; area < 2; area++) {
    for (uint16_t i = 0; i < per_area(b); i++) {
      if (pg_read(b, record_addr(b, area, i), raw, RECORD_BYTES)) return PG_STORAGE;
      const uint32_t generation = pg_get32(raw);
      if (generation == 0xFFFFFFFFu && is_blank(b, record_addr(b, area, i))) break; /* nothing was appended behind */
      if (generation <= r->generation || pg_crc32(0, raw, RECORD_BYTES) != PG_CRC32_RESIDUE) continue;
      r->generation = generation;
      r->boot_id = pg_get32(raw + 4);
      memcpy(r->uuid, raw + 8, 16);
      r->active = raw[40];
      r->trial = raw[41];
      r->brightness = raw[42];
      r->playing = raw[43];
#if PG_WITH_PAIRING
      memcpy(r->key, raw + 24, 16);
      r->newest = pg_get32(raw + 44);
#endif
      b->record_area = area;
      b->record_next = (uint16_t)(i + 1);
    }
  }
  return 0;
}

static int append(const pg_board *b, uint32_t addr, const pg_record *r) {
  uint8_t raw[RECORD_BYTES];
  if (!is_blank(b, addr)) return 0;
  memset(raw, 0, sizeof raw);
  pg_put32(raw, r->generation);
  pg_put32(raw + 4, r->boot_id);
  memcpy(raw + 8, r->uuid, 16);
  raw[40] = r->active;
  raw[41] = r->trial;
  raw[42] = r->brightness;
  raw[43] = r->playing;
#if PG_WITH_PAIRING
  memcpy(raw + 24, r->key, 16);
  pg_put32(raw + 44, r->newest);
#endif
  pg_put32(raw + 52, pg_crc32(0, raw, 52));
  if (pg_write(b, addr, raw, RECORD_BYTES)) return 0;
  if (pg_read(b, addr, raw, RECORD_BYTES)) return 0;
  return pg_get32(raw) == r->generation && pg_crc32(0, raw, RECORD_BYTES) == PG_CRC32_RESIDUE;
}

/* Makes `record` the durable one. On failure the former one still is, and the next attempt starts as this one did. */
int pg_record_save(pg_board *b, const pg_record *record) {
  const pg_storage *s = &b->config->storage;
  pg_record r = *record;
  uint8_t area = b->record_area, switched = 0;
  uint16_t i = b->record_next;
  r.generation = b->record.generation + 1;
  for (;;) {
    if (i >= per_area(b)) {
      if (switched) return PG_STORAGE;
      area ^= 1;
      if (s->erase(s->ctx, (uint32_t)area * b->area_bytes, b->area_bytes)) return PG_STORAGE;
      i = 0;
      switched = 1;
    }
    const int ok = append(b, record_addr(b, area, i++), &r);
    if (!ok) continue;
    b->record = r;
    b->record_area = area;
    b->record_next = i;
    return 0;
  }
}
