#include "pixelgate/cobs.h"

int pg_cobs_push(pg_cobs_decoder *decoder, uint8_t byte, uint8_t *out) {
  if (decoder->left) {
    decoder->left--;
    *out = byte;
    return 1;
  }
  /* A group of less than 254 bytes stands for its bytes and a zero, unless it is the last. */
  const int zero = decoder->code && decoder->code != 0xFF;
  decoder->code = byte;
  decoder->left = (uint8_t)(byte - 1);
  *out = 0;
  return zero;
}

int pg_cobs_end(pg_cobs_decoder *decoder) {
  const int whole = decoder->left == 0;
  decoder->code = 0;
  decoder->left = 0;
  return whole;
}

void pg_cobs_write(const uint8_t *bytes, size_t n, void (*out)(void *, const uint8_t *, size_t), void *ctx) {
  static const uint8_t delimiter = 0;
  size_t i = 0;
  for (;;) {
    size_t j = i;
    while (j < n && bytes[j] && j - i < 254) j++;
    const uint8_t code = (uint8_t)(j - i + 1);
    out(ctx, &code, 1);
    if (j > i) out(ctx, bytes + i, j - i);
    if (j == n) break;
    i = code == 0xFF ? j : j + 1;
  }
  out(ctx, &delimiter, 1);
}
