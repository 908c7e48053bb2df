/* The MACs of pairing (SPEC §9.3): SipHash-2-4-128, and HMAC-SHA-256 (RFC 2104) cut to its first 16 bytes. */
#include "internal.h"

#if PG_WITH_PAIRING

#if PG_WITH_SHA256
#define INNER 0x36u
#define OUTER 0x5Cu

/* The key has 16 bytes, so the rest of the block is the pad alone. */
static void open_hmac(pg_sha256 *hash, const uint8_t key[16], uint8_t pad) {
  uint8_t block[64];
  memset(block, pad, sizeof block);
  for (uint8_t i = 0; i < 16; i++) block[i] ^= key[i];
  pg_sha256_init(hash);
  pg_sha256_update(hash, block, sizeof block);
}
#endif

void pg_mac_init(pg_mac *mac, uint8_t type, const uint8_t key[16], uint8_t label) {
  mac->type = type;
#if PG_WITH_SIPHASH
  if (type == PG_MAC_SIPHASH) pg_siphash_init(&mac->u.siphash, key);
#endif
#if PG_WITH_SHA256
  if (type == PG_MAC_HMAC) open_hmac(&mac->u.sha256, key, INNER);
#endif
  pg_mac_update(mac, &label, 1);
}

void pg_mac_update(pg_mac *mac, const void *bytes, size_t n) {
#if PG_WITH_SIPHASH
  if (mac->type == PG_MAC_SIPHASH) pg_siphash_update(&mac->u.siphash, bytes, n);
#endif
#if PG_WITH_SHA256
  if (mac->type == PG_MAC_HMAC) pg_sha256_update(&mac->u.sha256, bytes, n);
#endif
}

void pg_mac_final(pg_mac *mac, const uint8_t key[16], uint8_t tag[PG_MAC_TAG]) {
#if PG_WITH_SIPHASH
  if (mac->type == PG_MAC_SIPHASH) pg_siphash_final(&mac->u.siphash, tag);
#endif
#if PG_WITH_SHA256
  if (mac->type == PG_MAC_HMAC) {
    uint8_t digest[32];
    pg_sha256_final(&mac->u.sha256, digest);
    open_hmac(&mac->u.sha256, key, OUTER);
    pg_sha256_update(&mac->u.sha256, digest, sizeof digest);
    pg_sha256_final(&mac->u.sha256, digest);
    memcpy(tag, digest, PG_MAC_TAG);
  }
#endif
  (void)key;
}

#else
typedef int pg_no_mac; /* ISO C wants a declaration in every file */
#endif
