/*
 * Bytes as they come from the line into a board with the settings of the recorded conversations. The mutator opens a
 * frame, changes its content and closes it again, or adds, doubles and moves whole frames; the rest is noise.
 */
#include "world.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static world w;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const world_shape shape = {.bytes = 65536, .unit = 4096, .decode_bytes = 128, .max_baud = 2000000, .leds = 64,
                                    .max_body = 256, .block_bytes = 4096, .live_bytes = 256, .slots = 2};
  world_open(&w, &shape);
  for (size_t at = 0; at < size;) {
    const size_t n = size - at < 600 ? size - at : 600;
    world_bytes(&w, data + at, n);
    at += n;
    w.now += 7;
    world_poll(&w, 60);
  }
  world_judge(&w);
  world_close(&w);
  return 0;
}

static unsigned state;
static unsigned any(unsigned below) {
  state = state * 1103515245u + 12345u;
  return (state >> 16) % below;
}

typedef struct span {
  size_t at, n; /* without the delimiter */
} span;

static unsigned frames_of(const uint8_t *data, size_t size, span *spans, unsigned most) {
  unsigned found = 0;
  size_t from = 0;
  for (size_t i = 0; i < size && found < most; i++) {
    if (data[i]) continue;
    if (i > from) spans[found++] = (span){from, i - from};
    from = i + 1;
  }
  return found;
}

static size_t replace(uint8_t *data, size_t size, size_t max, size_t at, size_t old, const uint8_t *bytes, size_t n) {
  if (size - old + n > max) return size;
  memmove(data + at + n, data + at + old, size - at - old);
  memcpy(data + at, bytes, n);
  return size - old + n;
}

static const uint8_t types[] = {0x01, 0x05, 0x07, 0x08, 0x10, 0x11, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x20, 0x21,
                                0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x30, 0x31, 0x2C, 0x03, 0x12};
static const uint8_t lengths[] = {5, 0, 4, 9, 32, 7, 64, 14, 33, 19, 17, 0, 16, 3, 1, 17, 17, 1, 0, 0, 0, 0, 0, 2, 0, 16, 17, 6, 4, 4, 9};

static size_t change_content(uint8_t *content, size_t n) {
  const unsigned how = any(6);
  if (how == 0) content[0] = (uint8_t)(0x40 | types[any(sizeof types)]);
  else if (how == 1) content[2] = (uint8_t)(content[2] + any(5) - 2);
  else if (how == 2) content[any((unsigned)n)] ^= (uint8_t)(1u << any(8));
  else return 4 + LLVMFuzzerMutate(content + 4, n - 4, how == 3 && n > 4 ? n - 4 : 256 + 40);
  return n;
}

static size_t change_frame(uint8_t *data, size_t size, size_t max, const span *s) {
  uint8_t content[CONTENT_MAX + 8], wire[WIRE_MAX + 8];
  size_t n = cobs_content(data + s->at, s->n, content, CONTENT_MAX);
  if (n == NO_FRAME || n < 8) return size;
  n = change_content(content, n - 4);
  if (n < 4) n = 4;
  return replace(data, size, max, s->at, s->n + 1, wire, cobs_wire(content, seal(content, n), wire));
}

static size_t new_frame(uint8_t *data, size_t size, size_t max, size_t at, const uint8_t *like, size_t like_n) {
  uint8_t content[400], wire[420], old[CONTENT_MAX];
  const unsigned k = any(sizeof types);
  const size_t n = any(8) ? lengths[k] : any(300);
  const int known = cobs_content(like, like_n, old, sizeof old) != NO_FRAME;
  content[0] = (uint8_t)(0x40 | types[k]);
  content[1] = known ? old[1] : 1;
  content[2] = (uint8_t)any(256);
  content[3] = (uint8_t)any(2);
  for (size_t i = 0; i < n; i++) content[4 + i] = (uint8_t)(any(2) ? any(4) : any(256));
  return replace(data, size, max, at, 0, wire, cobs_wire(content, seal(content, n + 4), wire));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  static span spans[1024];
  state = seed;
  const unsigned n = frames_of(data, size, spans, 1024);
  if (n == 0 || any(8) == 0) return LLVMFuzzerMutate(data, size, max);
  const span *s = &spans[any(n)];
  const unsigned how = any(8);
  uint8_t copy[WIRE_MAX];
  if (how < 4) return change_frame(data, size, max, s);
  if (how == 4) return new_frame(data, size, max, s->at, data + s->at, s->n);
  if (how == 5) return replace(data, size, max, s->at, s->n + 1, copy, 0);
  if (s->n + 1 > sizeof copy) return size;
  memcpy(copy, data + s->at, s->n + 1);
  return replace(data, size, max, spans[any(n)].at, 0, copy, s->n + 1);
}
