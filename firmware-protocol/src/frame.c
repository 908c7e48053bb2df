/* Frames in and out (SPEC §1). */
#include "internal.h"

/* Takes a byte of the wire. 1: a whole frame of rx->n bytes stands in buf; -1: a frame was dropped; 0: neither. */
int pg_rx_push(pg_rx *rx, uint8_t *buf, uint8_t byte) {
  rx->wire++;
  if (byte) {
    uint8_t out;
    if (!pg_cobs_push(&rx->cobs, byte, &out)) return 0;
    if (rx->n >= rx->cap) {
      rx->bad = 1;
      return 0;
    }
    buf[rx->n++] = out;
    rx->crc = pg_crc32(rx->crc, &out, 1);
    return 0;
  }
  const int whole = pg_cobs_end(&rx->cobs);
  const int good = whole && !rx->bad && rx->n >= PG_FRAME_EXTRA && rx->crc == PG_CRC32_RESIDUE;
  rx->bad = 0;
  rx->crc = 0;
  if (good) return 1;
  rx->n = 0;
  return rx->wire > 1 ? -1 : 0;
}

static void out(void *ctx, const uint8_t *bytes, size_t n) {
  const pg_board *b = ctx;
  b->config->send(b->config->ctx, bytes, n);
}

/* `frame` has room for header, n bytes of body that stand there already, and CRC. */
static void transmit(pg_board *b, uint8_t *frame, uint8_t type, uint8_t session, uint16_t seq, uint16_t n) {
  static const uint8_t delimiter = 0;
  frame[0] = (uint8_t)(PG_WIRE_VERSION << 6 | type);
  frame[1] = session;
  pg_put16(frame + 2, seq);
  const uint16_t end = (uint16_t)(PG_HEADER_BYTES + n);
  pg_put32(frame + end, pg_crc32(0, frame, end));
  if (!b->spoke || b->now - b->sent >= 20) out(b, &delimiter, 1);
  pg_cobs_write(frame, (size_t)end + 4, out, b);
  b->spoke = 1;
  b->sent = b->now;
}

void pg_reply(pg_board *b, uint8_t type, uint16_t n) { transmit(b, b->config->rx, type, b->from, b->seq, n); }

void pg_send(pg_board *b, uint8_t type, uint8_t session, uint16_t seq, const uint8_t *body, uint8_t n) {
  uint8_t frame[48 + PG_FRAME_EXTRA]; /* STATUS, the longest, has 46 */
  if (n) memcpy(frame + PG_HEADER_BYTES, body, n);
  transmit(b, frame, type, session, seq, n);
}

void pg_send_err(pg_board *b, uint8_t session, uint16_t seq, int code, uint8_t type, uint16_t detail) {
  uint8_t body[4];
  body[0] = (uint8_t)-code;
  body[1] = type;
  pg_put16(body + 2, detail);
  pg_send(b, PG_T_ERR, session, seq, body, sizeof body);
}

/* Both sides' limit (SPEC §1.8). */
uint16_t pg_body_limit(const pg_board *b) { return (uint16_t)pg_min(b->host_body, b->config->max_body); }
