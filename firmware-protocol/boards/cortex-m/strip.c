#include "strip.h"

#include "clock.h"
#include "core.h"
#include "port.h"
#include "ws2812.h"

#define LEAD_MS 8u
#define MOST_AHEAD ((int32_t)(2 * CLOCK_STEPS_PER_MS * LEAD_MS))
#define LOST ((int32_t)(CLOCK_STEPS_PER_MS * 100u))
#define LONGEST_MS 60000u
#define EASE 1u /* steps that a picture may be early to give time back */

#define PICTURE_BYTES (LEDS * 3u)

void *memcpy(void *to, const void *from, size_t n);

static uint8_t picture[PICTURE_BYTES];
static uint8_t symbols[PICTURE_BYTES * WS2812_SYMBOLS_PER_BYTE];
static volatile uint32_t planned; /* when the last picture leaves, steps */
static volatile int waits;
static uint32_t lasts; /* how long it stays, steps */
static uint32_t playing;

void strip_put(uint32_t at, const uint8_t *bytes, uint32_t n) {
  if (at >= sizeof picture) return; /* a fourth channel would not fit */
  memcpy(picture + at, bytes, n < sizeof picture - at ? n : sizeof picture - at);
}

int strip_ready(void) { return !waits && !port_strip_busy(); }

void strip_show(uint32_t delay_ms, const uint8_t id[16]) {
  /* Short ones leave no room to be early. */
  const uint32_t lead = delay_ms < 2 * LEAD_MS ? 1 + CLOCK_STEPS_PER_MS * delay_ms / 2 : CLOCK_STEPS_PER_MS * LEAD_MS;
  uint32_t pattern;
  memcpy(&pattern, id, sizeof pattern);
  while (!strip_ready()) continue; /* an overlay or black does not ask before */
  ws2812_encode(symbols, picture, sizeof picture);
  const uint32_t now = clock_steps();
  uint32_t leaves = planned + lasts;
  const int32_t ahead = (int32_t)(leaves - now);
  if (pattern != playing || ahead > LOST || ahead < -LOST)
    leaves = now + lead;
  else if (ahead < 1)
    leaves = now + 1; /* late: at the next step */
  else if (ahead > MOST_AHEAD)
    leaves -= EASE;
  playing = pattern;
  lasts = CLOCK_STEPS_PER_MS * (delay_ms < LONGEST_MS ? delay_ms : LONGEST_MS);
  planned = leaves;
  core_barrier(); /* what is to leave is there before the interrupt can see it */
  waits = 1;
}

void strip_step(uint32_t now) {
  if (!waits || (int32_t)(now - planned) < 0) return;
  waits = 0;
  port_strip(symbols, sizeof symbols);
}
