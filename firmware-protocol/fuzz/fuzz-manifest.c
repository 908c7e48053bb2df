/* Bytes as a manifest in storage. What is accepted keeps every promise that the player relies on. */
#include "bundle.h"

static const uint8_t *stored;
static size_t stored_n;

static int read_stored(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  MUST(addr <= stored_n && n <= stored_n - addr, "read of %u at %u of %zu", (unsigned)n, (unsigned)addr, stored_n);
  memcpy(bytes, stored + addr, n);
  return 0;
}

/* 12 bytes of limits, then the manifest; flag bits let the limits follow the manifest, so that the checks behind are met. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 12) return -1;
  const pg_storage storage = {read_stored, NULL, NULL, NULL, 0, 1};
  uint8_t *copy = malloc(size - 12 + 1);
  uint16_t detail = 0;
  memcpy(copy, data + 12, size - 12);
  stored = copy;
  stored_n = size - 12;
  pg_manifest_limits l = {(uint32_t)stored_n, pg_get32(data + 1), pg_get16(data + 5), pg_get16(data + 7), 4096, data[9], pg_get16(data + 10)};
  if (data[0] & 1 && stored_n >= PG_MANIFEST_FIXED) {
    uint32_t sum = 0, frames = 0;
    l.blocks = (uint16_t)((stored_n - PG_MANIFEST_FIXED) / PG_ENTRY_BYTES);
    for (uint16_t i = 0; i < l.blocks; i++) {
      sum += pg_get16(copy + PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES + 4);
      frames += copy[PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES + 7];
    }
    l.image_bytes = sum;
    pg_put32(copy + PG_M_IMAGE_BYTES, sum);
    pg_put16(copy + PG_M_BLOCKS, l.blocks);
    if (data[0] & 2) pg_put32(copy + PG_M_FRAMES, frames);
    copy[PG_M_MAC_BYTES] = (uint8_t)(stored_n - PG_MANIFEST_FIXED - (uint32_t)l.blocks * PG_ENTRY_BYTES);
  }
  /* A board whose BEGIN announced a manifest of other length reads no further than it has. */
  if (l.blocks && l.manifest_bytes >= PG_MANIFEST_FIXED) {
    const int r = pg_manifest_check(&storage, 0, &l, &detail);
    MUST(r <= 0 && r >= PG_BAD_VERSION, "code %d", r);
    if (r == 0) {
      uint64_t sum = 0, frames = 0;
      MUST(copy[PG_M_FORMAT] == 1 && copy[PG_M_KIND] <= 1 && copy[PG_M_NAME_BYTES] <= 32, "a fixed field");
      MUST(pg_get16(copy + PG_M_LEDS) <= l.leds && pg_get32(copy + PG_M_DECODE_BYTES) <= l.decode_bytes, "a limit");
      MUST(stored_n == PG_MANIFEST_FIXED + 8u * l.blocks + copy[PG_M_MAC_BYTES], "its length");
      for (uint16_t i = 0; i < l.blocks; i++) {
        pg_entry e;
        MUST(pg_entry_read(&storage, PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES, &e) == 0, "an entry");
        MUST(e.stored_bytes && e.stored_bytes <= l.block_bytes && e.codec < 16 && l.codecs >> e.codec & 1, "entry %u", i);
        MUST(copy[PG_M_KIND] == 0 || e.frames, "no frames in %u", i);
        sum += e.stored_bytes;
        frames += e.frames;
      }
      MUST(sum == l.image_bytes, "the image's length");
      MUST(copy[PG_M_KIND] == 0 || (frames == pg_get32(copy + PG_M_FRAMES) && frames), "the frames");
    }
  }
  free(copy);
  return 0;
}
