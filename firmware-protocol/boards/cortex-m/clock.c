#include "clock.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define FROM_CPU 4u
#define WITH_INTERRUPT 2u
#define RUN 1u

static volatile uint32_t milliseconds;

void systick_handler(void);
void systick_handler(void) { milliseconds++; }

void clock_start(void) {
  SYST_RVR = CLOCK_TICKS_PER_MS - 1;
  SYST_CVR = 0;
  SYST_CSR = FROM_CPU | WITH_INTERRUPT | RUN;
}

uint32_t clock_ms(void) { return milliseconds; }

/* The interrupt comes as the counter reaches 0: a period is 0, N - 1, N - 2 … 1. */
uint64_t clock_ticks(void) {
  uint32_t before, left;
  do {
    before = milliseconds;
    left = SYST_CVR;
  } while (before != milliseconds);
  return (uint64_t)before * CLOCK_TICKS_PER_MS + (left ? CLOCK_TICKS_PER_MS - left : 0);
}
