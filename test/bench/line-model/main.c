/* Serial lines between pseudo-terminals for measurements: paced to the byte, noisy on demand. See options.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "line.h"
#include "options.h"

#define TICK_NS 1000000u
#define OVERSLEPT_MAX_NS 100000000u
#define COMMAND_BYTES 64

static volatile sig_atomic_t stopping;

static void on_signal(int signal) {
  (void)signal;
  stopping = 1;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void report(const char *name, const line_t *lines, unsigned count) {
  printf("{\"%s\":true,\"lines\":[", name);
  for (unsigned i = 0; i < count; i++) {
    if (i > 0) putchar(',');
    line_report(&lines[i], stdout);
  }
  puts("]}");
  fflush(stdout);
}

static void announce(const line_t *lines, unsigned count) {
  fputs("{\"ready\":true,\"lines\":[", stdout);
  for (unsigned i = 0; i < count; i++) {
    printf("%s{\"host\":\"%s\",\"board\":\"%s\"}", i > 0 ? "," : "", lines[i].host_link, lines[i].board_link);
  }
  puts("]}");
  fflush(stdout);
}

static void obey(const char *command, line_t *lines, unsigned count) {
  char verb[8];
  unsigned index = 0;
  const int fields = sscanf(command, "%7s %u", verb, &index);
  if (fields >= 1 && strcmp(verb, "stats") == 0) return report("stats", lines, count);
  if (fields < 2 || index >= count) return;
  if (strcmp(verb, "cut") == 0) line_cut(&lines[index], now_ns());
  if (strcmp(verb, "plug") == 0) line_plug(&lines[index]);
  if (strcmp(verb, "reset") == 0) line_reset_board(&lines[index], now_ns());
}

/* False at the end of standard input. */
static bool read_commands(line_t *lines, unsigned count) {
  static char text[COMMAND_BYTES];
  static size_t used;
  for (;;) {
    char byte;
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (byte == '\n') {
      text[used] = '\0';
      used = 0;
      obey(text, lines, count);
    } else if (used < COMMAND_BYTES - 1) {
      text[used++] = byte;
    }
  }
}

static void wait_until(uint64_t deadline_ns, struct pollfd *polls, nfds_t count) {
  const uint64_t now = now_ns();
  const uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  const struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
  ppoll(polls, count, deadline_ns == UINT64_MAX ? NULL : &timeout, NULL);
}

/*
 * Steps all lines to `now`. A model that overslept on a busy machine lives through the missed ticks one by one: a real
 * line would have gone on with what its writer had ready.
 */
static void step(line_t *lines, unsigned count, uint64_t planned, uint64_t now) {
  if (planned < now && now - planned > OVERSLEPT_MAX_NS) planned = now - OVERSLEPT_MAX_NS;
  for (uint64_t at = planned; at < now && now - at > TICK_NS; at += TICK_NS) {
    for (unsigned i = 0; i < count; i++) line_step(&lines[i], at);
  }
  for (unsigned i = 0; i < count; i++) line_step(&lines[i], now);
}

static void run(line_t *lines, unsigned count, struct pollfd *polls) {
  uint64_t deadline = UINT64_MAX;
  while (!stopping) {
    const uint64_t now = now_ns();
    const uint64_t tick = (now / TICK_NS + 1) * TICK_NS;
    step(lines, count, deadline, now);
    deadline = UINT64_MAX;
    for (unsigned i = 0; i < count; i++) {
      const uint64_t due = line_deadline_ns(&lines[i], tick);
      if (due < deadline) deadline = due;
      line_polls(&lines[i], polls + 1 + i * LINE_POLLS);
    }
    polls[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    wait_until(deadline, polls, 1 + count * LINE_POLLS);
    if (polls[0].revents != 0 && !read_commands(lines, count)) return;
  }
}

int main(int argc, char **argv) {
  options_t options;
  if (!options_read(&options, argc, argv)) return 2;
  if (options.native_board && !board_available()) {
    fputs("line-model: built without the board library: run make in firmware-protocol, then here\n", stderr);
    return 2;
  }
  line_t *lines = calloc(options.lines, sizeof *lines);
  struct pollfd *polls = calloc(1 + options.lines * LINE_POLLS, sizeof *polls);
  if (lines == NULL || polls == NULL) return 1;
  const struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000);
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  unsigned open = 0;
  while (open < options.lines && line_open(&lines[open], &options, open, now_ns())) open++;
  const bool ready = open == options.lines;
  if (ready) {
    announce(lines, open);
    run(lines, open, polls);
    report("stopped", lines, open);
  } else {
    fprintf(stderr, "line-model: line %u cannot be made: %s\n", open, strerror(errno));
  }
  for (unsigned i = 0; i < open; i++) line_close(&lines[i]);
  free(polls);
  free(lines);
  return ready ? 0 : 1;
}
