/* A pixelgate board on a Cortex-M. What differs from chip to chip is in port.h; docs/boards-cortex-m.md has the rest. */
#include "clock.h"
#include "core.h"
#include "pixelgate/board.h"
#include "port.h"
#include "ring.h"
#include "strip.h"

#define BUSY_LIGHT_MS 40u

byte_ring ring;
static uint8_t live[LEDS * 3u];
static uint8_t rx[PG_RX_BYTES(MAX_BODY)];
static uint8_t decode[DECODE_BYTES];
static pg_board board;

static void send(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  port_send(bytes, n);
}

static void pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  (void)ctx;
  strip_put(offset, bytes, n);
}

static int can_show(void *ctx) {
  (void)ctx;
  return strip_ready();
}

static void show(void *ctx, uint32_t frame, uint32_t delay_ms, const uint8_t id[16]) {
  (void)ctx;
  (void)frame;
  strip_show(delay_ms, id);
}

static void set_baud(void *ctx, uint32_t baud) {
  (void)ctx;
  port_set_baud(baud);
}

static void reboot(void *ctx) {
  (void)ctx;
  port_set_baud(0); /* the answer leaves first */
  core_reset();
}

static uint32_t now_ms(void *ctx) {
  (void)ctx;
  return clock_ms();
}

static pg_config config = {
    .leds = LEDS,
    .width = LED_WIDTH,
    .height = LED_HEIGHT,
    .max_body = MAX_BODY,
    .rx_bytes = RING_HOLDS,
    .window = WINDOW,
    .line_rate_baud = LINE_RATE_BAUD,
    .codecs = 15,
    .digests = 3,
    .macs = 3,
    .slots = 2,
    .block_bytes = 0xFFFF,
    .firmware_name = "pixelgate-cortex-m",
    .firmware_version = PG_LIBRARY_VERSION,
    .board_name = port_name,
    .rx = rx,
    .decode = decode,
    .decode_bytes = sizeof decode,
    .live = live,
    .live_bytes = sizeof live,
    .send = send,
    .pixels = pixels,
    .show = show,
    .can_show = can_show,
    .set_baud = set_baud,
    .reboot = reboot,
    .now_ms = now_ms,
    .erases = port_store_erases,
};

/* Without storage there is nothing to do: a blink of 5 Hz says so. */
static void give_up(void) {
  for (;;) port_light(clock_ms() / 100 & 1);
}

int main(void) {
  port_start();
  clock_start();
  core_interrupts_on();
  config.max_baud = port_max_baud;
  if (port_store(&config.storage) || pg_board_init(&board, &config, clock_ms())) give_up();
  uint32_t heard = clock_ms() - BUSY_LIGHT_MS;
  for (;;) {
    const uint8_t *bytes;
    const size_t n = ring_piece(&bytes);
    if (n) {
      ring_release(pg_board_sink(&board, bytes, n));
      heard = clock_ms();
    }
    port_light(clock_ms() - heard < BUSY_LIGHT_MS);
    if (pg_board_poll(&board, clock_ms()) == 0) continue;
    core_interrupts_off();
    if (ring_is_empty()) port_sleep(); /* half a millisecond at most: SysTick wakes it */
    core_interrupts_on();
  }
}
