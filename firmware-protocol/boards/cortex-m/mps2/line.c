/*
 * UART0 as a line with a rate. QEMU's takes a byte as soon as the last one was read, and sends at once; so the last one is read when, at the
 * rate that the divider says, the next one could be whole, and what is sent takes its time. Bytes that a chip would have lost because
 * nobody read them in time are not lost here, but counted.
 */
#include "line.h"

#include "../core.h"
#include "../port.h"
#include "../ring.h"
#include "mps2.h"

#define LINE ((cmsdk_uart *)0x40004000u)
#define BYTE_TIMER ((cmsdk_timer *)0x40000000u)
#define CYCLES ((cmsdk_timer *)0x40001000u)
#define BITS_PER_BYTE 10u

uint32_t line_overruns; /* the rig reads it */
static uint32_t taken, sent; /* when the last byte was, cycles */
static uint32_t byte_cycles;

/* Counts up, and comes round after 171 s. */
static uint32_t now(void) { return ~CYCLES->value; }

static void take(uint32_t at) {
  ring_put((uint8_t)LINE->data);
  taken = at;
}

void line_received(void) {
  LINE->interrupts = UART_RX_FULL;
  const uint32_t at = now(), since = at - taken;
  if (since >= byte_cycles) {
    take(at);
  } else {
    BYTE_TIMER->value = byte_cycles - since;
    BYTE_TIMER->ctrl = TIMER_RUN | TIMER_INTERRUPT;
  }
}

void line_byte_due(void) {
  const uint32_t at = now();
  BYTE_TIMER->interrupts = 1;
  BYTE_TIMER->ctrl = 0;
  if (at - taken > 2 * byte_cycles) line_overruns++;
  take(taken + byte_cycles);
}

static void set_rate(uint32_t baud) {
  LINE->divider = CPU_HZ / baud;
  byte_cycles = BITS_PER_BYTE * LINE->divider;
}

void line_start(void) {
  CYCLES->reload = CYCLES->value = UINT32_MAX;
  CYCLES->ctrl = TIMER_RUN;
  set_rate(PORT_START_BAUD);
  LINE->ctrl = UART_TX_ENABLE | UART_RX_ENABLE | UART_RX_INTERRUPT;
  core_enable(LINE_IRQ);
  core_enable(BYTE_TIMER_IRQ);
}

static void wait_until_sent(void) {
  while (now() - sent < byte_cycles) continue;
}

void port_send(const uint8_t *bytes, size_t n) {
  while (n--) {
    wait_until_sent();
    uart_put(LINE, *bytes++);
    sent = now();
  }
}

void port_set_baud(uint32_t baud) {
  wait_until_sent();
  set_rate(baud ? baud : PORT_START_BAUD);
}
