/* Requests that take long are done in slices by poll, under BUSY (SPEC §2.4). */
#include "internal.h"

uint32_t pg_slice(const pg_board *b) { return b->config->slice_bytes ? b->config->slice_bytes : 256u; }

/* The job answers to the request in hand. */
void pg_job_start(pg_board *b, uint8_t type) {
  memset(&b->job, 0, sizeof b->job);
  b->job.type = type;
  b->job.seq = b->seq;
  b->job.told = b->now;
}

/* What a job leaves behind is good at any point: a slot without header, or blocks not journaled. */
void pg_job_cancel(pg_board *b) {
  b->job.type = 0;
  b->rx.cap = (uint16_t)(b->config->max_body + PG_FRAME_EXTRA);
}

void pg_job_end(pg_board *b, int code, uint16_t detail) {
  const uint8_t type = b->job.type;
  pg_job_cancel(b);
  if (code) pg_send_err(b, b->session, b->job.seq, code, type, detail);
}

void pg_job_busy(pg_board *b) {
  const pg_job *j = &b->job;
  const uint32_t at = j->end >> 16 ? j->at >> 8 : j->at, end = j->end >> 16 ? j->end >> 8 : j->end;
  uint8_t body[4] = {j->type, 255, 0, 0};
  if (end) body[1] = (uint8_t)(at * 100 / end);
  pg_put16(body + 2, PG_PATIENCE_MS);
  b->job.told = b->now;
  pg_send(b, PG_T_BUSY, b->session, j->seq, body, sizeof body);
}
