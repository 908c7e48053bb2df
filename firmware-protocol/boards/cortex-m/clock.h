/* SysTick, which every Cortex-M has, as clock of the board. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_TICKS_PER_MS (CPU_HZ / 1000u)
#define CLOCK_TICKS_PER_US (CPU_HZ / 1000000u)

/* The interrupt comes twice a millisecond, for pictures that are to leave early by less than one. */
#define CLOCK_STEPS_PER_MS 2u
#define CLOCK_TICKS_PER_STEP (CLOCK_TICKS_PER_MS / CLOCK_STEPS_PER_MS)

void clock_start(void);
uint32_t clock_ms(void);
uint32_t clock_steps(void);

/* Ticks of CPU_HZ since the start. Not in an interrupt that can come before SysTick's. */
uint64_t clock_ticks(void);

#endif
