/* SysTick, which every Cortex-M has, as clock of the board. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_TICKS_PER_MS (CPU_HZ / 1000u)
#define CLOCK_TICKS_PER_US (CPU_HZ / 1000000u)

void clock_start(void);
uint32_t clock_ms(void);

/* Ticks of CPU_HZ since the start. Not in an interrupt. */
uint64_t clock_ticks(void);

#endif
