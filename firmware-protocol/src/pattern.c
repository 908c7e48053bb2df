/* What is stored and which of it plays (SPEC §8.1 … §8.5). */
#include "internal.h"

int pg_list(pg_board *b, uint16_t n) {
  uint8_t *body = pg_body(b);
  const uint8_t index = body[0];
  uint8_t m[PG_MANIFEST_FIXED];
  pg_slot slot;
  (void)n;
  if (index >= b->config->slots) return PG_BAD_ARGUMENT;
  if (pg_slot_load(b, index, &slot)) return PG_STORAGE;
  memset(m, 0, sizeof m);
  if (slot.manifest_done && pg_read(b, slot.manifest, m, sizeof m)) return PG_STORAGE;
  body[0] = b->config->slots;
  body[1] = index;
  body[2] = slot.state;
  body[3] = (uint8_t)((index == b->record.active ? 1 : 0) | (index == b->record.trial ? 2 : 0));
  memcpy(body + 4, slot.id, 16);
  pg_put32(body + 20, slot.image_bytes);
  memcpy(body + 24, m + PG_M_FRAMES, 4);
  memcpy(body + 28, m + PG_M_LEDS, 2);
  pg_put16(body + 30, slot.blocks);
  /* A host that takes the least, 64 bytes, misses the last byte of a name of 32. */
  body[32] = (uint8_t)pg_min(pg_min(m[PG_M_NAME_BYTES], 32), pg_body_limit(b) - 33u);
  memcpy(body + 33, m + PG_M_NAME, body[32]);
  pg_reply(b, PG_T_LIST, (uint16_t)(33 + body[32]));
  return 0;
}

static int repeated(const pg_board *b) { return b->done_type == b->type && b->done_seq == b->seq; }

static void acted(pg_board *b) {
  b->done_type = b->type;
  b->done_seq = b->seq;
}

int pg_delete(pg_board *b, uint16_t n) {
  const uint8_t *body = pg_body(b);
  pg_slot slot;
  (void)n;
  if (!repeated(b)) {
    if (body[0] >= b->config->slots) return PG_BAD_ARGUMENT;
    if (pg_slot_load(b, body[0], &slot)) return PG_STORAGE;
    if (slot.state == PG_SLOT_EMPTY || memcmp(slot.id, body + 1, 16) != 0) return PG_NOT_FOUND;
    if (pg_slot_in_use(b, body[0])) return PG_BAD_STATE;
    if (pg_slot_wipe(b, body[0])) return PG_STORAGE;
    if (b->transfer.slot == body[0]) pg_transfer_close(b);
    acted(b);
  }
  pg_reply(b, PG_T_DELETE, 17);
  return 0;
}

int pg_select(pg_board *b, uint16_t n) {
  const uint8_t index = pg_body(b)[0];
  (void)n;
  if (!repeated(b)) {
    int r = pg_slot_verified(b, index, pg_body(b) + 1);
    if (r == 0) r = pg_activate_slot(b, index);
    if (r) return r;
    acted(b);
  }
  pg_reply(b, PG_T_SELECT, 17);
  return 0;
}

static int reply_playing(pg_board *b) {
  const uint8_t body[2] = {b->player.slot, b->player.running};
  pg_send(b, b->type, b->from, b->seq, body, sizeof body);
  return 0;
}

/* NEXT and PREVIOUS. A repeated one must not walk twice. */
int pg_step(pg_board *b, uint16_t n) {
  const uint8_t slots = b->config->slots;
  uint8_t index = b->player.slot;
  (void)n;
  if (repeated(b)) return reply_playing(b);
  for (uint8_t i = 0; i < slots; i++) {
    pg_slot slot;
    if (b->type == PG_T_NEXT)
      index = index == PG_NO_SLOT_INDEX || index + 1 >= slots ? 0 : (uint8_t)(index + 1);
    else
      index = index == PG_NO_SLOT_INDEX || index == 0 ? (uint8_t)(slots - 1) : (uint8_t)(index - 1);
    if (pg_slot_load(b, index, &slot)) return PG_STORAGE;
    if (slot.state != PG_SLOT_VERIFIED) continue;
    if (pg_activate_slot(b, index)) return PG_STORAGE;
    break;
  }
  acted(b);
  return reply_playing(b);
}

int pg_play_stop(pg_board *b, uint16_t n) {
  const uint8_t playing = b->type == PG_T_PLAY;
  (void)n;
  if (b->record.playing != playing) {
    pg_record r = b->record;
    r.playing = playing;
    if (pg_record_save(b, &r)) return PG_STORAGE;
  }
  if (!playing)
    pg_player_stop(b);
  else if (!b->player.running)
    pg_play(b, b->player.slot);
  return reply_playing(b);
}

int pg_brightness(pg_board *b, uint16_t n) {
  pg_record r = b->record;
  (void)n;
  r.brightness = pg_body(b)[0];
  if (r.brightness != b->record.brightness && pg_record_save(b, &r)) return PG_STORAGE;
  pg_reply(b, PG_T_BRIGHTNESS, 1);
  return 0;
}
