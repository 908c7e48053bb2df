/* Changes of a fuzz-session input: whole steps are inserted, doubled, taken out and changed. */
#include <stdint.h>
#include <string.h>

#include "pixelgate/wire.h"
#include "steps.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static unsigned state;
static unsigned any(unsigned below) {
  state = state * 1103515245u + 12345u;
  return (state >> 16) % below;
}

static size_t splice(uint8_t *data, size_t size, size_t max, size_t at, size_t old, const uint8_t *bytes, size_t n) {
  if (size - old + n > max) return size;
  memmove(data + at + n, data + at + old, size - at - old);
  memcpy(data + at, bytes, n);
  return size - old + n;
}

static size_t new_step(uint8_t *to) {
  static const uint8_t often[] = {PG_T_BEGIN, PG_T_HAVEQ, PG_T_DATA, PG_T_DATA, PG_T_COPY, PG_T_VERIFY, PG_T_ACTIVATE,
                                  PG_T_CONFIRM, PG_T_DELETE, PG_T_SELECT, PG_T_LIST, PG_T_BLOCKS, PG_T_FRAME, PG_T_FILL, PG_T_PAIR, PG_T_SETID,
                                  TIME, RESTART, CUT, POLL, UPLOAD, BUNDLE, MANIFEST, BLOCK, TABLE, FINISH, JUDGE};
  to[0] = any(2) ? often[any(sizeof often)] : (uint8_t)any(KINDS);
  to[1] = (uint8_t)(any(2) ? 0 : any(256));
  to[2] = (uint8_t)(any(3) ? any(9) : any(40));
  for (unsigned i = 0; i < to[2]; i++) to[STEP_BYTES + i] = (uint8_t)(any(2) ? any(4) : any(256));
  return STEP_BYTES + to[2];
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  static size_t starts[MOST_STEPS];
  uint8_t bytes[STEP_BYTES + 255 + 8];
  unsigned n = 0;
  state = seed;
  if (size < SHAPE_BYTES) memset(data, 0, size = max < SHAPE_BYTES ? max : SHAPE_BYTES);
  size_t at = SHAPE_BYTES;
  while (at + STEP_BYTES <= size && n < MOST_STEPS && at + STEP_BYTES + data[at + 2] <= size) {
    starts[n++] = at;
    at += STEP_BYTES + data[at + 2];
  }
  const unsigned how = any(10);
  if (how == 0) return LLVMFuzzerMutate(data, size, max);
  if (how == 1) return data[any(SHAPE_BYTES)] = (uint8_t)any(256), size;
  if (n == 0 || how < 4) return splice(data, size, max, n ? starts[any(n)] : at < size ? at : size, 0, bytes, new_step(bytes));
  const size_t from = starts[any(n)], length = STEP_BYTES + data[from + 2];
  if (how == 4) return splice(data, size, max, from, length, bytes, 0);
  memcpy(bytes, data + from, length);
  if (how == 5) return splice(data, size, max, starts[any(n)], 0, bytes, length);
  if (how == 6) bytes[1] ^= (uint8_t)(1u << any(8));
  else bytes[2] = (uint8_t)LLVMFuzzerMutate(bytes + STEP_BYTES, bytes[2], 255);
  return splice(data, size, max, from, length, bytes, STEP_BYTES + bytes[2]);
}
