/* Time since the start, from timer 1. Interrupts may be off for 262 ms without harm. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_TICKS_PER_MS 250u /* 16 MHz / 64 */

void clock_start(void);
uint32_t clock_ticks(void);
uint32_t clock_ms(void);

#endif
