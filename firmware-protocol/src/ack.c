/* ACK, ECHO and credit (SPEC §5.6, §5.8). */
#include "internal.h"

/* A chip that cannot receive while it drives LEDs lets nothing be on the wire then. */
uint16_t pg_credit(const pg_board *b) {
  const uint8_t guard = b->config->show_guard_ms;
  return guard && pg_player_soon(b, guard) ? 0 : b->config->window;
}

static void send_state(pg_board *b, uint8_t type, uint16_t seq) {
  uint8_t body[10];
  const uint16_t credit = pg_credit(b);
  pg_put16(body, b->segment.next);
  pg_put32(body + 2, b->segment.mask);
  pg_put16(body + 6, credit);
  pg_put16(body + 8, b->transfer.open ? b->transfer.durable : 0);
  b->segment.unacked = 0;
  b->segment.starved = credit == 0 && b->config->window;
  pg_send(b, type, b->session, seq, body, sizeof body);
}

void pg_ack(pg_board *b) { send_state(b, PG_T_ACK, b->segment.acks++); }

int pg_probe(pg_board *b, uint16_t n) {
  (void)n;
  send_state(b, PG_T_ECHO, b->seq);
  return 0;
}

uint32_t pg_ack_poll(pg_board *b) {
  pg_segment *s = &b->segment;
  if (s->starved && pg_credit(b)) pg_ack(b);
  if (!s->unacked) return s->starved ? 1 : PG_IDLE_MS;
  const uint32_t end = s->since + 5;
  if (!pg_due(b->now, end)) return end - b->now;
  pg_ack(b);
  return PG_IDLE_MS;
}
