/* Start, dispatch and the loop. */
#include "internal.h"

#define COMPILED_CODECS (1u | (PG_WITH_RLE ? 2u : 0u) | (PG_WITH_LZ ? 12u : 0u))
#define COMPILED_DIGESTS ((PG_WITH_SHA256 ? 1u : 0u) | (PG_WITH_SIPHASH ? 2u : 0u))
#define SMALLEST_AREA 64u

/* Two record areas, then the slots, all in whole erase units. */
static int lay_out(pg_board *b) {
  const pg_config *c = b->config;
  const uint32_t unit = c->storage.erase_unit;
  if (unit == 0 || c->slots == 0 || c->slots == PG_NO_SLOT_INDEX || c->leds == 0 || c->max_body < PG_MIN_BODY ||
      c->max_body > PG_MAX_BODY || !c->rx || !c->send || !c->pixels || !c->show)
    return PG_BAD_ARGUMENT;
  b->area_bytes = unit >= SMALLEST_AREA ? unit : (SMALLEST_AREA + unit - 1) / unit * unit;
  if (c->storage.bytes / 2 < b->area_bytes) return PG_TOO_LARGE;
  b->slot_bytes = (c->storage.bytes - 2 * b->area_bytes) / c->slots / unit * unit;
  return b->slot_bytes < PG_SLOT_HEADER + PG_MANIFEST_FIXED + PG_ENTRY_BYTES + 2 ? PG_TOO_LARGE : 0;
}

int pg_board_init(pg_board *b, const pg_config *config, uint32_t now_ms) {
  static const uint8_t zero[16] = {0};
  memset(b, 0, sizeof *b);
  b->config = config;
  b->now = b->second = now_ms;
  b->host_body = PG_MIN_BODY;
  b->rx.cap = (uint16_t)(config->max_body + PG_FRAME_EXTRA);
  b->player.slot = PG_NO_SLOT_INDEX;
  b->decode_bytes = PG_WITH_LZ && config->decode ? config->decode_bytes : 0;
  b->codecs = (uint16_t)(config->codecs & COMPILED_CODECS & (b->decode_bytes ? 15u : 3u));
  b->digests = (uint8_t)(config->digests & COMPILED_DIGESTS);
  int r = lay_out(b);
  if (r == 0) r = pg_record_load(b);
  if (r) return r;
  pg_record record = b->record;
  record.boot_id++;
  record.trial = PG_NO_SLOT_INDEX; /* a trial does not outlive a restart (SPEC §7.6) */
  if (memcmp(record.uuid, zero, 16) == 0) memcpy(record.uuid, config->uuid, 16);
  if (pg_record_save(b, &record)) return PG_STORAGE;
  pg_transfer_resume(b);
  pg_play_record(b);
  return 0;
}

static int linktest(pg_board *b, uint16_t n) {
  b->detail = b->host_body;
  if (n > b->host_body) return PG_BAD_LENGTH;
  pg_reply(b, PG_T_LINKTEST, n);
  return 0;
}

static int reboot(pg_board *b, uint16_t n) {
  (void)n;
  if (!b->config->reboot) return PG_UNSUPPORTED;
  pg_reply(b, PG_T_REBOOT, 0);
  b->config->reboot(b->config->ctx);
  return 0;
}

#define AT_LEAST 1u
#define STORAGE 2u
#define OPEN 4u /* a paired board does it for anybody */
#define RULE(type, length, how, function) \
  case type:                              \
    need = length;                        \
    flags = how;                          \
    handler = function;                   \
    break;

static int dispatch(pg_board *b, uint16_t n) {
  uint8_t need, flags;
  int (*handler)(pg_board *, uint16_t);
  if (b->type == PG_T_PAIR && !pg_macs(b)) return PG_UNSUPPORTED;
  switch (b->type) {
    RULE(PG_T_HELLO, 5, AT_LEAST | OPEN, pg_hello)
    RULE(PG_T_PROBE, 0, OPEN, pg_probe)
#if PG_WITH_SETBAUD
    RULE(PG_T_SETBAUD, 4, OPEN, pg_setbaud)
#endif
    RULE(PG_T_LINKTEST, 0, AT_LEAST | OPEN, linktest)
    RULE(PG_T_BEGIN, 32, STORAGE, pg_begin)
    RULE(PG_T_HAVEQ, 7, STORAGE, pg_haveq)
    RULE(PG_T_DATA, 0, AT_LEAST | STORAGE, pg_data)
#if PG_WITH_COPY
    RULE(PG_T_COPY, 7, AT_LEAST | STORAGE, pg_copy)
    RULE(PG_T_BLOCKS, 3, STORAGE | OPEN, pg_blocks)
#endif
    RULE(PG_T_VERIFY, 33, STORAGE, pg_verify)
    RULE(PG_T_ACTIVATE, 19, STORAGE, pg_activate)
    RULE(PG_T_CONFIRM, 17, STORAGE, pg_confirm)
    RULE(PG_T_ROLLBACK, 0, STORAGE, pg_rollback)
    RULE(PG_T_ABORT, 16, STORAGE, pg_abort)
    RULE(PG_T_LIST, 1, STORAGE | OPEN, pg_list)
    RULE(PG_T_DELETE, 17, STORAGE, pg_delete)
    RULE(PG_T_SELECT, 17, STORAGE, pg_select)
    RULE(PG_T_BRIGHTNESS, 1, STORAGE, pg_brightness)
    RULE(PG_T_PLAY, 0, STORAGE, pg_play_stop)
    RULE(PG_T_STOP, 0, STORAGE, pg_play_stop)
    RULE(PG_T_NEXT, 0, STORAGE, pg_step)
    RULE(PG_T_PREVIOUS, 0, STORAGE, pg_step)
    RULE(PG_T_STATUS, 0, OPEN, pg_status)
    RULE(PG_T_IDENTIFY, 2, 0, pg_identify)
    RULE(PG_T_REBOOT, 0, 0, reboot)
    RULE(PG_T_SETID, 16, STORAGE, pg_setid)
#if PG_WITH_PAIRING
    RULE(PG_T_PAIR, 0, AT_LEAST | STORAGE | OPEN, pg_pair)
#endif
#if PG_WITH_LIVE
    RULE(PG_T_FRAME, 5, AT_LEAST, pg_frame)
    RULE(PG_T_FILL, 3, AT_LEAST, pg_fill)
#endif
    default:
      return PG_UNSUPPORTED;
  }
  b->detail = need;
  if (n < need || (n > need && !(flags & AT_LEAST))) return PG_BAD_LENGTH;
  b->detail = 0;
  if (!(flags & OPEN) && !pg_trusts_host(b)) return PG_UNAUTHORIZED; /* SPEC §9.2 */
  b->detail = PG_PATIENCE_MS;
  if (b->job.type && flags & STORAGE) {
    if (b->type != b->job.type || b->seq != b->job.seq) return PG_BUSY;
    pg_job_busy(b);
    return 0;
  }
  b->detail = 0;
  return handler(b, n);
}

/* At most one in 20 ms (SPEC §1.6). */
static void refuse_session(pg_board *b) {
  if (b->refused_once && b->now - b->refused < 20) return;
  b->refused_once = 1;
  b->refused = b->now;
  pg_send_err(b, b->from, b->seq, PG_NO_SESSION, b->type, (uint16_t)b->record.boot_id);
}

static void handle(pg_board *b, uint16_t bytes) {
  const uint8_t *frame = b->config->rx;
  const uint16_t n = (uint16_t)(bytes - PG_FRAME_EXTRA);
  b->type = frame[0] & 63;
  b->from = frame[1];
  b->seq = pg_get16(frame + 2);
  b->frames_received++;
#if PG_WITH_SETBAUD
  pg_baud_heard(b);
#endif
  if (b->type == PG_T_ERR) return; /* an answer could go round in circles on a line that echoes */
  const int hello = b->type == PG_T_HELLO;
  const int opens = hello && (n < 5 || pg_body(b)[4] == 0);
  int r;
  b->detail = PG_WIRE_VERSION;
  if (frame[0] >> 6 != PG_WIRE_VERSION && !hello) {
    r = PG_BAD_VERSION;
  } else if (!opens && (b->session == 0 || b->from != b->session)) {
    refuse_session(b);
    return;
  } else {
    b->detail = 0;
    r = b->from ? dispatch(b, n) : PG_BAD_ARGUMENT;
  }
  if (r) {
    const int detailed = r != PG_UNSUPPORTED && r != PG_BAD_STATE && r != PG_STORAGE && r != PG_NOT_FOUND;
    pg_send_err(b, b->from, b->seq, r, b->type, detailed ? b->detail : 0);
  }
}

size_t pg_board_sink(pg_board *b, const uint8_t *bytes, size_t n) {
  const pg_config *c = b->config;
  if (c->now_ms) b->now = c->now_ms(c->ctx);
  for (size_t i = 0; i < n; i++) {
    const int r = pg_rx_push(&b->rx, c->rx, bytes[i]);
    if (bytes[i]) continue;
    const uint16_t length = b->rx.n;
    if (r < 0) b->bytes_dropped += b->rx.wire;
    b->rx.wire = 0;
    b->rx.n = 0;
    if (r > 0) handle(b, length);
    return i + 1;
  }
  return n;
}

static void job_poll(pg_board *b) {
  const pg_config *c = b->config;
  int r;
  b->detail = 0;
  if (b->now - b->job.told >= PG_BUSY_MS) pg_job_busy(b);
  if (c->erases && c->erases(c->ctx)) return;
  switch (b->job.type) {
    case PG_T_BEGIN:
      r = pg_begin_slice(b);
      break;
#if PG_WITH_COPY
    case PG_T_COPY:
      r = pg_copy_slice(b);
      break;
#endif
    default:
      r = pg_verify_slice(b);
  }
  if (r) pg_job_end(b, r, 0);
}

uint32_t pg_board_poll(pg_board *b, uint32_t now_ms) {
  b->now = now_ms;
  for (; now_ms - b->second >= 1000; b->second += 1000) b->uptime++;
  const uint8_t works = b->job.type;
  uint32_t wait = pg_ack_poll(b);
#if PG_WITH_SETBAUD
  wait = pg_min(wait, pg_baud_poll(b));
#endif
  wait = pg_min(wait, pg_trial_poll(b));
  wait = pg_min(wait, pg_overlay_poll(b));
  wait = pg_min(wait, pg_player_poll(b));
  if (!works) return wait;
  job_poll(b); /* last, so that a frame which is due waits for one slice at most */
  return 0;
}
