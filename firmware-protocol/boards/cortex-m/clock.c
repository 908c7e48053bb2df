#include "clock.h"

#include "core.h"
#include "strip.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define FROM_CPU 4u
#define WITH_INTERRUPT 2u
#define RUN 1u

static volatile uint64_t steps; /* 32 bits would come round after 24 days, and clock_ms half way */

void systick_handler(void);
void systick_handler(void) {
  steps++;
  strip_step((uint32_t)steps);
}

void clock_start(void) {
  core_systick_last();
  SYST_RVR = CLOCK_TICKS_PER_STEP - 1;
  SYST_CVR = 0;
  SYST_CSR = FROM_CPU | WITH_INTERRUPT | RUN;
}

/* The handler may change one half while the other is read; what is read twice the same is whole. */
static uint64_t now_steps(void) {
  uint64_t before, after = steps;
  do {
    before = after;
    after = steps;
  } while (before != after);
  return after;
}

uint32_t clock_ms(void) { return (uint32_t)(now_steps() / CLOCK_STEPS_PER_MS); }

uint32_t clock_steps(void) { return (uint32_t)now_steps(); }

/* The interrupt comes as the counter reaches 0: a period is 0, N - 1, N - 2 … 1. It may wait, where interrupts are off. */
uint64_t clock_ticks(void) {
  uint64_t before;
  uint32_t left;
  int waits;
  do {
    before = now_steps();
    left = SYST_CVR;
    waits = core_systick_waits();
  } while (before != now_steps());
  if (waits && (left == 0 || left > CLOCK_TICKS_PER_STEP / 2)) before++;
  return before * CLOCK_TICKS_PER_STEP + (left ? CLOCK_TICKS_PER_STEP - left : 0);
}
