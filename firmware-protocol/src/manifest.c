#include "pixelgate/manifest.h"

#include "bytes.h"
#include "pixelgate/errors.h"
#include "pixelgate/features.h"

static int refuse(uint16_t *detail, int code, uint32_t value) {
  *detail = (uint16_t)pg_min(value, 0xFFFF);
  return code;
}

static void parse_entry(const uint8_t *raw, pg_entry *entry) {
  entry->crc32 = pg_get32(raw);
  entry->stored_bytes = pg_get16(raw + 4);
  entry->codec = raw[6];
  entry->frames = raw[7];
}

int pg_entry_read(const pg_storage *storage, uint32_t addr, pg_entry *entry) {
  uint8_t raw[PG_ENTRY_BYTES];
  if (storage->read(storage->ctx, addr, raw, sizeof raw)) return PG_STORAGE;
  parse_entry(raw, entry);
  return 0;
}

/* Bits beyond 15 cannot be in a mask of 16. */
static int lacks_codec(uint16_t codecs, uint8_t codec) { return codec > 15 || !((uint32_t)codecs >> codec & 1u); }

static int check_table(const pg_storage *storage, uint32_t addr, const pg_manifest_limits *limits, uint8_t kind,
                       uint32_t frames, uint16_t *detail) {
  uint32_t stored = 0, covered = 0;
  uint16_t i = 0;
  while (i < limits->blocks) {
    uint8_t raw[PG_CHUNK / PG_ENTRY_BYTES * PG_ENTRY_BYTES];
    const uint16_t take = (uint16_t)pg_min(sizeof raw / PG_ENTRY_BYTES, (uint32_t)(limits->blocks - i));
    const uint32_t offset = PG_MANIFEST_FIXED + (uint32_t)i * PG_ENTRY_BYTES;
    if (storage->read(storage->ctx, addr + offset, raw, take * PG_ENTRY_BYTES)) return refuse(detail, PG_STORAGE, 0);
    for (uint16_t j = 0; j < take; j++, i++) {
      pg_entry entry;
      parse_entry(raw + j * PG_ENTRY_BYTES, &entry);
      const uint32_t at = offset + j * PG_ENTRY_BYTES;
      if (entry.stored_bytes == 0 || entry.stored_bytes > limits->block_bytes)
        return refuse(detail, PG_BAD_MANIFEST, at + 4);
      if (lacks_codec(limits->codecs, entry.codec)) return refuse(detail, PG_UNKNOWN_CODEC, entry.codec);
      if (kind == 1 && entry.frames == 0) return refuse(detail, PG_BAD_MANIFEST, at + 7);
      stored += entry.stored_bytes;
      covered += entry.frames;
    }
  }
  if (stored != limits->image_bytes) return refuse(detail, PG_BAD_MANIFEST, PG_M_IMAGE_BYTES);
  if (kind == 1 && covered != frames) return refuse(detail, PG_BAD_MANIFEST, PG_M_FRAMES);
  return 0;
}

int pg_manifest_check(const pg_storage *storage, uint32_t addr, const pg_manifest_limits *limits, uint16_t *detail) {
  uint8_t m[PG_M_NAME_BYTES + 1];
  if (limits->manifest_bytes < PG_MANIFEST_FIXED) return refuse(detail, PG_BAD_MANIFEST, PG_M_FORMAT);
  if (storage->read(storage->ctx, addr, m, sizeof m)) return refuse(detail, PG_STORAGE, 0);
  const uint8_t kind = m[PG_M_KIND];
  const uint32_t frames = pg_get32(m + PG_M_FRAMES);
  const uint16_t leds = pg_get16(m + PG_M_LEDS);
  if (m[PG_M_FORMAT] != 1) return refuse(detail, PG_BAD_MANIFEST, PG_M_FORMAT);
  if (kind > 1) return refuse(detail, PG_BAD_MANIFEST, PG_M_KIND);
  const uint16_t blocks = pg_get16(m + PG_M_BLOCKS);
  if (blocks == 0 || blocks > PG_MAX_BLOCKS || blocks != limits->blocks)
    return refuse(detail, PG_BAD_MANIFEST, PG_M_BLOCKS);
  if (pg_get32(m + PG_M_IMAGE_BYTES) != limits->image_bytes)
    return refuse(detail, PG_BAD_MANIFEST, PG_M_IMAGE_BYTES);
  if (limits->manifest_bytes != PG_MANIFEST_FIXED + (uint32_t)blocks * PG_ENTRY_BYTES + m[PG_M_MAC_BYTES])
    return refuse(detail, PG_BAD_MANIFEST, PG_M_MAC_BYTES);
  if (m[PG_M_NAME_BYTES] > 32) return refuse(detail, PG_BAD_MANIFEST, PG_M_NAME_BYTES);
  if (kind == 1) {
    if (frames == 0) return refuse(detail, PG_BAD_MANIFEST, PG_M_FRAMES);
    if (leds == 0) return refuse(detail, PG_BAD_MANIFEST, PG_M_LEDS);
    if (m[PG_M_CHANNELS] != 3 && m[PG_M_CHANNELS] != 4) return refuse(detail, PG_BAD_MANIFEST, PG_M_CHANNELS);
  }
  if (leds > limits->leds) return refuse(detail, PG_BAD_GEOMETRY, limits->leds);
  if (pg_get32(m + PG_M_DECODE_BYTES) > limits->decode_bytes)
    return refuse(detail, PG_DECODE_MEMORY, limits->decode_bytes);
  return check_table(storage, addr, limits, kind, frames, detail);
}
