/*
 * Slots: header, manifest, journal (a byte a block), stored blocks.
 *
 * Header: 0 "PGS1", 4 id, 20 manifestBytes u32, 24 manifestCrc u32, 28 imageBytes u32, 32 blocks u16, 34 zero u16,
 * 36 sequence u32, 40 CRC-32 of what is before it; then marks, programmed from 0xFF to 0x00 later: 44 manifest
 * complete, 45 verified, 46 damaged, 47 unused.
 */
#include "internal.h"

static const uint8_t magic[4] = {'P', 'G', 'S', '1'};

int pg_read(const pg_board *b, uint32_t addr, void *bytes, uint32_t n) {
  const pg_storage *s = &b->config->storage;
  return s->read(s->ctx, addr, bytes, n) ? PG_STORAGE : 0;
}

int pg_write(const pg_board *b, uint32_t addr, const void *bytes, uint32_t n) {
  const pg_storage *s = &b->config->storage;
  return s->write(s->ctx, addr, bytes, n) ? PG_STORAGE : 0;
}

/*
 * Writes what only clears bits; where that is not so the cells hold another form of the block and stay as they are until
 * an erase (storage.h). Whoever reads them back finds the wrong CRC.
 */
int pg_program(const pg_board *b, uint32_t addr, const uint8_t *bytes, uint32_t n) {
  uint8_t chunk[PG_CHUNK];
  for (uint32_t at = 0; at < n; at += (uint32_t)sizeof chunk) {
    const uint32_t part = pg_min(n - at, sizeof chunk);
    if (pg_read(b, addr + at, chunk, part)) return PG_STORAGE;
    for (uint32_t i = 0; i < part; i++)
      if (bytes[at + i] & (uint8_t)~chunk[i]) return 0;
  }
  return pg_write(b, addr, bytes, n);
}

int pg_program_zero(const pg_board *b, uint32_t addr) {
  uint8_t byte = 0;
  if (pg_write(b, addr, &byte, 1) || pg_read(b, addr, &byte, 1)) return PG_STORAGE;
  return byte ? PG_STORAGE : 0;
}

uint32_t pg_slot_addr(const pg_board *b, uint8_t slot) { return 2 * b->area_bytes + slot * b->slot_bytes; }

uint32_t pg_slot_room(const pg_board *b) { return b->slot_bytes - PG_SLOT_HEADER; }

int pg_slot_load(const pg_board *b, uint8_t index, pg_slot *slot) {
  uint8_t raw[PG_SLOT_HEADER];
  const uint32_t base = pg_slot_addr(b, index);
  memset(slot, 0, sizeof *slot);
  if (pg_read(b, base, raw, sizeof raw)) return PG_STORAGE;
  if (memcmp(raw, magic, 4) != 0 || pg_crc32(0, raw, 44) != PG_CRC32_RESIDUE) return 0;
  memcpy(slot->id, raw + 4, 16);
  slot->manifest_bytes = pg_get32(raw + 20);
  slot->manifest_crc = pg_get32(raw + 24);
  slot->image_bytes = pg_get32(raw + 28);
  slot->blocks = pg_get16(raw + 32);
  slot->sequence = pg_get32(raw + 36);
  /* A torn mark does not count, except that of damage, which errs on the safe side. */
  slot->manifest_done = raw[PG_MARK_MANIFEST] == 0;
  slot->state = raw[PG_MARK_DAMAGED] != 0xFF ? PG_SLOT_DAMAGED
                : raw[PG_MARK_VERIFIED] == 0 ? PG_SLOT_VERIFIED
                                             : PG_SLOT_RECEIVING;
  slot->manifest = base + PG_SLOT_HEADER;
  slot->journal = slot->manifest + slot->manifest_bytes;
  slot->image = slot->journal + slot->blocks;
  return 0;
}

int pg_slot_mark(const pg_board *b, uint8_t index, uint8_t mark) {
  return pg_program_zero(b, pg_slot_addr(b, index) + mark);
}

/* Empties a slot durably. With its header zero no half-done erase can bring it back. */
int pg_slot_wipe(const pg_board *b, uint8_t index) {
  uint8_t zero[PG_SLOT_HEADER];
  memset(zero, 0, sizeof zero);
  if (pg_write(b, pg_slot_addr(b, index), zero, sizeof zero)) return PG_STORAGE;
  if (pg_read(b, pg_slot_addr(b, index), zero, 4)) return PG_STORAGE;
  return memcmp(zero, magic, 4) == 0 ? PG_STORAGE : 0;
}

void pg_slot_header(uint8_t header[44], const uint8_t id[16], const pg_transfer *transfer, uint32_t sequence) {
  memcpy(header, magic, 4);
  memcpy(header + 4, id, 16);
  pg_put32(header + 20, transfer->manifest_bytes);
  pg_put32(header + 24, transfer->manifest_crc);
  pg_put32(header + 28, transfer->image_bytes);
  pg_put16(header + 32, transfer->blocks);
  pg_put16(header + 34, 0);
  pg_put32(header + 36, sequence);
  pg_put32(header + 40, pg_crc32(0, header, 40));
}

int pg_slot_in_use(const pg_board *b, uint8_t index) {
  return index == b->record.active || index == b->record.trial;
}

int pg_slot_find(const pg_board *b, const uint8_t id[16], pg_slot *slot) {
  for (uint8_t i = 0; i < b->config->slots; i++) {
    if (pg_slot_load(b, i, slot)) return PG_STORAGE;
    if (slot->state != PG_SLOT_EMPTY && memcmp(slot->id, id, 16) == 0) return i;
  }
  return PG_NOT_FOUND;
}

int pg_slot_verified(pg_board *b, uint8_t index, const uint8_t id[16]) {
  pg_slot slot;
  if (index >= b->config->slots) return PG_BAD_ARGUMENT;
  if (pg_slot_load(b, index, &slot)) return PG_STORAGE;
  if (slot.state != PG_SLOT_VERIFIED) return PG_NOT_VERIFIED;
  return memcmp(slot.id, id, 16) == 0 ? 0 : PG_NOT_FOUND;
}
