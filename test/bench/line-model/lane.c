#include "lane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BITS_PER_BYTE 10.0 /* 8N1 */
#define LOW_NS 2e6

static double byte_time_ns(double baud) { return BITS_PER_BYTE * 1e9 / baud; }

bool lane_init(lane_t *lane, size_t fifo_bytes, double baud, double bit_error_rate, double adapter_ms, uint64_t seed) {
  memset(lane, 0, sizeof *lane);
  lane->fifo = malloc(fifo_bytes);
  lane->fifo_size = fifo_bytes;
  lane->byte_ns = byte_time_ns(baud);
  lane->bit_error_rate = bit_error_rate;
  lane->adapter_ns = (uint64_t)(adapter_ms * 1e6);
  prng_seed(&lane->prng, seed);
  lane->bits_before_error = prng_trials_before(&lane->prng, bit_error_rate);
  return lane->fifo != NULL;
}

static uint64_t run_end_ns(const lane_t *lane, uint64_t bytes) {
  return lane->run_start_ns + (uint64_t)ceil((double)bytes * lane->byte_ns);
}

void lane_set_baud(lane_t *lane, double baud, uint64_t now_ns) {
  const uint64_t end = run_end_ns(lane, lane->run_bytes);
  lane->run_start_ns = lane->fifo_count > 0 ? end : now_ns;
  lane->run_bytes = 0;
  lane->byte_ns = byte_time_ns(baud);
}

void lane_clear(lane_t *lane) {
  lane->fifo_head = 0;
  lane->fifo_count = 0;
  lane->arrived_count = 0;
}

size_t lane_room(const lane_t *lane) { return lane->fifo_size - lane->fifo_count; }

void lane_put(lane_t *lane, const uint8_t *bytes, size_t count, uint64_t now_ns) {
  if (count == 0) return;
  if (lane->fifo_count == 0) {
    const uint64_t end = run_end_ns(lane, lane->run_bytes);
    lane->run_start_ns = end > now_ns ? end : now_ns;
    lane->run_bytes = 0;
  }
  size_t tail = (lane->fifo_head + lane->fifo_count) % lane->fifo_size;
  size_t first = lane->fifo_size - tail;
  if (first > count) first = count;
  memcpy(lane->fifo + tail, bytes, first);
  memcpy(lane->fifo, bytes + first, count - first);
  lane->fifo_count += count;
}

static void add_noise(lane_t *lane, uint8_t *bytes, size_t count) {
  const uint64_t bits = (uint64_t)count * 8;
  uint64_t at = lane->bits_before_error;
  while (at < bits) {
    bytes[at / 8] ^= (uint8_t)(1u << (at % 8));
    lane->bit_errors++;
    at += 1 + prng_trials_before(&lane->prng, lane->bit_error_rate);
  }
  lane->bits_before_error = at == UINT64_MAX ? at : at - bits;
}

static size_t sent_by(const lane_t *lane, uint64_t now_ns) {
  if (lane->fifo_count == 0 || now_ns <= lane->run_start_ns) return 0;
  const uint64_t ended = (uint64_t)((double)(now_ns - lane->run_start_ns) / lane->byte_ns);
  if (ended <= lane->run_bytes) return 0;
  const uint64_t sent = ended - lane->run_bytes;
  return sent < lane->fifo_count ? (size_t)sent : lane->fifo_count;
}

void lane_advance(lane_t *lane, uint64_t now_ns) {
  size_t left = sent_by(lane, now_ns);
  if (left == 0) return;
  if (lane->arrived_count == 0) lane->oldest_ns = now_ns;
  lane->run_bytes += left;
  lane->bytes += left;
  while (left > 0) {
    size_t piece = lane->fifo_size - lane->fifo_head;
    if (piece > left) piece = left;
    uint8_t *bytes = lane->fifo + lane->fifo_head;
    add_noise(lane, bytes, piece);
    size_t kept = LANE_ARRIVED_BYTES - lane->arrived_count;
    if (kept > piece) kept = piece;
    memcpy(lane->arrived + lane->arrived_count, bytes, kept);
    lane->arrived_count += kept;
    lane->overrun_bytes += piece - kept;
    lane->fifo_head = (lane->fifo_head + piece) % lane->fifo_size;
    lane->fifo_count -= piece;
    left -= piece;
  }
}

size_t lane_ready(const lane_t *lane, uint64_t now_ns) {
  if (lane->adapter_ns == 0 || now_ns >= lane->oldest_ns + lane->adapter_ns) return lane->arrived_count;
  return lane->arrived_count / ADAPTER_PACKET_BYTES * ADAPTER_PACKET_BYTES;
}

void lane_taken(lane_t *lane, size_t count, uint64_t now_ns) {
  lane->arrived_count -= count;
  memmove(lane->arrived, lane->arrived + count, lane->arrived_count);
  if (count > 0) lane->oldest_ns = now_ns;
}

uint64_t lane_deadline_ns(const lane_t *lane) {
  uint64_t deadline = UINT64_MAX;
  if (lane->fifo_count > 0) deadline = run_end_ns(lane, lane->run_bytes + lane->fifo_count);
  if (lane->adapter_ns > 0 && lane->arrived_count > 0) {
    const uint64_t flush = lane->oldest_ns + lane->adapter_ns;
    if (flush < deadline) deadline = flush;
  }
  return deadline;
}

bool lane_low(const lane_t *lane) { return (double)lane->fifo_count * lane->byte_ns < LOW_NS; }
