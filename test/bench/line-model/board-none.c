/* For builds without the board library. */
#include "board.h"

bool board_available(void) { return false; }

board_t *board_new(unsigned index, double baud, bool changes_baud, uint64_t now_ns) {
  (void)index, (void)baud, (void)changes_baud, (void)now_ns;
  return 0;
}

void board_free(board_t *board) { (void)board; }

void board_receive(board_t *board, const uint8_t *bytes, size_t count, uint64_t now_ns) {
  (void)board, (void)bytes, (void)count, (void)now_ns;
}

uint64_t board_poll(board_t *board, uint64_t now_ns) {
  (void)board, (void)now_ns;
  return UINT64_MAX;
}

void board_reset(board_t *board, uint64_t now_ns) { (void)board, (void)now_ns; }

size_t board_send(board_t *board, uint8_t *bytes, size_t count) {
  (void)board, (void)bytes, (void)count;
  return 0;
}

double board_baud(const board_t *board) {
  (void)board;
  return 0;
}
uint64_t board_rewritten_bytes(const board_t *board) {
  (void)board;
  return 0;
}
