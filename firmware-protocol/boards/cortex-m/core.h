/* The few instructions and registers that all Cortex-M share. */
#ifndef CORE_H
#define CORE_H

#include <stdint.h>

static inline void core_interrupts_off(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static inline void core_interrupts_on(void) { __asm__ volatile("cpsie i" ::: "memory"); }
static inline void core_barrier(void) { __asm__ volatile("" ::: "memory"); }
static inline void core_wait(void) { __asm__ volatile("dsb\n wfi" ::: "memory"); }

/* Lets interrupt n through. */
static inline void core_enable(uint32_t n) { ((volatile uint32_t *)0xE000E100u)[n / 32u] = 1u << n % 32u; }

/* Every other interrupt may come while SysTick's is handled. */
static inline void core_systick_last(void) { *(volatile uint32_t *)0xE000ED20u |= 0xFF000000u; }
/* SysTick's interrupt has come and was not handled yet. */
static inline int core_systick_waits(void) { return (*(volatile uint32_t *)0xE000ED04u & 1u << 26) != 0; }

__attribute__((noreturn)) static inline void core_reset(void) {
  __asm__ volatile("dsb" ::: "memory");
  *(volatile uint32_t *)0xE000ED0Cu = 0x05FA0004u; /* AIRCR: key, SYSRESETREQ */
  for (;;) continue;
}

#endif
