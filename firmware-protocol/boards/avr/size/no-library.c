/* What size.sh links instead of the library, to see what the rest of the firmware takes. */
#include "pixelgate/board.h"

int pg_board_init(pg_board *board, const pg_config *config, uint32_t now_ms) {
  board->config = config;
  return (int)now_ms;
}

size_t pg_board_sink(pg_board *board, const uint8_t *bytes, size_t n) {
  board->type = *bytes;
  return n;
}

uint32_t pg_board_poll(pg_board *board, uint32_t now_ms) {
  (void)board;
  return now_ms;
}
