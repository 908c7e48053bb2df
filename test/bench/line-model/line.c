#include "line.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "baud.h"

/*
 * A cut lets the client read what it was sent: the kernel needs a moment to show it as unread, and a client that reads
 * nothing is not waited for.
 */
#define CUT_SETTLE_NS 5000000u
#define CUT_WAIT_NS 100000000u
#define BAUD_CHECK_NS 1000000u

bool line_open(line_t *line, const options_t *options, unsigned index, uint64_t now_ns) {
  memset(line, 0, sizeof *line);
  line->options = options;
  line->host = line->peer = (pty_t)PTY_CLOSED;
  line->host_baud = line->board_baud = options->baud;
  line->board_due_ns = UINT64_MAX;
  const uint64_t seed = options->seed * 1024 + index * 2;
  const double ber = options->bit_error_rate;
  if (!lane_init(&line->to_board, options->fifo_bytes, options->baud, ber, 0, seed)) return false;
  if (!lane_init(&line->to_host, options->fifo_bytes, options->baud, ber, options->adapter_ms, seed + 1)) return false;
  snprintf(line->host_link, LINE_LINK_BYTES, options->host_link, index);
  if (options->native_board) {
    line->board = board_new(index, options->baud, options->follow_baud, now_ns);
    line->board_due_ns = now_ns;
    if (line->board == NULL) return false;
  } else {
    snprintf(line->board_link, LINE_LINK_BYTES, options->board_link, index);
    if (!pty_open(&line->peer, line->board_link)) return false;
  }
  return line_plug(line);
}

void line_close(line_t *line) {
  pty_close(&line->host, line->host_link);
  if (line->board != NULL) board_free(line->board);
  else pty_close(&line->peer, line->board_link);
  free(line->to_board.fifo);
  free(line->to_host.fifo);
}

bool line_plug(line_t *line) {
  line->replug_ns = 0;
  return line->host.master >= 0 || pty_open(&line->host, line->host_link);
}

void line_cut(line_t *line, uint64_t now_ns) {
  line->cut_since_ns = 0;
  if (line->host.master < 0) return;
  pty_close(&line->host, line->host_link);
  lane_clear(&line->to_board);
  lane_clear(&line->to_host);
  line->cuts++;
  if (line->options->replug_ms > 0) line->replug_ns = now_ns + (uint64_t)(line->options->replug_ms * 1e6);
}

void line_reset_board(line_t *line, uint64_t now_ns) {
  if (line->board == NULL) return;
  board_reset(line->board, now_ns);
  line->board_due_ns = now_ns;
  line->resets++;
}

/* Fetches when half the FIFO is free, so that a streaming writer costs a read every few ticks only. */
static void fetch(lane_t *lane, int fd, board_t *board, uint64_t now_ns) {
  static uint8_t bytes[1 << 16];
  size_t room = lane_room(lane);
  if (room * 2 < lane->fifo_size && !lane_low(lane)) return;
  if (room > sizeof bytes) room = sizeof bytes;
  if (room == 0) return;
  const ssize_t count = board != NULL ? (ssize_t)board_send(board, bytes, room) : read(fd, bytes, room);
  if (count > 0) lane_put(lane, bytes, (size_t)count, now_ns);
}

/* A UART at another rate reads other bytes. */
static void misread(uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(bytes[i] * 167 + 85 + i * 13);
}

static size_t at_most(size_t count, uint64_t limit) { return count < limit ? count : (size_t)limit; }

static void hand_to_board(line_t *line, uint64_t now_ns) {
  lane_t *lane = &line->to_board;
  const options_t *options = line->options;
  const uint64_t left = line->cut_done ? UINT64_MAX : options->cut_out - line->handed_out;
  size_t count = at_most(lane_ready(lane, now_ns), left);
  if (count == 0) return;
  if (line->host_baud != line->board_baud) misread(lane->arrived, count);
  if (line->board != NULL) {
    const bool reset = line->resets == 0 && line->handed_out + count >= options->reset_at_byte;
    if (reset) count = at_most(count, options->reset_at_byte - line->handed_out);
    board_receive(line->board, lane->arrived, count, now_ns);
    line->board_due_ns = now_ns;
    if (reset) line_reset_board(line, now_ns);
  } else {
    const ssize_t taken = write(line->peer.master, lane->arrived, count);
    count = taken > 0 ? (size_t)taken : 0;
  }
  lane_taken(lane, count, now_ns);
  line->handed_out += count;
}

static void hand_to_host(line_t *line, uint64_t now_ns) {
  lane_t *lane = &line->to_host;
  const uint64_t left = line->cut_done ? UINT64_MAX : line->options->cut_in - line->handed_in;
  size_t count = at_most(lane_ready(lane, now_ns), left);
  if (count == 0) return;
  if (line->host.master < 0) return lane_taken(lane, count, now_ns); /* nobody is there */
  if (line->host_baud != line->board_baud) misread(lane->arrived, count);
  const ssize_t taken = write(line->host.master, lane->arrived, count);
  count = taken > 0 ? (size_t)taken : 0;
  lane_taken(lane, count, now_ns);
  if (count == 0) lane->oldest_ns = now_ns; /* the client does not read: the adapter tries again later */
  line->handed_in += count;
}

static void cut_when_due(line_t *line, uint64_t now_ns) {
  const options_t *options = line->options;
  if (!line->cut_done && line->host.master >= 0 &&
      (line->handed_out >= options->cut_out || line->handed_in >= options->cut_in)) {
    line->cut_done = true;
    line->cut_since_ns = now_ns;
  }
  if (line->cut_since_ns == 0) return;
  const uint64_t waited = now_ns - line->cut_since_ns;
  if (waited > CUT_WAIT_NS || (waited > CUT_SETTLE_NS && pty_unread(&line->host) == 0)) line_cut(line, now_ns);
}

static void follow_baud(line_t *line, uint64_t now_ns) {
  if (line->host.slave >= 0 && now_ns >= line->baud_checked_ns + BAUD_CHECK_NS) {
    line->baud_checked_ns = now_ns;
    const double baud = baud_of(line->host.slave);
    if (baud > 0 && baud != line->host_baud) {
      line->host_baud = baud;
      lane_set_baud(&line->to_board, baud, now_ns);
    }
  }
  if (line->board == NULL) {
    line->board_baud = line->host_baud; /* a terminal behind the line follows */
  } else if (line->to_host.fifo_count == 0 && board_baud(line->board) > 0) {
    line->board_baud = board_baud(line->board);
  }
  if (line->to_host.byte_ns * line->board_baud != 1e10) lane_set_baud(&line->to_host, line->board_baud, now_ns);
}

static void count_busy(const lane_t *lane, uint64_t bytes_before, uint64_t *busy_ns) {
  *busy_ns += (uint64_t)((double)(lane->bytes - bytes_before) * lane->byte_ns);
}

void line_step(line_t *line, uint64_t now_ns) {
  if (line->replug_ns != 0 && now_ns >= line->replug_ns) line_plug(line);
  if (line->options->follow_baud) follow_baud(line, now_ns);
  if (line->cut_since_ns == 0) {
    const uint64_t out = line->to_board.bytes, in = line->to_host.bytes;
    lane_advance(&line->to_board, now_ns);
    hand_to_board(line, now_ns);
    if (line->board != NULL && now_ns >= line->board_due_ns) line->board_due_ns = board_poll(line->board, now_ns);
    if (line->host.master >= 0) fetch(&line->to_board, line->host.master, NULL, now_ns);
    fetch(&line->to_host, line->peer.master, line->board, now_ns);
    lane_advance(&line->to_host, now_ns);
    hand_to_host(line, now_ns);
    count_busy(&line->to_board, out, &line->busy_out_ns);
    count_busy(&line->to_host, in, &line->busy_in_ns);
  }
  cut_when_due(line, now_ns);
}

uint64_t line_deadline_ns(const line_t *line, uint64_t tick_ns) {
  uint64_t deadline = line->board_due_ns;
  const lane_t *lanes[] = {&line->to_board, &line->to_host};
  for (int i = 0; i < 2; i++) {
    uint64_t due = lane_deadline_ns(lanes[i]);
    if (lanes[i]->fifo_count > 0 && tick_ns < due) due = tick_ns;
    if (due < deadline) deadline = due;
  }
  if (line->cut_since_ns != 0 && tick_ns < deadline) deadline = tick_ns;
  if (line->replug_ns != 0 && line->replug_ns < deadline) deadline = line->replug_ns;
  return deadline;
}

static struct pollfd poll_of(int fd, const lane_t *source, const lane_t *target) {
  short events = 0;
  if (lane_low(source)) events |= POLLIN;
  if (target->arrived_count > 0 && target->adapter_ns == 0) events |= POLLOUT;
  return (struct pollfd){.fd = events == 0 ? -1 : fd, .events = events};
}

void line_polls(const line_t *line, struct pollfd *polls) {
  polls[0] = poll_of(line->host.master, &line->to_board, &line->to_host);
  polls[1] = poll_of(line->peer.master, &line->to_host, &line->to_board);
  if (line->cut_since_ns != 0) polls[0].fd = polls[1].fd = -1;
}

void line_report(const line_t *line, FILE *out) {
  fprintf(out, "{\"bytesOut\":%llu,\"bytesIn\":%llu,\"bitErrors\":%llu,\"overrunBytes\":%llu,",
          (unsigned long long)line->handed_out, (unsigned long long)line->handed_in,
          (unsigned long long)(line->to_board.bit_errors + line->to_host.bit_errors),
          (unsigned long long)(line->to_board.overrun_bytes + line->to_host.overrun_bytes));
  fprintf(out, "\"busyOutMs\":%.3f,\"busyInMs\":%.3f,\"cuts\":%u,\"resets\":%u,", (double)line->busy_out_ns / 1e6,
          (double)line->busy_in_ns / 1e6, line->cuts, line->resets);
  fprintf(out, "\"rewrittenBytes\":%llu}",
          line->board == NULL ? 0 : (unsigned long long)board_rewritten_bytes(line->board));
}
