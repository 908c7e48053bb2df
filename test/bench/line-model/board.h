#ifndef LINE_MODEL_BOARD_H
#define LINE_MODEL_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The C board library with storage in memory, in this process: many boards cost little. */
typedef struct board board_t;

/* False in a build without the library. */
bool board_available(void);
/* The UUID and nothing else depends on `index`. SETBAUD is offered if the line can follow. NULL: it cannot be made. */
board_t *board_new(unsigned index, double baud, bool changes_baud, uint64_t now_ns);
void board_free(board_t *board);
void board_receive(board_t *board, const uint8_t *bytes, size_t count, uint64_t now_ns);
/* Does what is due; returns when it wants to be called again. */
uint64_t board_poll(board_t *board, uint64_t now_ns);
/* Restarts it; storage stays. */
void board_reset(board_t *board, uint64_t now_ns);
/* Bytes for the host, at most `count`. */
size_t board_send(board_t *board, uint8_t *bytes, size_t count);
/* Its rate; 0 while output of the former rate waits. */
double board_baud(const board_t *board);
/* Bytes programmed where something was programmed since the last erase: what came twice, and nothing else of any size. */
uint64_t board_rewritten_bytes(const board_t *board);

#endif
