#include "clock.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

static volatile uint16_t overflows;

ISR(TIMER1_OVF_vect) { overflows++; }

void clock_start(void) {
  TCCR1A = 0;
  TCCR1B = _BV(CS11) | _BV(CS10);
  TIMSK1 = (uint8_t)(TIMSK1 | _BV(TOIE1));
}

uint32_t clock_ticks(void) {
  uint16_t low, high;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    low = TCNT1;
    high = overflows;
    if ((TIFR1 & _BV(TOV1)) && low < 0x8000u) high++; /* the overflow is not counted yet */
  }
  return (uint32_t)high << 16 | low;
}

/* Steps instead of a division; as many as ms have passed since the last call. */
uint32_t clock_ms(void) {
  static uint32_t ms, counted;
  const uint32_t now = clock_ticks();
  for (; now - counted >= CLOCK_TICKS_PER_MS; counted += CLOCK_TICKS_PER_MS) ms++;
  return ms;
}
