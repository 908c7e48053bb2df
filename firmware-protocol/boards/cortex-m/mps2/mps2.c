/*
 * Arm MPS2 with the FPGA image AN385 (Cortex-M3 at 25 MHz; Arm DAI 0385), as QEMU's mps2-an385 models it. UART0 is the line.
 * UART1 drives the strip. UART2 tells when: QEMU models no baud rate, so the firmware writes its own time before each picture.
 * This board's UARTs reach 1.56 Mbaud: real LEDs want another chip, of which this one stands for everything but the pin.
 */
#include "../clock.h"
#include "../core.h"
#include "../port.h"
#include "../ring.h"
#include "../ws2812.h"
#include "line.h"
#include "mps2.h"
#include "nor.h"

#define STRIP ((cmsdk_uart *)0x40005000u)
#define TIMES ((cmsdk_uart *)0x40006000u)
#define SMALLEST_DIVIDER 16u

#define FPGAIO_LED (*(volatile uint32_t *)0x40028000u)

#define TICKS_PER_SYMBOL (CPU_HZ / 1000u * 10u / (WS2812_BAUD / 1000u))

const char port_name[] = "MPS2 AN385";
const uint32_t port_max_baud = 1000000u;

uint64_t port_slept; /* ticks; the rig reads it */
static uint64_t strip_free;

typedef void vector(void);
__attribute__((used, section(".vectors.chip"))) static vector *const vectors[32] = {
    [LINE_IRQ] = line_received,
    [BYTE_TIMER_IRQ] = line_byte_due,
};

void port_start(void) {
  STRIP->divider = TIMES->divider = SMALLEST_DIVIDER;
  STRIP->ctrl = TIMES->ctrl = UART_TX_ENABLE;
  uart_put(TIMES, '!');
  line_start();
}

int port_store(pg_storage *storage) {
  nor_start(storage);
  return 0;
}

int port_store_erases(void *ctx) { return nor_works(ctx); }

/* "@", the time in ticks as 16 hex digits, then the symbols, all of which are above 0x7F. */
void port_strip(const uint8_t *bytes, size_t n) {
  const uint64_t now = clock_ticks();
  uart_put(TIMES, '@');
  for (unsigned shift = 64; shift;) {
    shift -= 4;
    uart_put(TIMES, (uint8_t) "0123456789abcdef"[now >> shift & 15]);
  }
  strip_free = now + n * TICKS_PER_SYMBOL + WS2812_LATCH_US * CLOCK_TICKS_PER_US;
  while (n--) uart_put(STRIP, *bytes++);
}

int port_strip_busy(void) { return clock_ticks() < strip_free; }

void port_light(int on) { FPGAIO_LED = on ? 1u : 0u; }

/*
 * Waits instead of sleeping. QEMU counts instructions, but in WFI the host's time passes, and a host that is busy is late by milliseconds: of the
 * firmware's own times nothing could be told. Registers take QEMU long to read; memory alone would make a second pass in an eighth of the host's.
 */
void port_sleep(void) {
  const uint64_t began = clock_ticks();
  const uint32_t step = clock_steps();
  core_interrupts_on();
  while (ring_is_empty() && clock_steps() == step)
    for (unsigned i = 0; i < 8; i++) (void)TIMES->state;
  port_slept += clock_ticks() - began;
}
