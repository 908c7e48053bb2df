#include "keyed-host.h"

const uint8_t keyed_uuid[16] = {0xAB, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
const uint8_t key1[16] = {1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9};
const uint8_t key2[16] = {2, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2, 8, 2, 8};
uint8_t mac_type = PG_MAC_HMAC;

uint8_t proof[16], board_proof[16], wanted_proof[16];
static uint8_t nonce[16];

void tag_of(const uint8_t key[16], uint8_t label, const uint8_t *bytes, size_t n, uint8_t tag[16]) {
  pg_mac mac;
  pg_mac_init(&mac, mac_type, key, label);
  pg_mac_update(&mac, bytes, n);
  pg_mac_final(&mac, key, tag);
}

int challenge(rig *g, const uint8_t key[16]) {
  uint8_t body[18] = {0, mac_type}, said[1 + 1 + 16 + 4 + 16 + 62];
  const reply *p = rig_hello(g);
  if (!p || p->type != PG_T_CAPS) return -1;
  memcpy(said + 40 - 2, p->body + 2, 62);
  said[39] &= 1;
  said[38 + 37] = 0;
  nonce[0]++;
  memcpy(body + 2, nonce, 16);
  p = rig_ask(g, PG_T_PAIR, body, sizeof body);
  if (rig_err(p)) return rig_err(p);
  if (!EQUAL(p->n, 38)) return -1;
  CHECK(p->body[0] == 0 && p->body[1] == mac_type);
  said[0] = mac_type;
  said[1] = g->session;
  memcpy(said + 2, nonce, 16);
  memcpy(said + 18, p->body + 2, 20);
  memcpy(board_proof, p->body + 22, 16);
  tag_of(key, PG_L_BOARD, said, 100, wanted_proof);
  tag_of(key, PG_L_HOST, said, 100, proof);
  return 0;
}

int send_proof(rig *g, const uint8_t tag[16]) {
  uint8_t body[17] = {1};
  memcpy(body + 1, tag, 16);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

int log_in(rig *g, const uint8_t key[16]) {
  const int e = challenge(g, key);
  return e ? e : send_proof(g, proof);
}

int set_first(rig *g, const uint8_t key[16]) {
  uint8_t body[33] = {2};
  memcpy(body + 1, key, 16);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

int set_again(rig *g, const uint8_t old[16], const uint8_t key[16]) {
  uint8_t body[33] = {2}, mask[16], bound[32];
  tag_of(old, PG_L_MASK, proof, 16, mask);
  for (unsigned i = 0; i < 16; i++) body[1 + i] = (uint8_t)(key[i] ^ mask[i]);
  memcpy(bound, proof, 16);
  memcpy(bound + 16, body + 1, 16);
  tag_of(old, PG_L_SET, bound, 32, body + 17);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

int clear(rig *g, const uint8_t key[16]) {
  uint8_t body[17] = {3};
  tag_of(key, PG_L_CLEAR, proof, 16, body + 1);
  return rig_err(rig_ask(g, PG_T_PAIR, body, sizeof body));
}

void seal(pattern *p, const uint8_t key[16], uint32_t generation) {
  pg_sha256 hash;
  pg_mac mac;
  uint8_t digest[32];
  p->manifest[PG_M_MAC_TYPE] = mac_type;
  p->manifest[PG_M_MAC_BYTES] = 16;
  pg_put32(p->manifest + PG_M_GENERATION, generation);
  p->manifest_bytes = 104u + 8u * p->blocks + 16;
  pg_mac_init(&mac, mac_type, key, PG_L_MANIFEST);
  pg_mac_update(&mac, keyed_uuid, 16);
  pg_mac_update(&mac, p->manifest, p->manifest_bytes - 16);
  pg_mac_final(&mac, key, p->manifest + p->manifest_bytes - 16);
  pg_sha256_init(&hash);
  pg_sha256_update(&hash, p->manifest, p->manifest_bytes);
  pg_sha256_final(&hash, digest);
  memcpy(p->id, digest, 16);
}

int upload(rig *g, const pattern *p) {
  unsigned sent = 0;
  const reply *begun = host_begin(g, p, 255, 0);
  if (rig_err(begun)) return rig_err(begun);
  const uint8_t slot = begun->body[0];
  if (begun->body[1] != 2 && host_send(g, p, 256, &sent)) {
    const reply *have = host_start(g, 256);
    return rig_err(have);
  }
  int e = rig_err(host_verify(g, 0, p));
  if (e == 0) e = rig_err(host_activate(g, slot, p, 30));
  return e ? e : rig_err(host_slot(g, PG_T_CONFIRM, slot, p));
}

void fresh(rig *g, uint8_t slots) {
  rig_init(g, slots, 16384, 256);
  memcpy(g->config.uuid, keyed_uuid, 16);
  CHECK(rig_start(g) == 0);
  rig_hello(g);
}

void paired(rig *g, uint8_t slots) {
  fresh(g, slots);
  EQUAL(set_first(g, key1), 0);
}
