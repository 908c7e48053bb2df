/* Consistent overhead byte stuffing (SPEC §1.1), both ways in a stream, without a buffer of its own. */
#ifndef PIXELGATE_COBS_H
#define PIXELGATE_COBS_H

#include <stddef.h>
#include <stdint.h>

typedef struct pg_cobs_decoder {
  uint8_t code; /* code byte of the current group, 0 = none yet */
  uint8_t left; /* bytes of the group still to come */
} pg_cobs_decoder;

/* Takes one byte other than 0x00. Returns 1 and one decoded byte in *out, or 0. Start with both fields 0. */
int pg_cobs_push(pg_cobs_decoder *decoder, uint8_t byte, uint8_t *out);

/* At the delimiter: returns 1 if the groups ended whole (or nothing came), and resets the decoder. */
int pg_cobs_end(pg_cobs_decoder *decoder);

/* Writes the encoding of n bytes and the delimiter by `out`, in pieces. */
void pg_cobs_write(const uint8_t *bytes, size_t n, void (*out)(void *ctx, const uint8_t *bytes, size_t n), void *ctx);

#endif
