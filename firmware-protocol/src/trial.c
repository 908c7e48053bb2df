/* ACTIVATE, CONFIRM, ROLLBACK (SPEC §7.3 … §7.7). A trial is named beside the active slot, never instead of it. */
#include "internal.h"

static int record_slots(pg_board *b, uint8_t active, uint8_t trial, uint8_t playing) {
  pg_record r = b->record;
  if (r.active == active && r.trial == trial && r.playing == playing) return 0;
  r.active = active;
  r.trial = trial;
#if PG_WITH_PAIRING
  if (pg_pairing_activated(b, &r)) return PG_STORAGE;
#endif
  r.playing = playing;
  return pg_record_save(b, &r);
}

/* Plays a verified slot from now on, without a trial (SPEC §8.3). */
int pg_activate_slot(pg_board *b, uint8_t index) {
  if (record_slots(b, index, PG_NO_SLOT_INDEX, 1)) return PG_STORAGE;
  pg_play(b, index);
  return 0;
}

static int end_trial(pg_board *b) {
  if (b->record.trial == PG_NO_SLOT_INDEX) return 0;
  if (record_slots(b, b->record.active, PG_NO_SLOT_INDEX, b->record.playing)) return PG_STORAGE;
  pg_play_record(b);
  return 0;
}

int pg_activate(pg_board *b, uint16_t n) {
  const uint8_t *body = pg_body(b);
  const uint8_t index = body[0];
  const uint16_t seconds = pg_get16(body + 17);
  (void)n;
  b->detail = 17;
  if (seconds == 0 || seconds > 3600) return PG_BAD_ARGUMENT;
  b->detail = 0;
  int r = pg_slot_verified(b, index, body + 1);
  if (r) return r;
  if (index == b->record.active) {
    r = end_trial(b);
  } else {
    const int runs = b->record.trial == index;
    r = record_slots(b, b->record.active, index, b->record.playing);
    if (r) return r;
    b->trial_end = b->now + seconds * (uint32_t)1000;
    if (!runs) pg_play(b, index);
  }
  if (r) return r;
  pg_reply(b, PG_T_ACTIVATE, 19);
  return 0;
}

int pg_confirm(pg_board *b, uint16_t n) {
  const uint8_t index = pg_body(b)[0];
  (void)n;
  const int trial = index == b->record.trial;
  if (index == PG_NO_SLOT_INDEX || !(trial || index == b->record.active)) return PG_BAD_STATE;
  if (pg_slot_verified(b, index, pg_body(b) + 1)) return PG_BAD_STATE;
  const uint8_t playing = b->player.running || b->record.playing;
  if (trial && record_slots(b, index, PG_NO_SLOT_INDEX, playing)) return PG_STORAGE;
  pg_reply(b, PG_T_CONFIRM, 17);
  return 0;
}

int pg_rollback(pg_board *b, uint16_t n) {
  (void)n;
  if (end_trial(b)) return PG_STORAGE;
  pg_send(b, PG_T_ROLLBACK, b->from, b->seq, &b->record.active, 1);
  return 0;
}

uint16_t pg_trial_seconds(const pg_board *b) {
  if (b->record.trial == PG_NO_SLOT_INDEX || pg_due(b->now, b->trial_end)) return 0;
  return (uint16_t)((b->trial_end - b->now + 999) / 1000);
}

uint32_t pg_trial_poll(pg_board *b) {
  if (b->record.trial == PG_NO_SLOT_INDEX) return PG_IDLE_MS;
  if (!pg_due(b->now, b->trial_end)) return pg_min(b->trial_end - b->now, PG_IDLE_MS);
  /* If the record cannot be written the former pattern plays all the same, and the next boot ends the trial. */
  if (end_trial(b)) {
    b->record.trial = PG_NO_SLOT_INDEX;
    pg_play_record(b);
  }
  return 0;
}
