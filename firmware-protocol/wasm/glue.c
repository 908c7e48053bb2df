/*
 * The board as a WebAssembly module: one board an instance, static buffers, the world as imports of "env".
 *
 * Exports: board_config_ptr, board_start, board_rx_ptr, board_sink, board_poll (see README, WebAssembly).
 */
#include "../src/bytes.h"
#include "pixelgate/board.h"

#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

#define STAGING_BYTES 4608u
#define DECODE_BYTES 65536u
#define LIVE_BYTES 16384u
#define OUT_BYTES 4608u /* the longest encoded frame and its two delimiters are 4125 */

IMPORT("storage_read") int32_t env_storage_read(uint32_t addr, void *bytes, uint32_t n);
IMPORT("storage_write") int32_t env_storage_write(uint32_t addr, const void *bytes, uint32_t n);
IMPORT("storage_erase") int32_t env_storage_erase(uint32_t addr, uint32_t n);
IMPORT("send") void env_send(const uint8_t *bytes, uint32_t n);
IMPORT("pixels") void env_pixels(uint32_t offset, const uint8_t *bytes, uint32_t n);
IMPORT("show") void env_show(uint32_t frame, uint32_t delay_ms, const uint8_t *id);
IMPORT("set_baud") void env_set_baud(uint32_t baud);
IMPORT("reboot") void env_reboot(void);

/* What the host of the module fills in before board_start. */
typedef struct board_settings {
  uint32_t leds, width, height, slots, storage_bytes, erase_unit, max_body, rx_buffer, window, line_rate_baud, max_baud,
      decode_bytes, block_bytes, max_power_ma, codecs, digests, flags, macs;
  uint8_t uuid[16];
  char firmware_name[33], firmware_version[33], board_name[33];
} board_settings;

static board_settings settings;
static pg_config config;
static pg_board board;
static uint8_t staging[STAGING_BYTES];
static uint8_t rx[PG_RX_BYTES(PG_MAX_BODY)];
static uint8_t decode[DECODE_BYTES];
static uint8_t live[LIVE_BYTES];
static uint8_t out[OUT_BYTES];
static uint32_t out_n;
static int rebooting; /* until board_start the chip hears nothing */

void *memcpy(void *to, const void *from, size_t n) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (n--) *t++ = *f++;
  return to;
}

void *memset(void *to, int value, size_t n) {
  uint8_t *t = to;
  while (n--) *t++ = (uint8_t)value;
  return to;
}

int memcmp(const void *a, const void *b, size_t n) {
  const uint8_t *p = a, *q = b;
  for (; n; n--, p++, q++)
    if (*p != *q) return *p < *q ? -1 : 1;
  return 0;
}

static int storage_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  return env_storage_read(addr, bytes, n);
}

static int storage_write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  (void)ctx;
  return env_storage_write(addr, bytes, n);
}

static int storage_erase(void *ctx, uint32_t addr, uint32_t n) {
  (void)ctx;
  return env_storage_erase(addr, n);
}

/* A frame leaves as one piece; only its last byte, or a delimiter before it, is 0. */
static void send(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  for (size_t i = 0; i < n; i++) {
    out[out_n++] = bytes[i];
    if ((bytes[i] && out_n < OUT_BYTES) || out_n == 1) continue;
    env_send(out, out_n);
    out_n = 0;
  }
}

static void pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  (void)ctx;
  env_pixels(offset, bytes, n);
}

static void show(void *ctx, uint32_t frame, uint32_t delay_ms, const uint8_t id[16]) {
  (void)ctx;
  env_show(frame, delay_ms, id);
}

static void set_baud(void *ctx, uint32_t baud) {
  (void)ctx;
  env_set_baud(baud);
}

static void reboot(void *ctx) {
  (void)ctx;
  rebooting = 1;
  env_reboot();
}

static int fits(uint32_t value, uint16_t *field) {
  *field = (uint16_t)value;
  return value <= 0xFFFF;
}

EXPORT("board_config_ptr") board_settings *board_config_ptr(void) { return &settings; }

EXPORT("board_rx_ptr") uint8_t *board_rx_ptr(void) { return staging; }

EXPORT("board_start") int32_t board_start(uint32_t now_ms) {
  const board_settings *s = &settings;
  memset(&config, 0, sizeof config);
  const int sound = fits(s->leds, &config.leds) & fits(s->width, &config.width) & fits(s->height, &config.height) &
                    fits(s->max_body, &config.max_body) & fits(s->rx_buffer, &config.rx_bytes) &
                    fits(s->window, &config.window) & fits(s->block_bytes, &config.block_bytes) &
                    fits(s->max_power_ma, &config.max_power_ma) & fits(s->codecs, &config.codecs);
  if (!sound || s->slots > 254 || s->decode_bytes > DECODE_BYTES) return PG_BAD_ARGUMENT;
  config.storage.read = storage_read;
  config.storage.write = storage_write;
  config.storage.erase = storage_erase;
  config.storage.bytes = s->storage_bytes;
  config.storage.erase_unit = s->erase_unit;
  config.line_rate_baud = s->line_rate_baud;
  config.max_baud = s->max_baud;
  config.decode_bytes = s->decode_bytes;
  config.live_bytes = LIVE_BYTES;
  config.slots = (uint8_t)s->slots;
  config.digests = (uint8_t)s->digests;
  config.flags = (uint8_t)s->flags;
  config.macs = (uint8_t)s->macs;
  memcpy(config.uuid, s->uuid, 16);
  config.firmware_name = s->firmware_name;
  config.firmware_version = s->firmware_version;
  config.board_name = s->board_name;
  config.rx = rx;
  config.decode = decode;
  config.live = live;
  config.send = send;
  config.pixels = pixels;
  config.show = show;
  config.set_baud = set_baud;
  config.reboot = reboot;
  out_n = 0;
  rebooting = 0;
  return pg_board_init(&board, &config, now_ms);
}

EXPORT("board_sink") int32_t board_sink(uint32_t n) {
  uint32_t at = 0;
  if (n > STAGING_BYTES) return PG_BAD_LENGTH;
  while (at < n && !rebooting) {
    at += (uint32_t)pg_board_sink(&board, staging + at, n - at);
    if (!rebooting) pg_board_poll(&board, board.now);
  }
  return (int32_t)n;
}

EXPORT("board_poll") int32_t board_poll(uint32_t now_ms) {
  return rebooting ? 1000 : (int32_t)pg_board_poll(&board, now_ms);
}
