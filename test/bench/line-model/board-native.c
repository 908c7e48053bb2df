#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "pixelgate/board.h"

#define LEDS 256u
#define SIDE 16u
#define SLOTS 2u
#define STORAGE_BYTES (4u << 20)
#define ERASE_UNIT 4096u
#define MAX_BODY 4096u
#define RX_BUFFER 16384u
#define WINDOW 16384u
#define BLOCK_BYTES 32768u
#define DECODE_BYTES 65536u
#define LINE_RATE_BAUD 4000000u
#define OUT_BYTES 65536u
#define ALL_CODECS 0x0fu
#define ALL_DIGESTS 0x03u
/* A board that always wants to be polled again still lets the other lines run. */
#define POLLS_AT_ONCE 64

struct board {
  pg_board state;
  pg_config config;
  uint64_t start_ns;
  double first_baud, baud;
  bool restart;
  /* NOR flash, stored inverted, so that memory never touched is erased and costs nothing. */
  uint8_t *cleared;
  uint8_t rx[PG_RX_BYTES(MAX_BODY)];
  uint8_t decode[DECODE_BYTES];
  uint8_t live[LEDS * 4];
  uint8_t out[OUT_BYTES];
  size_t out_count;
  uint64_t rewritten_bytes;
};

static int storage_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  const board_t *board = ctx;
  uint8_t *to = bytes;
  if (addr > STORAGE_BYTES || n > STORAGE_BYTES - addr) return -1;
  for (uint32_t i = 0; i < n; i++) to[i] = (uint8_t)~board->cleared[addr + i];
  return 0;
}

static int storage_write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  board_t *board = ctx;
  const uint8_t *from = bytes;
  if (addr > STORAGE_BYTES || n > STORAGE_BYTES - addr) return -1;
  for (uint32_t i = 0; i < n; i++) {
    if (from[i] != 0xff && board->cleared[addr + i] != 0) board->rewritten_bytes++;
    board->cleared[addr + i] |= (uint8_t)~from[i];
  }
  return 0;
}

static int storage_erase(void *ctx, uint32_t addr, uint32_t n) {
  board_t *board = ctx;
  if (addr % ERASE_UNIT != 0 || n % ERASE_UNIT != 0 || addr > STORAGE_BYTES || n > STORAGE_BYTES - addr) return -1;
  memset(board->cleared + addr, 0, n);
  return 0;
}

/* What an overfull transmit buffer cannot take is lost; the protocol asks again. */
static void send(void *ctx, const uint8_t *bytes, size_t n) {
  board_t *board = ctx;
  if (n > OUT_BYTES - board->out_count) n = OUT_BYTES - board->out_count;
  memcpy(board->out + board->out_count, bytes, n);
  board->out_count += n;
}

static void pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  (void)ctx, (void)offset, (void)bytes, (void)n;
}

static void show(void *ctx, uint32_t frame, uint32_t delay_ms, const uint8_t id[16]) {
  (void)ctx, (void)frame, (void)delay_ms, (void)id;
}

static void set_baud(void *ctx, uint32_t baud) {
  board_t *board = ctx;
  board->baud = baud == 0 ? board->first_baud : (double)baud;
}

static void reboot(void *ctx) {
  board_t *board = ctx;
  board->restart = true; /* the library may not be called from its callback */
}

static uint32_t ms_since_start(const board_t *board, uint64_t now_ns) {
  return (uint32_t)((now_ns - board->start_ns) / 1000000u);
}

bool board_available(void) { return true; }

static void configure(board_t *board, unsigned index, bool changes_baud) {
  pg_config *config = &board->config;
  config->storage = (pg_storage){.read = storage_read, .write = storage_write, .erase = storage_erase, .ctx = board};
  config->storage.bytes = STORAGE_BYTES;
  config->storage.erase_unit = ERASE_UNIT;
  config->line_rate_baud = LINE_RATE_BAUD;
  config->max_baud = changes_baud ? LINE_RATE_BAUD : 0;
  config->decode_bytes = DECODE_BYTES;
  config->decode = board->decode;
  config->live_bytes = sizeof board->live;
  config->live = board->live;
  config->leds = LEDS;
  config->width = config->height = SIDE;
  config->max_body = MAX_BODY;
  config->rx_bytes = RX_BUFFER;
  config->rx = board->rx;
  config->window = WINDOW;
  config->block_bytes = BLOCK_BYTES;
  config->codecs = ALL_CODECS;
  config->digests = ALL_DIGESTS;
  config->slots = SLOTS;
  config->slice_bytes = 4096;
  config->firmware_name = "line-model";
  config->board_name = "native board";
  config->ctx = board;
  config->send = send;
  config->pixels = pixels;
  config->show = show;
  config->set_baud = set_baud;
  config->reboot = reboot;
  /* A UUID of version 8 (RFC 9562), the number of the line at its end. */
  memcpy(config->uuid, "line\x6d\x6f\x80\x01\x80\x00native", 16);
  config->uuid[14] = (uint8_t)(index >> 8);
  config->uuid[15] = (uint8_t)index;
}

board_t *board_new(unsigned index, double baud, bool changes_baud, uint64_t now_ns) {
  board_t *board = calloc(1, sizeof *board);
  if (board == NULL) return NULL;
  board->start_ns = now_ns;
  board->first_baud = board->baud = baud;
  board->cleared = calloc(1, STORAGE_BYTES);
  configure(board, index, changes_baud);
  if (board->cleared != NULL && pg_board_init(&board->state, &board->config, 0) == 0) return board;
  board_free(board);
  return NULL;
}

void board_free(board_t *board) {
  free(board->cleared);
  free(board);
}

void board_receive(board_t *board, const uint8_t *bytes, size_t count, uint64_t now_ns) {
  while (count > 0) {
    const size_t taken = pg_board_sink(&board->state, bytes, count);
    bytes += taken;
    count -= taken;
    if (board->restart) return board_reset(board, now_ns);
  }
}

uint64_t board_poll(board_t *board, uint64_t now_ns) {
  const uint32_t now_ms = ms_since_start(board, now_ns);
  uint32_t wait_ms = 0;
  for (int i = 0; i < POLLS_AT_ONCE && wait_ms == 0; i++) {
    wait_ms = pg_board_poll(&board->state, now_ms);
    if (board->restart) board_reset(board, now_ns);
  }
  return wait_ms == 0 ? now_ns : board->start_ns + ((uint64_t)now_ms + wait_ms) * 1000000u;
}

void board_reset(board_t *board, uint64_t now_ns) {
  board->restart = false;
  board->out_count = 0;
  board->baud = board->first_baud;
  if (pg_board_init(&board->state, &board->config, ms_since_start(board, now_ns)) != 0) abort();
}

size_t board_send(board_t *board, uint8_t *bytes, size_t count) {
  if (count > board->out_count) count = board->out_count;
  memcpy(bytes, board->out, count);
  board->out_count -= count;
  memmove(board->out, board->out + count, board->out_count);
  return count;
}

double board_baud(const board_t *board) { return board->out_count == 0 ? board->baud : 0; }

uint64_t board_rewritten_bytes(const board_t *board) { return board->rewritten_bytes; }
