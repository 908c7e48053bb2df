/* A pixelgate board on an ATmega328P or ATmega2560 (targets: target.h, sizes and wiring: docs/boards.md). */
#include <avr/interrupt.h>
#include <avr/wdt.h>
#include <string.h>

#include "clock.h"
#include "pixelgate/board.h"
#include "store.h"
#include "strip.h"
#include "target.h"
#include "uart.h"

#define BUSY_LIGHT_MS 40u

static uint8_t rx[PG_RX_BYTES(MAX_BODY)];
#if DECODE_BYTES > 0
static uint8_t decode[DECODE_BYTES];
#endif
static pg_board board;

/* After a watchdog reset it goes on running, and at its shortest. */
__attribute__((naked, used, section(".init3"))) static void quiet_watchdog(void) {
  MCUSR = 0;
  wdt_disable();
}

static void send(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  uart_send(bytes, n);
}

static void pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  (void)ctx;
  strip_put((uint16_t)offset, bytes, n);
}

static void show(void *ctx, uint32_t frame, uint32_t delay_ms, const uint8_t id[16]) {
  (void)ctx;
  (void)frame;
  uint32_t pattern;
  memcpy(&pattern, id, sizeof pattern);
  strip_show(delay_ms, pattern);
}

#if PG_WITH_SETBAUD
static void set_baud(void *ctx, uint32_t baud) {
  (void)ctx;
  uart_set_baud(baud);
}
#endif

static void reboot(void *ctx) {
  (void)ctx;
  wdt_enable(WDTO_15MS);
  for (;;) continue;
}

static pg_config config = {
    .leds = LEDS,
    .width = LED_WIDTH,
    .height = LED_HEIGHT,
    .max_body = MAX_BODY,
    .rx_bytes = UART_HOLDS,
    .window = CREDIT,
    .line_rate_baud = LINE_RATE_BAUD,
#if PG_WITH_SETBAUD
    .max_baud = 500000,
    .set_baud = set_baud,
#endif
    .codecs = 15,
    .digests = 3,
    .macs = 3,
    .slice_bytes = 64, /* under 2 ms each */
    .slots = SLOTS,
    .flags = STORE_FLAGS,
    .block_bytes = 0xFFFF,
    .firmware_name = "pixelgate-avr",
    .firmware_version = PG_LIBRARY_VERSION,
    .board_name = BOARD_NAME,
    .rx = rx,
#if DECODE_BYTES > 0
    .decode = decode,
    .decode_bytes = DECODE_BYTES,
#endif
    .send = send,
    .pixels = pixels,
    .show = show,
    .reboot = reboot,
#ifdef STORAGE_NOR
    .erases = store_erases,
#endif
};

static void light(uint8_t on) {
  if (on)
    PORTB = (uint8_t)(PORTB | _BV(STATUS_BIT));
  else
    PORTB = (uint8_t)(PORTB & ~_BV(STATUS_BIT));
}

/* Without storage there is nothing to do: a blink of 5 Hz says so. */
static void give_up(void) {
  for (;;) light((clock_ms() / 100) & 1);
}

int main(void) {
  DDRB = (uint8_t)(DDRB | _BV(STATUS_BIT));
  strip_start();
  clock_start();
  uart_set_baud(0);
  sei();
  if (store_start(&config.storage) || pg_board_init(&board, &config, clock_ms())) give_up();
  uint32_t heard = clock_ms() - BUSY_LIGHT_MS;
  for (;;) {
    const uint8_t *bytes;
    const uint16_t n = uart_piece(&bytes);
    const uint32_t now = clock_ms();
    if (n) {
      uart_release((uint16_t)pg_board_sink(&board, bytes, n));
      heard = now;
    }
    light(now - heard < BUSY_LIGHT_MS);
    pg_board_poll(&board, now);
  }
}
