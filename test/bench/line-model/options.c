#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "line-model [options]: serial lines between pairs of pseudo-terminals, 8N1, paced byte by byte\n"
    "  --baud N              bits per second, both directions (115200)\n"
    "  --ber X               bit error rate, per bit of data, both directions (0)\n"
    "  --seed S              of the noise (1)\n"
    "  --adapter-latency MS  hold bytes for the host up to MS or 62 bytes, as an FTDI adapter does (0)\n"
    "  --fifo BYTES          taken from a writer ahead of the line (4096)\n"
    "  --lines N             so many lines; %d in the links is the number of the line, from 0 (1)\n"
    "  --host-link PATH      symbolic link to the host's terminal\n"
    "  --board-link PATH     symbolic link to the board's terminal\n"
    "  --board native        the C board library in place of the board's terminal\n"
    "  --reset-at-byte N     the native board restarts after N bytes\n"
    "  --follow-baud         use the rate the host sets on its terminal; --baud is then the board's first rate\n"
    "  --cut-out N           unplug the host's end after exactly N bytes to the board\n"
    "  --cut-in N            unplug the host's end after exactly N bytes to the host\n"
    "  --replug MS           plug it in again after MS\n"
    "Standard input: cut I | plug I | reset I | stats, one a line; its end stops the model, as SIGTERM does.\n";

static bool number(const char *text, double low, double high, double *value) {
  char *end;
  errno = 0;
  *value = strtod(text, &end);
  if (errno == 0 && end != text && *end == '\0' && *value >= low && *value <= high) return true;
  fprintf(stderr, "line-model: %s is no number from %g to %g\n", text, low, high);
  return false;
}

static bool whole(const char *text, uint64_t *value) {
  double real;
  if (!number(text, 0, 9e15, &real)) return false;
  *value = (uint64_t)real;
  return true;
}

/* A link is a format with at most one %d. */
static bool link_ok(const char *link, bool needed, unsigned lines) {
  if (link == NULL) return !needed;
  const char *percent = strchr(link, '%');
  const bool numbered = percent != NULL && percent[1] == 'd' && strchr(percent + 1, '%') == NULL;
  return percent == NULL ? lines == 1 : numbered;
}

enum { BAUD, BER, SEED, ADAPTER, FIFO, LINES, HOST, BOARD_LINK, BOARD, RESET, FOLLOW, CUT_OUT, CUT_IN, REPLUG };

static const struct option table[] = {
    {"baud", required_argument, NULL, BAUD},       {"ber", required_argument, NULL, BER},
    {"seed", required_argument, NULL, SEED},       {"adapter-latency", required_argument, NULL, ADAPTER},
    {"fifo", required_argument, NULL, FIFO},       {"lines", required_argument, NULL, LINES},
    {"host-link", required_argument, NULL, HOST},  {"board-link", required_argument, NULL, BOARD_LINK},
    {"board", required_argument, NULL, BOARD},     {"reset-at-byte", required_argument, NULL, RESET},
    {"follow-baud", no_argument, NULL, FOLLOW},    {"cut-out", required_argument, NULL, CUT_OUT},
    {"cut-in", required_argument, NULL, CUT_IN},   {"replug", required_argument, NULL, REPLUG},
    {NULL, 0, NULL, 0},
};

static bool take(options_t *options, int option, const char *text) {
  double real;
  switch (option) {
    case BAUD: return number(text, 50, 1e8, &options->baud);
    case BER: return number(text, 0, 0.5, &options->bit_error_rate);
    case SEED: return whole(text, &options->seed);
    case ADAPTER: return number(text, 0, 1000, &options->adapter_ms);
    case FIFO:
      if (!number(text, 1, 1 << 20, &real)) return false;
      options->fifo_bytes = (size_t)real;
      return true;
    case LINES:
      if (!number(text, 1, 256, &real)) return false;
      options->lines = (unsigned)real;
      return true;
    case HOST: options->host_link = text; return true;
    case BOARD_LINK: options->board_link = text; return true;
    case BOARD: options->native_board = strcmp(text, "native") == 0; return options->native_board;
    case RESET: return whole(text, &options->reset_at_byte);
    case FOLLOW: options->follow_baud = true; return true;
    case CUT_OUT: return whole(text, &options->cut_out);
    case CUT_IN: return whole(text, &options->cut_in);
    case REPLUG: return number(text, 0, 1e6, &options->replug_ms);
    default: return false;
  }
}

bool options_read(options_t *options, int argc, char **argv) {
  *options = (options_t){.baud = 115200, .seed = 1, .fifo_bytes = 4096, .lines = 1};
  options->cut_out = options->cut_in = options->reset_at_byte = UINT64_MAX;
  for (;;) {
    const int option = getopt_long(argc, argv, "", table, NULL);
    if (option == -1) break;
    if (!take(options, option, optarg)) {
      fputs(usage, stderr);
      return false;
    }
  }
  if (optind == argc && link_ok(options->host_link, true, options->lines) &&
      link_ok(options->board_link, !options->native_board, options->lines)) {
    return true;
  }
  fputs(usage, stderr);
  return false;
}
