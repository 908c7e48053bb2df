/* PAIR: the key of a board, the proofs of both sides, and what a paired board asks of a manifest (SPEC §9). */
#include "internal.h"

#if PG_WITH_PAIRING

#define COMPILED_MACS ((PG_WITH_SIPHASH ? 1u : 0u) | (PG_WITH_SHA256 ? 2u : 0u))
#define NONCE 16u
#define CAPS_FLAGS 1u /* the others change within a session, or say nothing of the board's identity */

enum { OP_CHALLENGE, OP_PROVE, OP_SET, OP_CLEAR, OPS };
enum { STRANGER, CHALLENGED, PROVEN };

static const uint8_t zero[16] = {0};

uint8_t pg_macs(const pg_board *b) { return (uint8_t)(b->config->macs & COMPILED_MACS); }

int pg_paired(const pg_board *b) { return memcmp(b->record.key, zero, 16) != 0; }

int pg_trusts_host(const pg_board *b) { return b->pairing.state == PROVEN || !pg_paired(b); }

static int offers(const pg_board *b, uint8_t mac) { return mac && mac <= 2 && pg_macs(b) >> (mac - 1) & 1; }

/* In a time that does not depend on where they differ. */
static int same_tag(const uint8_t *a, const uint8_t *b) {
  volatile uint8_t differ = 0;
  for (uint8_t i = 0; i < PG_MAC_TAG; i++) differ = (uint8_t)(differ | (a[i] ^ b[i]));
  return differ == 0;
}

/* MAC of a label, the host's proof of this session and 16 bytes more, if any. */
static void bound_tag(const pg_board *b, uint8_t label, const uint8_t *bytes, uint8_t tag[PG_MAC_TAG]) {
  pg_mac mac;
  pg_mac_init(&mac, b->pairing.mac, b->record.key, label);
  pg_mac_update(&mac, b->pairing.proof, sizeof b->pairing.proof);
  if (bytes) pg_mac_update(&mac, bytes, 16);
  pg_mac_final(&mac, b->record.key, tag);
}

/* Nobody can foretell it without the key, and it never comes twice: the boot id is durable before anything is answered. */
static void make_nonce(const pg_board *b, uint8_t type, uint8_t nonce[NONCE]) {
  uint8_t count[8];
  pg_mac mac;
  pg_put32(count, b->record.boot_id);
  pg_put32(count + 4, b->pairing.challenges);
  pg_mac_init(&mac, type, b->record.key, PG_L_NONCE);
  pg_mac_update(&mac, count, sizeof count);
  pg_mac_final(&mac, b->record.key, nonce);
}

static void prove(const pg_board *b, uint8_t label, const uint8_t caps[PG_CAPS_FIXED], const uint8_t *host_nonce,
                  const uint8_t *said, uint8_t tag[PG_MAC_TAG]) {
  const uint8_t head[2] = {said[1], b->from};
  pg_mac mac;
  pg_mac_init(&mac, said[1], b->record.key, label);
  pg_mac_update(&mac, head, sizeof head);
  pg_mac_update(&mac, host_nonce, NONCE);
  pg_mac_update(&mac, said + 2, 4 + NONCE); /* generation and the board's nonce */
  pg_mac_update(&mac, caps, PG_CAPS_FIXED);
  pg_mac_final(&mac, b->record.key, tag);
}

static int again(const pg_board *b, uint8_t op) {
  return b->done_type == (uint8_t)(PG_T_PAIR | op << 6) && b->done_seq == b->seq;
}

static int done(pg_board *b, uint8_t op) {
  b->done_type = (uint8_t)(PG_T_PAIR | op << 6); /* types have six bits */
  b->done_seq = b->seq;
  pg_send(b, PG_T_PAIR, b->from, b->seq, &op, 1);
  return 0;
}

static int challenge(pg_board *b) {
  const uint8_t *body = pg_body(b);
  pg_pairing *p = &b->pairing;
  uint8_t caps[PG_CAPS_FIXED], said[22 + PG_MAC_TAG];
  if (!pg_paired(b)) return PG_BAD_STATE;
  b->detail = 1;
  if (!offers(b, body[1])) return PG_BAD_ARGUMENT;
  if (!again(b, OP_CHALLENGE)) p->challenges++; /* a repetition is answered alike */
  pg_caps(b, caps);
  caps[1] &= CAPS_FLAGS;
  caps[37] = 0;
  said[0] = OP_CHALLENGE;
  said[1] = body[1];
  pg_put32(said + 2, b->record.newest);
  make_nonce(b, body[1], said + 6);
  prove(b, PG_L_BOARD, caps, body + 2, said, said + 22);
  prove(b, PG_L_HOST, caps, body + 2, said, p->proof);
  p->state = CHALLENGED;
  p->mac = body[1];
  b->done_type = PG_T_PAIR | OP_CHALLENGE << 6;
  b->done_seq = b->seq;
  pg_send(b, PG_T_PAIR, b->from, b->seq, said, sizeof said);
  return 0;
}

/* A wrong proof spends the challenge. */
static int take_proof(pg_board *b) {
  pg_pairing *p = &b->pairing;
  const int proven = p->state != STRANGER && same_tag(p->proof, pg_body(b) + 1);
  p->state = proven ? PROVEN : STRANGER;
  return proven ? done(b, OP_PROVE) : PG_UNAUTHORIZED;
}

static int save_key(pg_board *b, const uint8_t key[16]) {
  pg_record r = b->record;
  if (memcmp(r.key, zero, 16) == 0 || memcmp(key, zero, 16) == 0) r.newest = 0;
  memcpy(r.key, key, 16);
  if (pg_record_save(b, &r)) return PG_STORAGE;
  b->pairing.state = STRANGER;
  pg_job_cancel(b);
  pg_transfer_close(b); /* its manifest is to be judged anew */
  return 0;
}

static int set_key(pg_board *b) {
  const uint8_t *body = pg_body(b);
  uint8_t key[16], tag[PG_MAC_TAG];
  if (again(b, OP_SET)) return done(b, OP_SET);
  memcpy(key, body + 1, 16);
  if (pg_paired(b)) {
    if (b->pairing.state != PROVEN) return PG_UNAUTHORIZED;
    bound_tag(b, PG_L_SET, key, tag);
    if (!same_tag(tag, body + 17)) return PG_UNAUTHORIZED;
    bound_tag(b, PG_L_MASK, NULL, tag);
    for (uint8_t i = 0; i < 16; i++) key[i] ^= tag[i];
  }
  b->detail = 1;
  if (memcmp(key, zero, 16) == 0) return PG_BAD_ARGUMENT;
  if (memcmp(b->record.uuid, zero, 16) == 0) return PG_BAD_STATE; /* the host could not tell whose key it is */
  return save_key(b, key) ? PG_STORAGE : done(b, OP_SET);
}

static int clear_key(pg_board *b) {
  uint8_t tag[PG_MAC_TAG];
  if (again(b, OP_CLEAR)) return done(b, OP_CLEAR);
  if (!pg_paired(b)) return PG_BAD_STATE;
  if (b->pairing.state != PROVEN) return PG_UNAUTHORIZED;
  bound_tag(b, PG_L_CLEAR, NULL, tag);
  if (!same_tag(tag, pg_body(b) + 1)) return PG_UNAUTHORIZED;
  return save_key(b, zero) ? PG_STORAGE : done(b, OP_CLEAR);
}

int pg_pair(pg_board *b, uint16_t n) {
  static const uint8_t bytes[OPS] = {18, 17, 33, 17};
  const uint8_t op = pg_body(b)[0];
  b->detail = 1;
  if (n == 0) return PG_BAD_LENGTH;
  b->detail = 0;
  if (op >= OPS) return PG_BAD_ARGUMENT;
  b->detail = bytes[op];
  if (n != bytes[op]) return PG_BAD_LENGTH;
  b->detail = 0;
  switch (op) {
    case OP_CHALLENGE:
      return challenge(b);
    case OP_PROVE:
      return take_proof(b);
    case OP_SET:
      return set_key(b);
    default:
      return clear_key(b);
  }
}

int pg_board_forget_key(pg_board *b) { return pg_paired(b) ? save_key(b, zero) : 0; }

/* A manifest in the storage under the key: 0 and its generation, PG_UNAUTHORIZED or PG_STORAGE. */
static int judge(const pg_board *b, uint32_t base, uint32_t bytes, uint32_t *generation) {
  uint8_t raw[PG_M_GENERATION + 4], chunk[PG_CHUNK], tag[PG_MAC_TAG];
  const uint32_t end = bytes - PG_MAC_TAG;
  pg_mac mac;
  if (pg_read(b, base, raw, sizeof raw)) return PG_STORAGE;
  if (!offers(b, raw[PG_M_MAC_TYPE]) || raw[PG_M_MAC_BYTES] != PG_MAC_TAG) return PG_UNAUTHORIZED;
  pg_mac_init(&mac, raw[PG_M_MAC_TYPE], b->record.key, PG_L_MANIFEST);
  pg_mac_update(&mac, b->record.uuid, 16);
  for (uint32_t at = 0; at < end; at += (uint32_t)sizeof chunk) {
    const uint16_t n = (uint16_t)pg_min(end - at, sizeof chunk);
    if (pg_read(b, base + at, chunk, n)) return PG_STORAGE;
    pg_mac_update(&mac, chunk, n);
  }
  pg_mac_final(&mac, b->record.key, tag);
  if (pg_read(b, base + end, chunk, PG_MAC_TAG)) return PG_STORAGE;
  *generation = pg_get32(raw + PG_M_GENERATION);
  return same_tag(tag, chunk) ? 0 : PG_UNAUTHORIZED;
}

/* The manifest is sound already. */
int pg_pairing_judge(const pg_board *b) {
  uint32_t generation = 0;
  if (!pg_paired(b)) return 0;
  const int r = judge(b, pg_transfer_base(b), b->transfer.manifest_bytes, &generation);
  if (r) return r;
  return generation < b->record.newest ? PG_OLD_GENERATION : 0;
}

/* What stood there before the pairing counts for nothing: anybody may have put it there. */
int pg_pairing_activated(const pg_board *b, pg_record *record) {
  uint32_t generation = 0;
  pg_slot slot;
  if (!pg_paired(b) || record->active == PG_NO_SLOT_INDEX) return 0;
  if (pg_slot_load(b, record->active, &slot)) return PG_STORAGE;
  const int r = judge(b, slot.manifest, slot.manifest_bytes, &generation);
  if (r == 0 && generation > record->newest) record->newest = generation;
  return r == PG_STORAGE ? r : 0;
}

/* A digest under a key that went over the line would prove nothing to a paired board. */
int pg_pairing_digest_key(const pg_board *b, uint8_t key[16]) {
  pg_slot slot;
  pg_mac mac;
  if (!pg_paired(b)) return 0;
  if (pg_slot_load(b, b->transfer.slot, &slot)) return PG_STORAGE;
  pg_mac_init(&mac, b->pairing.mac, b->record.key, PG_L_DIGEST);
  pg_mac_update(&mac, slot.id, 16);
  pg_mac_update(&mac, key, 16);
  pg_mac_final(&mac, b->record.key, key);
  return 0;
}

#else
int pg_board_forget_key(pg_board *b) { return (void)b, 0; }
#endif
