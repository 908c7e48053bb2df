/* IDENTIFY, FILL and FRAME (SPEC §8.7, §8.9). The stored pattern waits underneath. */
#include "internal.h"

#define BLINK_MS 250u /* 2 Hz */

static void lay(pg_board *b, uint8_t kind, uint32_t ms) {
  b->overlay.kind = kind;
  b->overlay.dirty = 1;
  b->overlay.until = b->now + ms;
  b->overlay.blink = b->now;
  b->overlay.lit = 0;
}

int pg_identify(pg_board *b, uint16_t n) {
  (void)n;
  lay(b, PG_T_IDENTIFY, pg_get16(pg_body(b)));
  pg_reply(b, PG_T_IDENTIFY, 2);
  return 0;
}

#if PG_WITH_LIVE

static uint32_t hold_ms(const uint8_t *body) { return pg_get16(body) ? pg_get16(body) : 1000u; }

int pg_fill(pg_board *b, uint16_t n) {
  const uint8_t *body = pg_body(b);
  pg_overlay *o = &b->overlay;
  b->detail = 2;
  if (body[2] != 3 && body[2] != 4) return PG_BAD_ARGUMENT;
  b->detail = (uint16_t)(3 + body[2]);
  if (n != b->detail) return PG_BAD_LENGTH;
  o->channels = body[2];
  memcpy(o->fill, body + 3, body[2]);
  lay(b, PG_T_FILL, hold_ms(body));
  pg_reply(b, PG_T_FILL, 0);
  return 0;
}

int pg_frame(pg_board *b, uint16_t n) {
  const uint8_t *body = pg_body(b);
  const pg_config *c = b->config;
  pg_overlay *o = &b->overlay;
  const uint32_t offset = pg_get16(body + 2), end = offset + n - 5u;
  if (c->live_bytes == 0) return PG_UNSUPPORTED;
  b->detail = 2;
  if (end > c->live_bytes || end > (uint32_t)c->leds * 4u) return PG_BAD_ARGUMENT;
  if (o->live_used == 0) memset(c->live, 0, c->live_bytes);
  memcpy(c->live + offset, body + 5, n - 5u);
  if (end > o->live_used) o->live_used = (uint16_t)end;
  if (body[4] == 1)
    lay(b, PG_T_FRAME, hold_ms(body));
  else if (o->kind == PG_T_FRAME)
    o->until = b->now + hold_ms(body);
  pg_reply(b, PG_T_FRAME, 0);
  return 0;
}

static void draw_live(pg_board *b) {
  const pg_overlay *o = &b->overlay;
  uint8_t chunk[PG_CHUNK];
  if (o->kind == PG_T_FILL) {
    uint8_t value[4];
    const uint16_t level = (uint16_t)(b->record.brightness + 1);
    for (uint8_t i = 0; i < 4; i++) value[i] = (uint8_t)((uint32_t)o->fill[i] * level >> 8);
    pg_emit_same(b, (uint32_t)b->config->leds * o->channels, value, o->channels);
    return;
  }
  for (uint32_t at = 0; at < o->live_used;) {
    const uint16_t n = (uint16_t)pg_min(o->live_used - at, sizeof chunk);
    memcpy(chunk, b->config->live + at, n);
    pg_emit(b, chunk, n);
    at += n;
  }
}

#endif

static void end(pg_board *b) {
  b->overlay.kind = 0;
  b->overlay.live_used = 0;
  b->player.due = b->now;
  b->player.clear = b->player.leds < b->config->leds;
  if (!b->player.running) pg_player_stop(b);
}

/* A quarter of full level, whatever the brightness. */
static void draw_blink(pg_board *b) {
  pg_overlay *o = &b->overlay;
  o->lit ^= 1;
  o->blink += BLINK_MS;
  const uint8_t value = o->lit ? 64 : 0;
  pg_emit_same(b, (uint32_t)b->config->leds * b->player.channels, &value, 1);
}

uint32_t pg_overlay_poll(pg_board *b) {
  pg_overlay *o = &b->overlay;
  if (!o->kind) return PG_IDLE_MS;
  if (pg_due(b->now, o->until)) {
    end(b);
    return 0;
  }
  const uint32_t left = o->until - b->now;
  const int blinks = o->kind == PG_T_IDENTIFY;
  if (blinks ? !pg_due(b->now, o->blink) : !o->dirty) return blinks ? pg_min(left, o->blink - b->now) : left;
  if (!pg_show_allowed(b, o->blink)) return 1;
  b->player.offset = 0;
  o->dirty = 0;
  if (blinks) draw_blink(b);
#if PG_WITH_LIVE
  if (!blinks) {
    draw_live(b);
    b->frames_shown++;
  }
#endif
  pg_show(b, 0, left, NULL);
  return 0;
}
