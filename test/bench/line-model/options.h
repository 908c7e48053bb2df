#ifndef LINE_MODEL_OPTIONS_H
#define LINE_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  double baud;
  double bit_error_rate; /* per bit of data, both directions */
  double adapter_ms;     /* 0: none */
  uint64_t seed;
  size_t fifo_bytes;
  unsigned lines;
  const char *host_link, *board_link; /* %d: number of the line */
  uint64_t cut_out, cut_in;           /* bytes after which the host's end is unplugged; UINT64_MAX: never */
  double replug_ms;                   /* 0: stays unplugged */
  bool follow_baud;
  bool native_board;
  uint64_t reset_at_byte; /* of those that reach the native board; UINT64_MAX: never */
} options_t;

/* Prints what is wrong, or the usage, and returns false. */
bool options_read(options_t *options, int argc, char **argv);

#endif
