#include "strip.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <string.h>
#include <util/atomic.h>

#include "clock.h"
#include "ws2812.h"

#ifdef STORAGE_SD
#define LEAD_MS 16u /* the end of a block takes 12 ms: its last frame, and two sectors */
#else
#define LEAD_MS 8u
#endif
#define MOST_LEAD_MS (2 * LEAD_MS)
#define LOST_MS 100u
#define EASE 100u /* ticks, 0.4 ms: what a picture may be early to give time back */
#define SOON 8    /* ticks that setting the timer may take */

static uint8_t picture[LEDS * 3u];
static volatile uint8_t waits;
static uint32_t planned; /* when the last picture leaves, ticks */
static uint32_t lasts;   /* how long it stays, ticks */
static uint32_t playing;

static void put_out(void) {
  ws2812_show(picture, sizeof picture);
  waits = 0;
}

/*
 * The match of an old picture's time may still be pending when the next one is set, and matches go on while none waits: what is due is told by
 * the clock. The flag is not cleared by hand, since simavr 1.6 would lose an overflow that is pending in the same register.
 */
ISR(TIMER1_COMPA_vect) {
  if (waits && (int16_t)(TCNT1 - OCR1A) >= 0) put_out();
}

void strip_start(void) {
  ws2812_start();
  TIMSK1 = (uint8_t)(TIMSK1 | _BV(OCIE1A));
}

void strip_put(uint16_t at, const uint8_t *bytes, uint16_t n) {
  while (waits) continue;
  if (at >= sizeof picture) return; /* a fourth channel would not fit */
  memcpy(picture + at, bytes, n < sizeof picture - at ? n : sizeof picture - at);
}

void strip_show(uint32_t delay_ms, uint32_t pattern) {
  const uint32_t lead = CLOCK_TICKS_PER_MS * (delay_ms < 2 * LEAD_MS ? delay_ms / 2 : LEAD_MS); /* short ones leave no room */
  while (waits) continue;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    const uint32_t now = clock_ticks();
    planned += lasts;
    if (pattern != playing || planned - now > LOST_MS * CLOCK_TICKS_PER_MS) /* too late is a very large number */
      planned = now + lead;
    else if (planned - now > MOST_LEAD_MS * CLOCK_TICKS_PER_MS)
      planned -= EASE;
    playing = pattern;
    lasts = CLOCK_TICKS_PER_MS * (delay_ms < 60000u ? delay_ms : 60000u);
    waits = 1;
    if (planned - now < SOON)
      put_out();
    else
      OCR1A = (uint16_t)planned;
  }
}
