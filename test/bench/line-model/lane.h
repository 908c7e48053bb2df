#ifndef LINE_MODEL_LANE_H
#define LINE_MODEL_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prng.h"

/* Bytes that have left the line and wait for a slow reader; beyond, bytes are lost as in an overrun UART. */
#define LANE_ARRIVED_BYTES 65536u
/* Payload of a full-speed USB packet of an FTDI adapter: 64 bytes less two of status. */
#define ADAPTER_PACKET_BYTES 62u

/* One direction of a line: a transmit FIFO, a shift register that takes ten bits a byte, noise, perhaps an adapter. */
typedef struct {
  uint8_t *fifo;
  size_t fifo_size, fifo_head, fifo_count;
  double byte_ns;
  /* Byte k of a run of back-to-back bytes ends at run_start + (k + 1) * byte_ns, so rounding never adds up. */
  uint64_t run_start_ns, run_bytes;

  prng_t prng;
  double bit_error_rate;
  uint64_t bits_before_error;

  uint64_t adapter_ns; /* 0: no adapter, bytes are handed over as they come */
  uint64_t oldest_ns;  /* when the first byte that the adapter holds came */
  uint8_t arrived[LANE_ARRIVED_BYTES];
  size_t arrived_count;

  uint64_t bytes, bit_errors, overrun_bytes;
} lane_t;

bool lane_init(lane_t *lane, size_t fifo_bytes, double baud, double bit_error_rate, double adapter_ms, uint64_t seed);
void lane_set_baud(lane_t *lane, double baud, uint64_t now_ns);
/* Forgets what is under way, as a pulled cable does. */
void lane_clear(lane_t *lane);

size_t lane_room(const lane_t *lane);
/* At most lane_room bytes enter the FIFO now. */
void lane_put(lane_t *lane, const uint8_t *bytes, size_t count, uint64_t now_ns);
/* Moves what has left the line by now to `arrived`, with its noise. */
void lane_advance(lane_t *lane, uint64_t now_ns);
/* How many of the arrived bytes may be handed over now. */
size_t lane_ready(const lane_t *lane, uint64_t now_ns);
void lane_taken(lane_t *lane, size_t count, uint64_t now_ns);

/* When the FIFO runs empty, or the adapter's timer ends, whichever is first; UINT64_MAX when nothing is under way. */
uint64_t lane_deadline_ns(const lane_t *lane);
/* Less than two milliseconds of data left: more should be fetched the moment it comes. */
bool lane_low(const lane_t *lane);

#endif
