/* The manifest (SPEC §10.2 … 10.4). */
#ifndef PIXELGATE_MANIFEST_H
#define PIXELGATE_MANIFEST_H

#include <stdint.h>

#include "pixelgate/storage.h"

#define PG_MANIFEST_FIXED 104u
#define PG_ENTRY_BYTES 8u
#define PG_MAX_BLOCKS 65000u

enum pg_manifest_offset {
  PG_M_FORMAT = 0,
  PG_M_KIND = 1,
  PG_M_BLOCKS = 2,
  PG_M_IMAGE_BYTES = 4,
  PG_M_FRAMES = 12,
  PG_M_LEDS = 16,
  PG_M_CHANNELS = 22,
  PG_M_LOOPS = 24,
  PG_M_MAC_TYPE = 26,
  PG_M_MAC_BYTES = 27,
  PG_M_GENERATION = 28,
  PG_M_DECODE_BYTES = 32,
  PG_M_NAME_BYTES = 38,
  PG_M_SHA256 = 40,
  PG_M_NAME = 72
};

/* A row of the block table. */
typedef struct pg_entry {
  uint32_t crc32;
  uint16_t stored_bytes;
  uint8_t codec;
  uint8_t frames;
} pg_entry;

/* What BEGIN announced and what the board can take. */
typedef struct pg_manifest_limits {
  uint32_t manifest_bytes;
  uint32_t image_bytes;
  uint16_t blocks;
  uint16_t leds;
  uint16_t block_bytes;
  uint16_t codecs; /* bit per codec number */
  uint32_t decode_bytes;
} pg_manifest_limits;

/* Reads the entry at `addr` of the storage. */
int pg_entry_read(const pg_storage *storage, uint32_t addr, pg_entry *entry);

/* Checks the manifest at `addr` against SPEC §10.3. Returns 0 or a negative code and ERR's detail. */
int pg_manifest_check(const pg_storage *storage, uint32_t addr, const pg_manifest_limits *limits, uint16_t *detail);

#endif
