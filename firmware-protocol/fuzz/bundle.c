#include "bundle.h"

void bundle_name(bundle *p) {
  pg_sha256 hash;
  uint8_t digest[32];
  pg_sha256_init(&hash);
  pg_sha256_update(&hash, p->manifest, p->manifest_bytes);
  pg_sha256_final(&hash, digest);
  memcpy(p->id, digest, 16);
}

void bundle_seal(bundle *p) {
  pg_sha256 hash;
  p->image_bytes = 0;
  for (uint16_t i = 0; i < p->blocks; i++) {
    uint8_t *entry = p->manifest + PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES;
    memcpy(p->image + p->image_bytes, p->block[i], p->length[i]);
    p->image_bytes += p->length[i];
    pg_put32(entry, crc_bits(p->block[i], p->length[i]));
    pg_put16(entry + 4, p->length[i]);
  }
  p->manifest_bytes = PG_MANIFEST_FIXED + p->blocks * PG_ENTRY_BYTES + p->manifest[PG_M_MAC_BYTES];
  pg_put16(p->manifest + PG_M_BLOCKS, p->blocks);
  pg_put32(p->manifest + PG_M_IMAGE_BYTES, p->image_bytes);
  pg_sha256_init(&hash);
  pg_sha256_update(&hash, p->image, p->image_bytes);
  pg_sha256_final(&hash, p->manifest + PG_M_SHA256);
  bundle_name(p);
}

void bundle_authenticate(bundle *p, uint8_t type, const uint8_t key[16], const uint8_t uuid[16], uint8_t generation) {
  pg_mac mac;
  p->manifest[PG_M_MAC_TYPE] = type;
  p->manifest[PG_M_MAC_BYTES] = 16;
  p->manifest[PG_M_GENERATION] = generation;
  bundle_seal(p);
  pg_mac_init(&mac, type, key, PG_L_MANIFEST);
  pg_mac_update(&mac, uuid, 16);
  pg_mac_update(&mac, p->manifest, p->manifest_bytes - 16);
  pg_mac_final(&mac, key, p->manifest + p->manifest_bytes - 16);
  bundle_name(p);
}

void bundle_make(bundle *p, uint8_t seed, uint8_t blocks, uint8_t leds) {
  memset(p, 0, sizeof *p);
  p->blocks = blocks;
  p->manifest[PG_M_FORMAT] = 1;
  p->manifest[PG_M_KIND] = 1;
  pg_put32(p->manifest + 8, (uint32_t)blocks * leds * 3u);
  pg_put32(p->manifest + PG_M_FRAMES, blocks);
  p->manifest[PG_M_LEDS] = leds;
  p->manifest[PG_M_CHANNELS] = 3;
  p->manifest[PG_M_NAME_BYTES] = 1;
  p->manifest[PG_M_NAME] = (uint8_t)('a' + seed % 26);
  for (uint8_t i = 0; i < blocks; i++) {
    p->length[i] = (uint8_t)(2 + 3 * leds);
    p->block[i][0] = 1;
    p->block[i][1] = (uint8_t)(20 + i);
    for (uint8_t k = 0; k < 3 * leds; k++) p->block[i][2 + k] = (uint8_t)(seed * 31 + i * 7 + k);
    p->manifest[PG_MANIFEST_FIXED + i * PG_ENTRY_BYTES + 7] = 1;
  }
  bundle_seal(p);
}
