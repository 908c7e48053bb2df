/* What the parts of the board share. Handlers return 0 or a negative code, which becomes ERR with board->detail. */
#ifndef PG_INTERNAL_H
#define PG_INTERNAL_H

#include "bytes.h"
#include "pixelgate/board.h"
#include "pixelgate/crc32.h"

#define PG_MANIFEST_BLOCK 0xFFFFu /* the manifest as pseudo-block (SPEC §4.5) */
#define PG_BUSY_MS 100u           /* between two BUSY; SPEC §2.4 wants 200 at most */
#define PG_PATIENCE_MS 200u       /* what BUSY and ERR BUSY promise */

/* frame.c */
int pg_rx_push(pg_rx *rx, uint8_t *buf, uint8_t byte);
static inline uint8_t *pg_body(const pg_board *b) { return b->config->rx + PG_HEADER_BYTES; }
void pg_reply(pg_board *b, uint8_t type, uint16_t n); /* the body stands in pg_body already */
void pg_send(pg_board *b, uint8_t type, uint8_t session, uint16_t seq, const uint8_t *body, uint8_t n);
void pg_send_err(pg_board *b, uint8_t session, uint16_t seq, int code, uint8_t type, uint16_t detail);
uint16_t pg_body_limit(const pg_board *b);

/* record.c */
int pg_record_load(pg_board *b);
int pg_record_save(pg_board *b, const pg_record *record);

/* slot.c */
#define PG_SLOT_HEADER 48u
enum pg_slot_state { PG_SLOT_EMPTY = 0, PG_SLOT_RECEIVING = 1, PG_SLOT_VERIFIED = 2, PG_SLOT_DAMAGED = 3 };
enum pg_slot_mark { PG_MARK_MANIFEST = 44, PG_MARK_VERIFIED = 45, PG_MARK_DAMAGED = 46 };
typedef struct pg_slot {
  uint8_t state;
  uint8_t manifest_done;
  uint16_t blocks;
  uint8_t id[16];
  uint32_t manifest_bytes;
  uint32_t manifest_crc;
  uint32_t image_bytes;
  uint32_t sequence;
  uint32_t manifest; /* addresses */
  uint32_t journal;
  uint32_t image;
} pg_slot;
int pg_read(const pg_board *b, uint32_t addr, void *bytes, uint32_t n);
int pg_write(const pg_board *b, uint32_t addr, const void *bytes, uint32_t n);
int pg_program(const pg_board *b, uint32_t addr, const uint8_t *bytes, uint32_t n); /* leaves alone what is not blank */
int pg_program_zero(const pg_board *b, uint32_t addr); /* one byte, read back */
uint32_t pg_slot_addr(const pg_board *b, uint8_t slot);
uint32_t pg_slot_room(const pg_board *b);
int pg_slot_load(const pg_board *b, uint8_t index, pg_slot *slot);
int pg_slot_mark(const pg_board *b, uint8_t index, uint8_t mark);
int pg_slot_wipe(const pg_board *b, uint8_t index);
void pg_slot_header(uint8_t header[44], const uint8_t id[16], const pg_transfer *transfer, uint32_t sequence);
int pg_slot_in_use(const pg_board *b, uint8_t index);
int pg_slot_find(const pg_board *b, const uint8_t id[16], pg_slot *slot);     /* index or PG_NOT_FOUND */
int pg_slot_verified(pg_board *b, uint8_t index, const uint8_t id[16]); /* 0 or the code for SPEC §7.3 */

/* mac.c: MACs of 16 bytes, numbered as in SPEC §10.2. Each begins with a label that tells its use (SPEC §9.3). */
enum pg_mac_type { PG_MAC_SIPHASH = 1, PG_MAC_HMAC = 2 };
enum pg_mac_label {
  PG_L_NONCE = 0,
  PG_L_BOARD = 1,
  PG_L_HOST = 2,
  PG_L_SET = 3,
  PG_L_MASK = 4,
  PG_L_CLEAR = 5,
  PG_L_MANIFEST = 6,
  PG_L_DIGEST = 7
};
#define PG_MAC_TAG 16u
#if PG_WITH_PAIRING
typedef struct pg_mac {
  uint8_t type;
  union {
#if PG_WITH_SIPHASH
    pg_siphash siphash;
#endif
#if PG_WITH_SHA256
    pg_sha256 sha256;
#endif
  } u;
} pg_mac;
void pg_mac_init(pg_mac *mac, uint8_t type, const uint8_t key[16], uint8_t label);
void pg_mac_update(pg_mac *mac, const void *bytes, size_t n);
void pg_mac_final(pg_mac *mac, const uint8_t key[16], uint8_t tag[PG_MAC_TAG]);
#endif

/* pairing.c */
#if PG_WITH_PAIRING
uint8_t pg_macs(const pg_board *b); /* offered: configured and compiled in */
int pg_paired(const pg_board *b);
int pg_trusts_host(const pg_board *b); /* not paired, or the host of this session has proved itself */
int pg_pair(pg_board *b, uint16_t n);
int pg_pairing_judge(const pg_board *b); /* the open transfer's manifest: its MAC and its generation */
int pg_pairing_digest_key(const pg_board *b, uint8_t key[16]);
int pg_pairing_activated(const pg_board *b, pg_record *record); /* counts the generation of what becomes active */
#else
static inline uint8_t pg_macs(const pg_board *b) { return (void)b, (uint8_t)0; }
static inline int pg_paired(const pg_board *b) { return (void)b, 0; }
static inline int pg_trusts_host(const pg_board *b) { return (void)b, 1; }
#endif

/* transfer.c */
void pg_transfer_resume(pg_board *b);
void pg_transfer_close(pg_board *b);
int pg_transfer_load(pg_board *b, uint8_t index, const pg_slot *slot);
uint32_t pg_transfer_base(const pg_board *b); /* address of the manifest */
uint32_t pg_transfer_journal(const pg_board *b);
uint32_t pg_transfer_image(const pg_board *b);
int pg_transfer_limits(const pg_board *b, uint16_t *detail);
int pg_begin(pg_board *b, uint16_t n);
int pg_begin_slice(pg_board *b);
int pg_abort(pg_board *b, uint16_t n);
void pg_job_start(pg_board *b, uint8_t type);
void pg_job_cancel(pg_board *b);
void pg_job_end(pg_board *b, int code, uint16_t detail);
void pg_job_busy(pg_board *b);

/* stream.c, ack.c */
int pg_haveq(pg_board *b, uint16_t n);
int pg_data(pg_board *b, uint16_t n);
void pg_stream_close(pg_board *b);
uint16_t pg_credit(const pg_board *b);
void pg_ack(pg_board *b);
int pg_probe(pg_board *b, uint16_t n);
uint32_t pg_ack_poll(pg_board *b);

/* copy.c, verify.c */
int pg_blocks(pg_board *b, uint16_t n);
int pg_copy(pg_board *b, uint16_t n);
int pg_copy_slice(pg_board *b);
int pg_verify(pg_board *b, uint16_t n);
int pg_verify_slice(pg_board *b);
uint32_t pg_slice(const pg_board *b);

/* session.c */
#define PG_CAPS_FIXED 62u
void pg_caps(const pg_board *b, uint8_t record[PG_CAPS_FIXED]); /* fixed part of the capability record */
int pg_hello(pg_board *b, uint16_t n);
int pg_setid(pg_board *b, uint16_t n);
int pg_setbaud(pg_board *b, uint16_t n);
int pg_status(pg_board *b, uint16_t n);
void pg_baud_heard(pg_board *b);
uint32_t pg_baud_poll(pg_board *b);

/* pattern.c, trial.c */
int pg_list(pg_board *b, uint16_t n);
int pg_delete(pg_board *b, uint16_t n);
int pg_select(pg_board *b, uint16_t n);
int pg_step(pg_board *b, uint16_t n);
int pg_play_stop(pg_board *b, uint16_t n);
int pg_brightness(pg_board *b, uint16_t n);
int pg_activate(pg_board *b, uint16_t n);
int pg_confirm(pg_board *b, uint16_t n);
int pg_rollback(pg_board *b, uint16_t n);
int pg_activate_slot(pg_board *b, uint8_t index);
uint16_t pg_trial_seconds(const pg_board *b);
uint32_t pg_trial_poll(pg_board *b);

/* player.c, overlay.c */
void pg_play(pg_board *b, uint8_t index); /* from frame 0; 255 = black */
void pg_play_record(pg_board *b);         /* what the record names */
void pg_player_stop(pg_board *b);
uint32_t pg_player_poll(pg_board *b);
int pg_player_soon(const pg_board *b, uint32_t ms);
void pg_emit(void *board, uint8_t *bytes, uint16_t n);
void pg_emit_same(pg_board *b, uint32_t bytes, const uint8_t *value, uint8_t channels);
void pg_show(pg_board *b, uint32_t frame, uint32_t delay_ms, const uint8_t *id);
int pg_show_allowed(pg_board *b, uint32_t due);
int pg_identify(pg_board *b, uint16_t n);
int pg_fill(pg_board *b, uint16_t n);
int pg_frame(pg_board *b, uint16_t n);
uint32_t pg_overlay_poll(pg_board *b);

#define PG_IDLE_MS 1000u

#endif
