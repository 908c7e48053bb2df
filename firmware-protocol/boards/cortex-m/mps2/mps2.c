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
#include "nor.h"

/* CMSDK APB UART (Arm DDI 0479). */
typedef struct cmsdk_uart {
  volatile uint32_t data, state, ctrl, interrupts, divider;
} cmsdk_uart;
#define LINE ((cmsdk_uart *)0x40004000u)
#define STRIP ((cmsdk_uart *)0x40005000u)
#define TIMES ((cmsdk_uart *)0x40006000u)
#define LINE_RX_IRQ 0u
#define TX_FULL 1u
#define RX_FULL 2u
#define TX_ENABLE 1u
#define RX_ENABLE 2u
#define RX_INTERRUPT 8u
#define SMALLEST_DIVIDER 16u

#define FPGAIO_LED (*(volatile uint32_t *)0x40028000u)

#define TICKS_PER_SYMBOL (CPU_HZ / 1000u * 10u / (WS2812_BAUD / 1000u))

const char port_name[] = "MPS2 AN385";
const uint32_t port_max_baud = 1000000u;

uint64_t port_slept; /* ticks; the rig reads it */
static uint64_t strip_free;

static void put(cmsdk_uart *uart, uint8_t byte) {
  while (uart->state & TX_FULL) continue;
  uart->data = byte;
}

static void line_received(void) {
  LINE->interrupts = RX_FULL;
  while (LINE->state & RX_FULL) ring_put((uint8_t)LINE->data);
}

typedef void vector(void);
__attribute__((used, section(".vectors.chip"))) static vector *const vectors[32] = {[LINE_RX_IRQ] = line_received};

void port_start(void) {
  STRIP->divider = TIMES->divider = SMALLEST_DIVIDER;
  STRIP->ctrl = TIMES->ctrl = TX_ENABLE;
  put(TIMES, '!');
  LINE->divider = CPU_HZ / PORT_START_BAUD;
  LINE->ctrl = TX_ENABLE | RX_ENABLE | RX_INTERRUPT;
  core_enable(LINE_RX_IRQ);
}

void port_send(const uint8_t *bytes, size_t n) {
  while (n--) put(LINE, *bytes++);
}

void port_set_baud(uint32_t baud) {
  while (LINE->state & TX_FULL) continue;
  const uint64_t left = clock_ticks() + 10u * LINE->divider; /* the last byte is in the shift register yet */
  while (clock_ticks() < left) continue;
  LINE->divider = CPU_HZ / (baud ? baud : PORT_START_BAUD);
}

int port_store(pg_storage *storage) {
  nor_start(storage);
  return 0;
}

/* "@", the time in ticks as 16 hex digits, then the symbols, all of which are above 0x7F. */
void port_strip(const uint8_t *bytes, size_t n) {
  const uint64_t now = clock_ticks();
  put(TIMES, '@');
  for (unsigned shift = 64; shift;) {
    shift -= 4;
    put(TIMES, (uint8_t) "0123456789abcdef"[now >> shift & 15]);
  }
  strip_free = now + n * TICKS_PER_SYMBOL + WS2812_LATCH_US * CLOCK_TICKS_PER_US;
  while (n--) put(STRIP, *bytes++);
}

int port_strip_busy(void) { return clock_ticks() < strip_free; }

void port_light(int on) { FPGAIO_LED = on ? 1u : 0u; }

void port_sleep(void) {
  const uint64_t began = clock_ticks();
  core_wait();
  core_interrupts_on(); /* what woke it is counted before the clock is read */
  port_slept += clock_ticks() - began;
}
