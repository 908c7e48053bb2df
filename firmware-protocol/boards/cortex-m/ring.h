/* What has arrived and was not handled yet. One writer, the interrupt; one reader, the loop. */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_BYTES 2048u
#define RING_HOLDS (RING_BYTES - 1u) /* one place stays free */

typedef struct byte_ring {
  volatile uint32_t head; /* written by the interrupt alone */
  volatile uint32_t tail;
  volatile uint32_t lost;
  uint8_t bytes[RING_BYTES];
} byte_ring;

extern byte_ring ring;

static inline void ring_put(uint8_t byte) {
  const uint32_t head = ring.head, next = (head + 1u) % RING_BYTES;
  if (next == ring.tail) {
    ring.lost++; /* the frame's CRC will tell */
    return;
  }
  ring.bytes[head] = byte;
  ring.head = next;
}

/* Bytes that lie in one piece; ring_release frees them. */
static inline size_t ring_piece(const uint8_t **bytes) {
  const uint32_t head = ring.head, tail = ring.tail;
  *bytes = ring.bytes + tail;
  return head >= tail ? head - tail : RING_BYTES - tail;
}

static inline void ring_release(size_t n) { ring.tail = (ring.tail + (uint32_t)n) % RING_BYTES; }

static inline int ring_is_empty(void) { return ring.head == ring.tail; }

#endif
