#ifndef LINE_MODEL_LINE_H
#define LINE_MODEL_LINE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "board.h"
#include "lane.h"
#include "options.h"
#include "pty.h"

#define LINE_LINK_BYTES 256
#define LINE_POLLS 2

/* A host's terminal, a line, and a board's terminal or a native board. */
typedef struct {
  const options_t *options;
  char host_link[LINE_LINK_BYTES], board_link[LINE_LINK_BYTES];
  pty_t host, peer;
  board_t *board;
  lane_t to_board, to_host;
  uint64_t handed_out, handed_in; /* bytes handed to the board and to the host */
  uint64_t board_due_ns;
  double host_baud, board_baud;
  uint64_t baud_checked_ns;
  bool cut_done;          /* the cut of the options has happened */
  uint64_t cut_since_ns;  /* a cut waits for the host to read what it was sent; 0: none */
  uint64_t replug_ns;     /* 0: none */
  uint64_t busy_out_ns, busy_in_ns;
  unsigned cuts, resets;
} line_t;

bool line_open(line_t *line, const options_t *options, unsigned index, uint64_t now_ns);
void line_close(line_t *line);
void line_step(line_t *line, uint64_t now_ns);
/* When line_step should be called although no descriptor is ready; UINT64_MAX: never. */
uint64_t line_deadline_ns(const line_t *line, uint64_t tick_ns);
/* Fills LINE_POLLS entries. */
void line_polls(const line_t *line, struct pollfd *polls);
void line_cut(line_t *line, uint64_t now_ns);
bool line_plug(line_t *line);
void line_reset_board(line_t *line, uint64_t now_ns);
void line_report(const line_t *line, FILE *out);

#endif
