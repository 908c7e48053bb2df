/* A small pattern that a fuzzer may bend: its table and blocks are changed, then everything is summed and sealed again. */
#ifndef BUNDLE_H
#define BUNDLE_H

#include "world.h"

#define BUNDLE_BLOCKS 12u
#define BUNDLE_BLOCK 64u

typedef struct bundle {
  uint8_t manifest[PG_MANIFEST_FIXED + BUNDLE_BLOCKS * PG_ENTRY_BYTES + 255];
  uint8_t block[BUNDLE_BLOCKS][BUNDLE_BLOCK];
  uint8_t length[BUNDLE_BLOCKS];
  uint8_t image[BUNDLE_BLOCKS * BUNDLE_BLOCK];
  uint8_t id[16];
  uint32_t manifest_bytes, image_bytes;
  uint16_t blocks;
} bundle;

void bundle_make(bundle *p, uint8_t seed, uint8_t blocks, uint8_t leds); /* raw blocks of one frame */
void bundle_seal(bundle *p);                                            /* lengths, CRCs, SHA-256, id */
void bundle_authenticate(bundle *p, uint8_t type, const uint8_t key[16], const uint8_t uuid[16], uint8_t generation);
void bundle_name(bundle *p);                                            /* the id alone, after a change that must stay */

#endif
