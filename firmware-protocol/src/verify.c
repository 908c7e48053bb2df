/* VERIFY: manifest and image are read again from storage (SPEC §7.1). */
#include "internal.h"

int pg_verify(pg_board *b, uint16_t n) {
  const uint8_t *body = pg_body(b);
  const pg_transfer *t = &b->transfer;
  (void)n;
  if (body[0] > 1) return PG_BAD_ARGUMENT;
  if (!((uint32_t)b->digests >> body[0] & 1u)) return PG_UNSUPPORTED;
  if (t->slot == PG_NO_SLOT_INDEX) return PG_NO_TRANSFER;
  if (!t->manifest_done || t->durable != t->blocks) return PG_BAD_STATE;
  b->detail = t->refusal_detail;
  if (t->refusal) return t->refusal;
#if PG_WITH_PAIRING && PG_WITH_SIPHASH
  uint8_t key[16];
  memcpy(key, body + 1, 16);
  if (body[0] == 1 && pg_pairing_digest_key(b, key)) return PG_STORAGE;
#elif PG_WITH_SIPHASH
  const uint8_t *key = body + 1;
#endif
  pg_stream_close(b);
  pg_job_start(b, PG_T_VERIFY);
  b->job.end = t->manifest_bytes + t->image_bytes;
  b->job.u.verify.alg = body[0];
  memcpy(b->job.u.verify.expected, body + 17, 16);
#if PG_WITH_SHA256
  if (body[0] == 0) pg_sha256_init(&b->job.u.verify.hash.sha256);
#endif
#if PG_WITH_SIPHASH
  if (body[0] == 1) pg_siphash_init(&b->job.u.verify.hash.siphash, key);
#endif
  return 0;
}

static void update(pg_job *j, const uint8_t *bytes, uint16_t n) {
  (void)j; /* without any digest */
  (void)bytes;
  (void)n;
#if PG_WITH_SHA256
  if (j->u.verify.alg == 0) pg_sha256_update(&j->u.verify.hash.sha256, bytes, n);
#endif
#if PG_WITH_SIPHASH
  if (j->u.verify.alg == 1) pg_siphash_update(&j->u.verify.hash.siphash, bytes, n);
#endif
}

/* The digest and what it has to be. Returns its length, 0 on a fault of the storage. */
static uint8_t final(pg_board *b, uint8_t digest[32], uint8_t wanted[32]) {
  pg_job *j = &b->job;
  (void)digest;
#if PG_WITH_SHA256
  if (j->u.verify.alg == 0) {
    pg_sha256_final(&j->u.verify.hash.sha256, digest);
    return pg_read(b, pg_transfer_base(b) + PG_M_SHA256, wanted, 32) ? 0 : 32;
  }
#endif
#if PG_WITH_SIPHASH
  pg_siphash_final(&j->u.verify.hash.siphash, digest);
#endif
  memcpy(wanted, j->u.verify.expected, 16);
  return 16;
}

/* A journal byte cannot be set back without an erase, so the slot as a whole is given up, unless a pattern in use
 * that was good once merely failed against what this host expects. */
static int mismatch(pg_board *b) {
  const uint8_t index = b->transfer.slot;
  if (b->transfer.open || !pg_slot_in_use(b, index)) {
    if (pg_slot_mark(b, index, PG_MARK_DAMAGED)) return PG_STORAGE;
    pg_transfer_close(b);
  }
  return PG_DIGEST;
}

static int finish(pg_board *b) {
  uint8_t body[9 + 32], wanted[32];
  pg_job *j = &b->job;
  pg_transfer *t = &b->transfer;
  const uint8_t bytes = final(b, body + 9, wanted);
  if (bytes == 0) return PG_STORAGE;
  if (j->u.verify.crc != t->manifest_crc || memcmp(body + 9, wanted, bytes) != 0) return mismatch(b);
  if (pg_slot_mark(b, t->slot, PG_MARK_VERIFIED)) return PG_STORAGE;
  t->open = 0;
  body[0] = j->u.verify.alg;
  pg_put32(body + 1, t->manifest_crc);
  pg_put32(body + 5, t->image_bytes);
  pg_job_cancel(b);
  pg_send(b, PG_T_VERIFY, b->session, j->seq, body, (uint8_t)(9 + bytes));
  return 0;
}

int pg_verify_slice(pg_board *b) {
  uint8_t chunk[PG_CHUNK];
  pg_job *j = &b->job;
  const uint32_t manifest = b->transfer.manifest_bytes;
  for (uint32_t budget = pg_slice(b); budget;) {
    if (j->at == j->end) return finish(b);
    const int image = j->at >= manifest;
    const uint32_t left = image ? j->end - j->at : manifest - j->at;
    const uint16_t n = (uint16_t)pg_min(pg_min(left, budget), sizeof chunk);
    /* Between manifest and image lies the journal. */
    const uint32_t addr = image ? pg_transfer_image(b) + (j->at - manifest) : pg_transfer_base(b) + j->at;
    if (pg_read(b, addr, chunk, n)) return PG_STORAGE;
    if (image)
      update(j, chunk, n);
    else
      j->u.verify.crc = pg_crc32(j->u.verify.crc, chunk, n);
    j->at += n;
    budget -= n;
  }
  return 0;
}
