/* Plays a stored pattern: one frame at a time, decoded from storage when it is due or a little before. */
#include "internal.h"

#define LONGEST_DELAY 0x3FFFFFFFu /* times are compared by their difference */
#define LATE_MS 1000u             /* beyond this the lost time is dropped instead of made up */

/* value · (level + 1) >> 8 (SPEC §8.4) */
void pg_emit(void *board, uint8_t *bytes, uint16_t n) {
  pg_board *b = board;
  const uint16_t level = (uint16_t)(b->record.brightness + 1);
  if (level != 256)
    for (uint16_t i = 0; i < n; i++) bytes[i] = (uint8_t)((uint16_t)bytes[i] * (uint32_t)level >> 8);
  b->config->pixels(b->config->ctx, b->player.offset, bytes, n);
  b->player.offset += n;
}

/* `bytes` more bytes of the picture, the same pixel over and over, as they are. */
void pg_emit_same(pg_board *b, uint32_t bytes, const uint8_t *value, uint8_t channels) {
  uint8_t chunk[PG_CHUNK];
  for (uint16_t i = 0; i < PG_CHUNK; i++) chunk[i] = value[i % channels];
  while (bytes) {
    const uint16_t n = (uint16_t)pg_min(bytes, sizeof chunk);
    b->config->pixels(b->config->ctx, b->player.offset, chunk, n);
    b->player.offset += n;
    bytes -= n;
  }
}

void pg_show(pg_board *b, uint32_t frame, uint32_t delay_ms, const uint8_t *id) {
  static const uint8_t none[16] = {0};
  b->config->show(b->config->ctx, frame, delay_ms, id ? id : none);
}

/* Output that shuts out receiving waits for the end of a frame, but not for ever. */
int pg_show_allowed(pg_board *b, uint32_t due) {
  const pg_config *c = b->config;
  if (c->show_guard_ms && b->rx.wire && !pg_due(b->now, due + 20)) return 0;
  return !c->can_show || c->can_show(c->ctx);
}

int pg_player_soon(const pg_board *b, uint32_t ms) {
  return b->player.running && !b->overlay.kind && pg_due(b->now + ms, b->player.due);
}

static void black(pg_board *b) {
  static const uint8_t zero = 0;
  if (b->overlay.kind) return; /* its end draws */
  b->player.offset = 0;
  pg_emit_same(b, (uint32_t)b->config->leds * b->player.channels, &zero, 1);
  pg_show(b, 0, 0, NULL);
}

static void load(pg_board *b, uint8_t index) {
  pg_player *p = &b->player;
  uint8_t m[PG_M_LOOPS + 2];
  const uint8_t channels = p->channels ? p->channels : 3;
  pg_slot slot;
  memset(p, 0, sizeof *p);
  p->channels = channels;
  p->slot = PG_NO_SLOT_INDEX;
  if (index >= b->config->slots || pg_slot_load(b, index, &slot) || slot.state != PG_SLOT_VERIFIED) return;
  if (pg_read(b, slot.manifest, m, sizeof m)) return;
  p->slot = index;
  if (m[PG_M_KIND] != 1) return; /* opaque bytes are stored, not shown */
  p->channels = m[PG_M_CHANNELS];
  p->leds = pg_get16(m + PG_M_LEDS);
  p->blocks = slot.blocks;
  p->loops = pg_get16(m + PG_M_LOOPS);
  p->table = slot.manifest + PG_MANIFEST_FIXED;
  p->image = p->stored = slot.image;
  p->clear = p->leds < b->config->leds;
  p->due = b->now;
  p->running = 1;
}

void pg_play(pg_board *b, uint8_t index) {
  load(b, index);
  if (!b->player.running) black(b);
}

void pg_play_record(pg_board *b) {
  load(b, b->record.active);
  b->player.running = b->player.running && b->record.playing;
  if (!b->player.running) black(b);
}

void pg_player_stop(pg_board *b) {
  b->player.running = 0;
  black(b);
}

static int open_block(pg_board *b) {
  pg_player *p = &b->player;
  const pg_config *c = b->config;
  pg_entry entry;
  if (pg_entry_read(&c->storage, p->table + (uint32_t)p->block * PG_ENTRY_BYTES, &entry)) return PG_STORAGE;
  if (entry.codec > 15 || !((uint32_t)b->codecs >> entry.codec & 1u)) return PG_UNKNOWN_CODEC;
  const int r = pg_decoder_open(&p->decoder, &c->storage, p->stored, &entry, p->leds, p->channels, c->decode,
                                b->decode_bytes);
  p->stored += entry.stored_bytes;
  p->block++;
  p->left = entry.frames;
  return r;
}

static int draw(pg_board *b) {
  static const uint8_t zero = 0;
  pg_player *p = &b->player;
  uint32_t delay;
  uint8_t id[16];
  p->offset = 0;
  const int r = pg_decoder_frame(&p->decoder, pg_emit, b, &delay);
  if (r) return r;
  if (pg_read(b, pg_slot_addr(b, p->slot) + 4, id, sizeof id)) return PG_STORAGE;
  if (p->clear) pg_emit_same(b, (uint32_t)(b->config->leds - p->leds) * p->channels, &zero, 1);
  p->clear = 0;
  p->left--;
  p->frame = p->next++;
  b->frames_shown++;
  if (!p->begun || b->now - p->due > LATE_MS) p->due = b->now;
  p->begun = 1;
  /* A delay of 0 would never let go of the processor. */
  p->due += delay ? pg_min(delay, LONGEST_DELAY) : 1;
  pg_show(b, p->frame, delay, id);
  return 0;
}

/* Returns 1 when the next frame is decoded, 0 when decoding goes on, or an error. */
static int prepare(pg_board *b) {
  pg_player *p = &b->player;
  if (p->left == 0) {
    const int r = open_block(b);
    if (r) return r;
  }
  return pg_decoder_prepare(&p->decoder, pg_slice(b));
}

/* At the end of the pattern. Returns 1 if it has been shown as often as it wants. */
static int rewind_or_end(pg_player *p) {
  if (p->loops == 1) return 1;
  if (p->loops) p->loops--;
  p->block = 0;
  p->stored = p->image;
  p->next = 0;
  return 0;
}

uint32_t pg_player_poll(pg_board *b) {
  pg_player *p = &b->player;
  if (!p->running || b->overlay.kind) return PG_IDLE_MS;
  const int due = pg_due(b->now, p->due);
  const uint32_t wait = due ? 0 : pg_min(p->due - b->now, PG_IDLE_MS);
  if (p->left == 0 && p->block == p->blocks && (due || p->loops != 1) && rewind_or_end(p)) {
    p->running = 0; /* the last frame stays */
    return PG_IDLE_MS;
  }
  if (p->left == 0 && p->block == p->blocks) return wait;
  int r = prepare(b);
  if (r >= 0 && !due) return r ? wait : 0;
  if (r >= 0 && !pg_show_allowed(b, p->due)) return 1;
  if (r >= 0) r = draw(b);
  if (r < 0) p->running = 0;
  return 0;
}
