/* Patterns, and a host that sends them in order; the streams with loss are in test-stream.c. */
#include "rig.h"

void pattern_seal(pattern *p) {
  pg_sha256 hash;
  uint8_t digest[32];
  uint32_t at = 0;
  for (uint16_t i = 0; i < p->blocks; i++) {
    p->offset[i] = at;
    pg_put32(p->manifest + 104 + 8 * i, pg_crc32(0, p->image + at, p->length[i]));
    pg_put16(p->manifest + 108 + 8 * i, p->length[i]);
    at += p->length[i];
  }
  p->image_bytes = at;
  p->manifest_bytes = 104u + 8u * p->blocks;
  pg_put16(p->manifest + PG_M_BLOCKS, p->blocks);
  pg_put32(p->manifest + PG_M_IMAGE_BYTES, at);
  pg_sha256_init(&hash);
  pg_sha256_update(&hash, p->image, at);
  pg_sha256_final(&hash, p->manifest + PG_M_SHA256);
  pg_sha256_init(&hash);
  pg_sha256_update(&hash, p->manifest, p->manifest_bytes);
  pg_sha256_final(&hash, digest);
  memcpy(p->id, digest, 16);
}

void pattern_make(pattern *p, uint32_t seed, uint16_t frames, uint8_t per_block, uint32_t delay, uint16_t loops) {
  uint32_t random = seed * 2654435761u + 1, at = 0;
  memset(p, 0, sizeof *p);
  p->manifest[PG_M_FORMAT] = 1;
  p->manifest[PG_M_KIND] = 1;
  pg_put32(p->manifest + 8, (uint32_t)frames * RIG_LEDS * 3);
  pg_put32(p->manifest + PG_M_FRAMES, frames);
  pg_put16(p->manifest + PG_M_LEDS, RIG_LEDS);
  p->manifest[PG_M_CHANNELS] = 3;
  pg_put16(p->manifest + PG_M_LOOPS, loops);
  p->manifest[PG_M_NAME_BYTES] = 4;
  memcpy(p->manifest + PG_M_NAME, "test", 4);
  for (uint16_t done = 0; done < frames; p->blocks++) {
    const uint8_t n = (uint8_t)pg_min(per_block, (uint32_t)(frames - done));
    const uint32_t start = at;
    p->image[at++] = n;
    uint32_t rest = delay;
    for (; rest >= 128; rest >>= 7) p->image[at++] = (uint8_t)(rest | 128);
    p->image[at++] = (uint8_t)rest;
    for (unsigned i = 0; i < n * RIG_LEDS * 3u; i++) p->image[at++] = (uint8_t)(random32(&random) >> 8);
    p->length[p->blocks] = (uint16_t)(at - start);
    p->manifest[104 + 8 * p->blocks + 6] = PG_CODEC_RAW;
    p->manifest[104 + 8 * p->blocks + 7] = n;
    done = (uint16_t)(done + n);
  }
  pattern_seal(p);
}

reply *host_begin(rig *r, const pattern *p, uint8_t slot, uint8_t flags) {
  uint8_t body[32];
  memcpy(body, p->id, 16);
  pg_put32(body + 16, p->manifest_bytes);
  pg_put32(body + 20, pg_crc32(0, p->manifest, p->manifest_bytes));
  pg_put32(body + 24, p->image_bytes);
  pg_put16(body + 28, p->blocks);
  body[30] = slot;
  body[31] = flags;
  return rig_ask(r, PG_T_BEGIN, body, sizeof body);
}

static uint16_t data_seq = 100;

reply *host_start(rig *r, uint16_t bytes) {
  uint8_t body[7] = {1, 0, 0, 0, 0, 0, 0};
  data_seq = (uint16_t)(data_seq + 64);
  pg_put16(body + 1, data_seq);
  pg_put16(body + 3, bytes);
  return rig_ask(r, PG_T_HAVEQ, body, sizeof body);
}

static const uint8_t *block_bytes(const pattern *p, uint16_t block, uint32_t *n) {
  *n = block == 0xFFFF ? p->manifest_bytes : p->length[block];
  return block == 0xFFFF ? p->manifest : p->image + p->offset[block];
}

/* One segment, from HAVE on, at most `most` frames. */
static int send_segment(rig *r, const pattern *p, const reply *have, uint16_t body, unsigned *most, unsigned *sent) {
  uint8_t missing[512];
  uint16_t block = pg_get16(have->body + 5);
  uint32_t off = pg_get16(have->body + 7), n;
  const uint16_t from = pg_get16(have->body + 11);
  memset(missing, 0, sizeof missing);
  for (uint32_t i = 0; i < 8u * (have->n - 13u); i++) missing[from + i] = have->body[13 + i / 8] >> (i % 8) & 1;
  while (block == 0xFFFF || block < p->blocks) {
    const uint8_t *bytes = block_bytes(p, block, &n);
    while (off < n) {
      const uint32_t take = pg_min(body, n - off);
      if ((*most)-- == 0) return 1;
      ++*sent;
      rig_ask_seq(r, PG_T_DATA, data_seq++, bytes + off, take);
      if (r->flash.dead) return -1;
      off += take;
    }
    off = 0;
    if (block == 0xFFFF) return 0;
    do block++;
    while (block < p->blocks && !missing[block]);
  }
  return 0;
}

int host_send_some(rig *r, const pattern *p, uint16_t body, unsigned most, unsigned *sent) {
  for (unsigned segment = 0; segment < 4; segment++) {
    const reply *have = host_start(r, body);
    if (rig_err(have) || have->type != PG_T_HAVE) return -1;
    if (pg_get16(have->body + 5) == p->blocks) return 0;
    const reply copy = *have;
    const int left = send_segment(r, p, &copy, body, &most, sent);
    if (left) return left;
  }
  return -1;
}

int host_send(rig *r, const pattern *p, uint16_t body, unsigned *sent) {
  return host_send_some(r, p, body, 100000, sent);
}

reply *host_verify(rig *r, uint8_t alg, const pattern *p) {
  uint8_t body[33];
  memset(body, 0, sizeof body);
  body[0] = alg;
  if (alg == 1) {
    pg_siphash hash;
    memset(body + 1, 7, 16);
    pg_siphash_init(&hash, body + 1);
    pg_siphash_update(&hash, p->image, p->image_bytes);
    pg_siphash_final(&hash, body + 17);
  }
  return rig_ask(r, PG_T_VERIFY, body, sizeof body);
}

reply *host_slot(rig *r, uint8_t type, uint8_t slot, const pattern *p) {
  uint8_t body[17];
  body[0] = slot;
  memcpy(body + 1, p->id, 16);
  return rig_ask(r, type, body, sizeof body);
}

reply *host_activate(rig *r, uint8_t slot, const pattern *p, uint16_t seconds) {
  uint8_t body[19];
  body[0] = slot;
  memcpy(body + 1, p->id, 16);
  pg_put16(body + 17, seconds);
  return rig_ask(r, PG_T_ACTIVATE, body, sizeof body);
}

int host_upload(rig *r, const pattern *p, uint8_t *slot) {
  unsigned sent = 0;
  if (rig_err(rig_hello(r))) return -1;
  const reply *begun = host_begin(r, p, 255, 0);
  if (rig_err(begun)) return -1;
  *slot = begun->body[0];
  if (begun->body[1] == 2) return 0;
  if (host_send(r, p, 64, &sent)) return -1;
  const reply *verified = host_verify(r, 0, p);
  return rig_err(verified) ? -1 : 0;
}

int slot_holds(rig *r, uint8_t index, const pattern *p) {
  pg_slot slot;
  if (index >= r->config.slots || pg_slot_load(&r->board, index, &slot)) return 0;
  return slot.state == PG_SLOT_VERIFIED && memcmp(slot.id, p->id, 16) == 0 &&
         memcmp(r->flash.bytes + slot.manifest, p->manifest, p->manifest_bytes) == 0 &&
         memcmp(r->flash.bytes + slot.image, p->image, p->image_bytes) == 0;
}
