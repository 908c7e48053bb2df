#define _GNU_SOURCE
#include "desk.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SLICE_CYCLES (DESK_FREQUENCY / 2000)
#define BEHIND_NS 50000000 /* what the machine could not keep up with beyond this is not made up */

void desk_fail(const char *what) {
  fprintf(stderr, "rig: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

const char *desk_option(int argc, char **argv, const char *name, const char *otherwise) {
  for (int i = 0; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  return otherwise;
}

static void quiet(avr_t *avr, const int level, const char *format, va_list list) {
  (void)avr;
  if (level <= LOG_ERROR) vfprintf(stderr, format, list);
}

void desk_start(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  avr_global_logger_set(quiet);
}

int desk_open_pty(bool held) {
  int master, slave;
  struct termios raw;
  char path[128];
  memset(&raw, 0, sizeof raw);
  cfmakeraw(&raw);
  raw.c_cflag |= CS8 | CREAD | CLOCAL;
  if (openpty(&master, &slave, path, &raw, NULL)) desk_fail("openpty");
  fcntl(master, F_SETFL, O_NONBLOCK);
  if (!held) close(slave);
  printf("{\"ready\":true,\"path\":\"%s\"}\n", path);
  fflush(stdout);
  return master;
}

void desk_read_commands(void (*obey)(char *line)) {
  static char line[512];
  static size_t n;
  char bytes[256];
  const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
  if (got == 0) exit(0);
  for (ssize_t i = 0; i < got; i++) {
    if (bytes[i] != '\n') {
      if (n + 1 < sizeof line) line[n++] = bytes[i];
      continue;
    }
    line[n] = 0;
    n = 0;
    obey(line);
  }
}

uint32_t desk_load_hex(avr_t *avr, const char *path) {
  FILE *file = fopen(path, "r");
  char line[600];
  uint32_t base = 0, lowest = UINT32_MAX;
  if (!file) desk_fail(path);
  while (fgets(line, sizeof line, file)) {
    unsigned count, at, type, value;
    if (sscanf(line, ":%2x%4x%2x", &count, &at, &type) != 3) desk_fail(path);
    if (type == 2 || type == 4) {
      if (sscanf(line + 9, "%4x", &value) != 1) desk_fail(path);
      base = value << (type == 2 ? 4 : 16);
    }
    for (unsigned i = 0; type == 0 && i < count; i++) {
      if (sscanf(line + 9 + 2 * i, "%2x", &value) != 1 || base + at + i > avr->flashend) desk_fail(path);
      avr->flash[base + at + i] = (uint8_t)value;
    }
    if (type == 0 && base + at < lowest) lowest = base + at;
  }
  fclose(file);
  return lowest;
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void desk_run(avr_t *avr, double speed, void (*serve)(void), double *late_ms) {
  int64_t base_ns = now_ns();
  avr_cycle_count_t base = avr->cycle;
  for (;;) {
    const avr_cycle_count_t end = avr->cycle + SLICE_CYCLES;
    while (avr->cycle < end) {
      const int state = avr_run(avr);
      if (state == cpu_Done || state == cpu_Crashed) desk_fail("the program crashed");
    }
    serve();
    const int64_t due = base_ns + (int64_t)((double)(avr->cycle - base) * 1e9 / DESK_FREQUENCY / speed), late = now_ns() - due;
    if (late < 0) {
      const struct timespec wait = {0, -late};
      nanosleep(&wait, NULL);
    } else if (late > BEHIND_NS) {
      *late_ms += (double)late / 1e6;
      base_ns = now_ns();
      base = avr->cycle;
    }
  }
}
